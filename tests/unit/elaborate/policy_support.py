"""Policies written in a test, elaborated to IR and read back as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fwc.diagnostics import Diagnostic, Severity
from fwc.elaborate.driver import elaborate
from fwc.elaborate.elaborated import Elaborated
from fwc.elaborate.program import ElaborateOptions
from fwc.ir.model import Role, Rule
from fwc.ir.text import rule_text
from fwc.ir.verify import verify
from fwc.lang.files import FileProblem
from fwc.lang.parse import parse
from fwc.source import SourceFile

ZONES = """\
zone wan { iface eth0; address 203.0.113.5 }
zone lan { iface eth1; net 192.168.0.0/24, 2001:db8:1::/64 }
zone dmz { iface eth2; net 10.1.0.0/24 }
host nas = 192.168.0.5, 2001:db8:1::5
host web = 10.1.0.10
"""


class NoFiles:
    """Set files by path; nothing to include."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def include(self, pattern: str, base: SourceFile) -> Sequence[SourceFile]:
        raise FileProblem("there is no such file")

    def data(self, path: str, base: SourceFile) -> tuple[SourceFile, str]:
        return SourceFile(path, self.files[path]), "0" * 64

    def lock(self) -> Mapping[str, Sequence[str]]:
        return {}


def compiled(text: str, **files: str) -> tuple[Elaborated | None, list[Diagnostic]]:
    source = SourceFile("p.fw", "syntax 1\n" + text)
    tree, found = parse(source)
    assert not found, found
    paths = {name.replace("_", "."): content for name, content in files.items()}
    return elaborate(tree, NoFiles(paths), ElaborateOptions(today="2026-01-01"))


def good(text: str, **files: str) -> Elaborated:
    done, found = compiled(text, **files)
    assert done is not None, [(str(d.primary.span) if d.primary else "", d.message) for d in found]
    assert verify(done.ruleset) == []
    return done


def rules(done: Elaborated, chain: str) -> list[Rule]:
    found = done.ruleset.tables[0].chain(chain)
    return [] if found is None else list(found.rules)


def lines(text: str, chain: str, implicit: bool = False, **files: str) -> list[str]:
    """The rules of a chain as text, without the implicit ones."""
    plain = (Role.USER, Role.REPLY, Role.HAIRPIN, Role.FORWARD_ACCEPT, Role.DEFAULT)
    return [rule_text(r).strip() for r in rules(good(ZONES + text, **files), chain) if implicit or r.role in plain]


def chains(text: str) -> dict[str, list[str]]:
    """Every chain with user rules."""
    done = good(ZONES + text)
    return {c.name: found for c in done.ruleset.tables[0].chains if (found := lines(text, c.name))}


def errors(text: str, **files: str) -> list[tuple[str, str]]:
    """Code and marked text of each error."""
    done, found = compiled(ZONES + text, **files)
    bad = [d for d in found if d.severity is Severity.ERROR]
    assert (done is None) == bool(bad)
    for each in bad:
        assert each.help, each.message
    return [(d.code, d.primary.span.text if d.primary else "") for d in bad]
