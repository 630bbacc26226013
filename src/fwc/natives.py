"""Conditions in a target's own words (`if native iptables ...`), read by that target's own reader.

What the reader models becomes the condition that every other part of fwc knows; the rest stays opaque, as in an imported ruleset.
"""

from __future__ import annotations

import dataclasses
from itertools import product

from fwc.diagnostics import Diagnostic, error, has_errors
from fwc.dialects.registry import load_dialect
from fwc.ir.match import AllOf, AnyOf, Match, Not, Opaque
from fwc.ir.model import Rule, Ruleset
from fwc.ir.verdict import ACCEPT
from fwc.ir.walk import map_rules, match_nodes
from fwc.net.hooks import Family
from fwc.source import SourceFile

_FRAMES = {
    "iptables": ("iptables", "*{table}\n:{chain} ACCEPT [0:0]\n-A {chain} {text} -j ACCEPT\nCOMMIT\n"),
    "nft": (
        "nftables",
        "table inet t {{\n chain INPUT {{\n  type filter hook input priority 0; policy accept;\n  {text} accept\n }}\n}}\n",
    ),
}

_PLACES = (("filter", "INPUT"), ("filter", "FORWARD"), ("filter", "OUTPUT"), ("raw", "PREROUTING"))
"""Where iptables is asked: a condition that some of them refuse is taken where it stands later, or refused there."""


def modelled(ruleset: Ruleset) -> tuple[Ruleset, list[Diagnostic]]:
    """The ruleset with every native condition as its dialect reads it, and an error at each rule whose text that dialect does not
    take for conditions of one rule."""
    reader = _Reader()
    changed = map_rules(ruleset, reader.rule)
    return changed, list(reader.found)


class _Reader:
    def __init__(self) -> None:
        self.known: dict[Opaque, Match | str] = {}
        self.found: dict[Diagnostic, None] = {}

    def rule(self, rule: Rule) -> tuple[Rule, ...]:
        if not any(isinstance(n, Opaque) and n.kind == "native" for n in match_nodes(rule.match)):
            return (rule,)
        return (dataclasses.replace(rule, match=self._match(rule.match, rule)),)

    def _match(self, match: Match, rule: Rule) -> Match:
        match match:
            case AllOf(parts) | AnyOf(parts):
                return type(match)(tuple(self._match(part, rule) for part in parts))
            case Not(inner):
                return Not(self._match(inner, rule))
            case Opaque(kind="native"):
                return self._native(match, rule)
            case _:
                return match

    def _native(self, match: Opaque, rule: Rule) -> Match:
        if match not in self.known:
            self.known[match] = _read(match)
        read = self.known[match]
        if not isinstance(read, str):
            return read
        text = f"{match.dialect} does not take `{match.text[:80]}` for a condition: {read}"
        help = f"write what stands in a rule of {match.dialect} between its chain and its verdict"
        self.found[error("FW087", text, rule.origin.span, help=help, name="wrong-condition")] = None
        return match


def _read(match: Opaque) -> Match | str:
    """The condition as the dialect reads it, or why it does not."""
    target, frame = _FRAMES[match.dialect]
    reason = ""
    texts = (
        (match.text, f"-p tcp {match.text}") if target == "iptables" else (match.text,)
    )  # some ask for TCP before them
    for family, (table, chain), text in product(Family, _PLACES, texts):
        source = SourceFile("native", frame.format(table=table, chain=chain, text=text))
        if target == "iptables":
            from fwc.dialects.iptables.parse import parse

            tree, found = parse(source, family)
            ruleset, more = load_dialect(target).lift(tree)
        else:
            parsed, found = load_dialect(target).parse(source)
            ruleset, more = load_dialect(target).lift(parsed)
        if has_errors([*found, *more]):
            reason = reason or next(d.message for d in [*found, *more] if d.severity.value == "error")
            continue
        rules = [rule for table in ruleset.tables for chain in table.chains for rule in chain.rules]
        if len(rules) == 1 and rules[0].verdict == ACCEPT and not rules[0].actions:
            return rules[0].match
        reason = "it holds more than conditions"
    return reason
