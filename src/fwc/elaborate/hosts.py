"""Which machine is compiled: the host of a fleet file, its target and OS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate.codes import HOST, REDEFINED, SETTING
from fwc.elaborate.expanded import ElaborateOptions
from fwc.elaborate.includes import Loaded
from fwc.elaborate.names import suggestion
from fwc.elaborate.report import mistake
from fwc.elaborate.settings import DECIDING, Placement, read_settings
from fwc.elaborate.when import SYSTEMS, TARGETS, Machine
from fwc.lang import ast
from fwc.net.addresses import NO_ADDRESS, AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.source import Span

DEFAULT_TARGET = "nftables"
SYSTEM_OF = {"pf": "macos", "nftables": "linux", "iptables": "linux"}
TARGET_OF = {"macos": "pf", "linux": DEFAULT_TARGET}


def managed_hosts(file: ast.File, loaded: Loaded) -> dict[str, ast.ManagedHost]:
    """All `host NAME { ... }` blocks of a policy by name, the first of each name."""
    found: dict[str, ast.ManagedHost] = {}
    for statement in _top_level(file, loaded):
        if isinstance(statement, ast.ManagedHost):
            found.setdefault(statement.name.text, statement)
    return found


def choose(
    file: ast.File,
    loaded: Loaded,
    managed: Mapping[str, ast.ManagedHost],
    options: ElaborateOptions,
    out: list[Diagnostic],
) -> Machine | None:
    """The machine to compile, from the options, then its block, then the settings; None when it cannot be told."""
    if not _host_exists(file, managed, options.host, out):
        return None
    host = managed.get(options.host)
    placements = [Placement(s) for s in _top_level(file, loaded) if isinstance(s, ast.SettingsBlock)]
    os_word = target_word = None
    if host is not None:
        placements += [Placement(s, host=True) for s in host.items if isinstance(s, ast.SettingsBlock)]
        os_word = _property(host, ast.HostOs, out)
        target_word = _property(host, ast.HostTarget, out)
    # mistakes in these settings are reported when all settings are read
    chosen = read_settings(placements, [], DECIDING)
    before = len(out)
    os = _word(os_word.os, SYSTEMS, "os", out) if isinstance(os_word, ast.HostOs) else chosen.os
    target = (
        _word(target_word.target, TARGETS, "target", out) if isinstance(target_word, ast.HostTarget) else chosen.target
    )
    if options.target and options.target not in TARGETS:
        out.append(
            mistake(HOST, f"there is no target {options.target!r}", None, help=f"targets are {', '.join(TARGETS)}")
        )
    if len(out) != before:
        return None
    target = TARGETS[options.target or target or TARGET_OF.get(os, DEFAULT_TARGET)]
    os = os or SYSTEM_OF[target]
    if SYSTEM_OF[target] != os:
        span = os_word.span if os_word is not None else next((p.block.span for p in placements), None)
        who = f"host {options.host}" if options.host else "the policy"
        help = f"compile it for {TARGET_OF[os]}, or change its os"
        out.append(mistake(HOST, f"{target} does not run on {os}, which {who} says it has", span, help=help))
        return None
    return Machine(target, os, options.host, chosen.family)


def own_addresses(host: ast.ManagedHost | None) -> AddressSet:
    """The addresses that a managed host's block gives."""
    if host is None:
        return NO_ADDRESS
    return address_set([a for item in host.items if isinstance(item, ast.HostOwnAddress) for a in item.addresses])


def address_set(addresses: Sequence[ast.Address]) -> AddressSet:
    """The union of literals."""
    return AddressSet(
        IntervalSet((a.low, a.high) for a in addresses if a.family is Family.V4),
        IntervalSet((a.low, a.high) for a in addresses if a.family is Family.V6),
    )


def _host_exists(file: ast.File, managed: Mapping[str, ast.ManagedHost], host: str, out: list[Diagnostic]) -> bool:
    listed = ", ".join(sorted(managed)[:20]) + (f" and {len(managed) - 20} more" if len(managed) > 20 else "")
    first = next(iter(managed.values()), None)
    if host and host not in managed:
        meant = suggestion(host, managed)
        span = Span(file.span.file, file.span.start, file.span.start)
        help = f"did you mean {meant}?" if meant else f"hosts are {listed}" if managed else "leave --host out"
        out.append(mistake(HOST, f"the policy manages no host {host!r}", span, help=help))
        return False
    if not host and first is not None:
        message = f"the policy manages {len(managed)} host{'s' * (len(managed) > 1)}, and none was chosen: {listed}"
        out.append(mistake(HOST, message, first.name.span, help=f"choose one: --host {first.name.text}"))
        return False
    return True


def _property(
    host: ast.ManagedHost, kind: type[ast.HostOs] | type[ast.HostTarget], out: list[Diagnostic]
) -> ast.HostOs | ast.HostTarget | None:
    found = [item for item in host.items if isinstance(item, kind)]
    for extra in found[1:]:
        label = Label(found[0].span, "first said here")
        out.append(mistake(REDEFINED, "this is said twice", extra.span, help="keep one of the two", secondary=[label]))
    return found[0] if found else None


def _word(name: ast.Name, words: Sequence[str] | Mapping[str, str], what: str, out: list[Diagnostic]) -> str:
    if name.text in words:
        return name.text
    meant = suggestion(name.text, words)
    help = f"did you mean `{meant}`?" if meant else f"write one of {', '.join(words)}"
    out.append(mistake(SETTING, f"there is no {what} `{name.text}`", name.span, help=help))
    return ""


def _top_level(file: ast.File, loaded: Loaded) -> Sequence[ast.Statement]:
    """The statements of the file and of what it includes outside any block."""
    if not loaded:
        return file.statements
    found: list[ast.Statement] = []
    read: set[str] = set()
    pending: list[tuple[ast.Statement, ...]] = [file.statements]
    while pending:
        for statement in pending.pop():
            if isinstance(statement, ast.Include):
                for included in loaded.get(statement.span, ()):
                    if included.key not in read:
                        read.add(included.key)
                        pending.append(included.file.statements)
            else:
                found.append(statement)
    return found
