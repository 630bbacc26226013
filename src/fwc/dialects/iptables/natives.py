"""`native iptables at PLACE`: verbatim rules of the user at the start or end of a builtin chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fwc.dialects.iptables.builtin import BUILTIN
from fwc.dialects.iptables.lexer import split_words
from fwc.dialects.iptables.parts import Inexpressible
from fwc.dialects.iptables.tree import Words
from fwc.ir.model import NativeText
from fwc.net.hooks import Family
from fwc.source import Origin

TARGETS = frozenset({"iptables", "iptables-save"})
_PREFERRED = {"input": "filter", "forward": "filter", "output": "filter", "prerouting": "nat", "postrouting": "nat"}


def native_rules(
    natives: Iterable[NativeText], family: Family, report: Callable[[Inexpressible, Origin], None]
) -> dict[tuple[str, str], tuple[tuple[Words, ...], tuple[Words, ...]]]:
    """(rules before ours, rules behind ours) per table and builtin chain.

    The text is one rule a line, without `-A CHAIN`; `-4` or `-6` in front limits a line to one family, as iptables-restore
    itself does it. `#` begins a comment line.
    """
    out: dict[tuple[str, str], tuple[tuple[Words, ...], tuple[Words, ...]]] = {}
    for native in natives:
        if native.target not in TARGETS:
            continue
        chain, _, edge = native.place.rpartition("-")
        table = _PREFERRED.get(chain)
        if table is None or edge not in ("start", "end") or chain.upper() not in BUILTIN[table]:
            text = f"iptables has no place {native.place!r} for native text"
            report(Inexpressible("native", text, "use input-start, forward-end, and so on"), native.origin)
            continue
        rules = tuple(_rules(native, family, report))
        before, after = out.get((table, chain.upper()), ((), ()))
        out[table, chain.upper()] = (before + rules, after) if edge == "start" else (before, after + rules)
    return out


def _rules(native: NativeText, family: Family, report: Callable[[Inexpressible, Origin], None]) -> Iterable[Words]:
    for line in native.text.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        words = split_words(text)
        if words is None or words[0] in ("-A", "-I", "-D", "COMMIT") or words[0].startswith(("*", ":")):
            problem = Inexpressible(
                "native", f"{text!r} is not one rule without its chain", "write `-p tcp ... -j ACCEPT`"
            )
            report(problem, native.origin)
        elif words[0] not in ("-4", "-6"):
            yield words
        elif words[0] == f"-{family.value}":
            yield words[1:]
