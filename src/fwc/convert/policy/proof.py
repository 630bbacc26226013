"""The policy that was written, elaborated and compared with the source."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial

from fwc.analysis.equivalence import Difference, compare
from fwc.diagnostics import Diagnostic, has_errors
from fwc.elaborate.driver import elaborate
from fwc.elaborate.program import ElaborateOptions
from fwc.elaborate.verdicts import MULTICAST
from fwc.ir.match import (
    ALWAYS,
    NEVER,
    AllOf,
    AnyOf,
    EveryNth,
    Field,
    FieldIn,
    Match,
    Not,
    Opaque,
    Per,
    Recent,
    WithinConnections,
    WithinRate,
    all_of,
    any_of,
    negate,
)
from fwc.ir.model import Rule, Ruleset
from fwc.ir.verdict import CONTINUE, DROP, OpaqueAction, Reject
from fwc.ir.walk import map_rules, match_nodes
from fwc.lang.files import FileProblem
from fwc.lang.parse import parse
from fwc.natives import modelled
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.passes.comparable import comparable
from fwc.roundtrip import any_before_tracking, before_tracking
from fwc.source import SourceFile
from fwc.space.boxes import is_stateless


class NoFiles:
    """A policy that was written here includes nothing."""

    def include(self, pattern: str, base: SourceFile) -> Sequence[SourceFile]:
        raise FileProblem(f"{pattern} cannot be read here")

    def data(self, path: str, base: SourceFile) -> tuple[SourceFile, str]:
        raise FileProblem(f"{path} cannot be read here")

    def lock(self) -> dict[str, Sequence[str]]:
        return {}


def elaborated(text: str) -> tuple[Ruleset | None, list[Diagnostic]]:
    """The IR of a policy's text."""
    tree, found = parse(SourceFile("policy.fw", text))
    if tree.broken or has_errors(found):
        return None, found
    policy, more = elaborate(tree, NoFiles(), ElaborateOptions(today="1970-01-01"))
    if policy is None:
        return None, [*found, *more]
    ruleset, problems = modelled(policy.ruleset)
    return (None if problems else ruleset), [*found, *more, *problems]


def proof_side(ruleset: Ruleset, family: Family, names: dict[str, str]) -> Ruleset:
    """The ruleset as both sides are compared: no names of buckets, the policy's names of sets, and no answer to multicast."""
    return comparable(map_rules(ruleset, _silent), family, lambda name: names.get(name, name))


def difference(
    source: Ruleset, policy: Ruleset, families: Sequence[Family], names: dict[str, str]
) -> Difference | None:
    """A packet that the two treat differently, None when there is none. `names` are the policy's names of the source's sets."""
    for family in families:
        right = proof_side(policy, family, {})
        left = proof_side(source, family, names)
        for mine, other in _hook_by_hook(left, right):
            found = compare(mine, other, families=(family,))
            if found is None and any_before_tracking(mine, other):
                found = compare(before_tracking(mine), before_tracking(other), families=(family,))
            if found is not None:
                return found
    return None


def _hook_by_hook(left: Ruleset, right: Ruleset) -> Iterator[tuple[Ruleset, Ruleset]]:
    """Both sides, once for each hook, with what that hook knows of interfaces; all hooks at once where nobody asks.

    iptables compares with an empty name where a packet has no such interface (ip_packet_match in ip_tables.c), so `-i eth0` in
    OUTPUT never matches and `! -i eth0` always does.
    """
    if left.source != "iptables-save":
        yield left, right
        return
    for hook in dict.fromkeys(c.base.hook for side in (left, right) for t in side.tables for c in t.chains if c.base):
        absent = _ABSENT.get(hook)
        mine, other = _only(left, hook), _only(right, hook)
        yield (map_rules(mine, partial(_folded, absent)) if absent is not None else mine), other


_ABSENT = {
    Hook.INPUT: Field.OIF,
    Hook.PREROUTING: Field.OIF,
    Hook.OUTPUT: Field.IIF,
    Hook.POSTROUTING: Field.IIF,
}


def _only(ruleset: Ruleset, hook: Hook) -> Ruleset:
    """The base chains of one hook and all chains that are only called."""
    return dataclasses.replace(
        ruleset,
        tables=tuple(
            dataclasses.replace(t, chains=tuple(c for c in t.chains if c.base is None or c.base.hook is hook))
            for t in ruleset.tables
        ),
    )


def _folded(absent: Field, rule: Rule) -> tuple[Rule, ...]:
    match = _without_interface(rule.match, absent)
    return (rule,) if match is rule.match else (dataclasses.replace(rule, match=match),)


def _without_interface(match: Match, absent: Field) -> Match:
    match match:
        case AllOf(parts):
            return all_of(*(_without_interface(part, absent) for part in parts))
        case AnyOf(parts):
            return any_of(*(_without_interface(part, absent) for part in parts))
        case Not(inner):
            return negate(_without_interface(inner, absent))
        case FieldIn(field, IfaceSet() as names) if field is absent:
            return ALWAYS if "" in names else NEVER
        case _:
            return match


def _silent(rule: Rule) -> tuple[Rule, ...]:
    """Nobody answers multicast and broadcast (RFC 1122 3.2.2; icmp_send and nf_send_reset drop it): refused there is dropped."""
    match = _unnamed(rule.match)
    if match is not rule.match:
        rule = dataclasses.replace(rule, match=match)
    asked = tuple(_asked(match))
    if not isinstance(rule.verdict, Reject):
        return *asked, rule
    quiet = dataclasses.replace(rule, match=all_of(rule.match, FieldIn(Field.DADDR, MULTICAST)), verdict=DROP)
    return *asked, quiet, rule


def _asked(match: Match) -> Iterator[Rule]:
    """What a condition writes down when it is asked (`recent`, the counter of `nth`, whatever fwc does not know), as an effect
    on the packets that get to it: those that meet the conditions before it."""
    parts = match.parts if isinstance(match, AllOf) else (match,)
    for at, part in enumerate(parts):
        for node in match_nodes(part):
            if isinstance(node, Opaque) and is_stateless(node):
                continue
            if isinstance(node, Recent | EveryNth | Opaque):
                text = repr(dataclasses.replace(node, kind="") if isinstance(node, Opaque) else node)
                yield Rule(all_of(*parts[:at]), (OpaqueAction("", text, "asked"),), CONTINUE)


def _unnamed(match: Match) -> Match:
    """Without the names of buckets; buckets that rules share are refused before (`shared_bucket`)."""
    match match:
        case AllOf(parts) | AnyOf(parts):
            new = tuple(_unnamed(part) for part in parts)
            return match if all(a is b for a, b in zip(new, parts, strict=True)) else type(match)(new)
        case Not(inner):
            changed = _unnamed(inner)
            return match if changed is inner else Not(changed)
        case WithinRate() | WithinConnections() if match.over:
            return negate(_unnamed(dataclasses.replace(match, over=False)))
        case WithinRate() | WithinConnections() if match.name and match.per is not Per.ALL:
            return dataclasses.replace(match, name="")
        case _:
            return match
