"""Where a rule stands: what a condition that is respelled may rely on."""

from __future__ import annotations

import dataclasses

from fwc.ir.graph import bases_of
from fwc.ir.match import AllOf, Field, FieldIn, HelperIs, MaskedIn, Match, Opaque, WithinConnections, family_is
from fwc.ir.model import Base, Rule, Ruleset, Table
from fwc.ir.verdict import (
    Accept,
    AssignHelper,
    Continue,
    CopyMark,
    Dnat,
    Drop,
    Goto,
    Jump,
    Masquerade,
    Netmap,
    OpaqueVerdict,
    Redirect,
    Reject,
    Return,
    SetField,
    Snat,
)
from fwc.ir.walk import conjuncts, match_nodes
from fwc.ir.walk import rules as walk_rules
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.records import Record

_DEFRAGMENTATION = -400
"""The priority at which the kernel puts fragments together where connections are tracked (NF_IP_PRI_CONNTRACK_DEFRAG)."""
_CT_FIELDS = frozenset(
    {
        Field.CT_STATE,
        Field.CT_STATUS,
        Field.CT_MARK,
        Field.CT_ORIG_DPORT,
        Field.CT_ORIG_SADDR,
        Field.CT_ORIG_DADDR,
    }
)
_FIELDS_OF_BOTH = frozenset(
    {
        Field.CT_STATE,
        Field.CT_STATUS,
        Field.CT_MARK,
        Field.PROTOCOL,
        Field.SPORT,
        Field.DPORT,
        Field.IIF,
        Field.OIF,
        Field.MARK,
    }
)
_FAMILIES = {"ip": frozenset({Family.V4}), "ip6": frozenset({Family.V6})}
_TRACKING_TEXTS = frozenset({"nat", "MASQUERADE", "SNAT", "DNAT", "TPROXY", "tproxy"})
_TRACKING = Snat | Dnat | Masquerade | Redirect | Netmap


class Place(Record):
    """`protocols` are those that the rule asks for, None for any. `joined` says that packets in pieces are put together before
    they come here, `whole` that at least iptables asks no later piece. `bases` are the base chains that lead here."""

    family: str
    target: str
    protocols: IntervalSet | None
    joined: bool
    whole: bool
    bases: tuple[Base, ...]

    def inside(self, hooks: frozenset[Hook], priority: int) -> bool:
        """Whether every base chain that leads here is of one of these hooks and this priority."""
        return bool(self.bases) and all(b.hook in hooks and b.priority == priority for b in self.bases)

    def only(self, protocol: int) -> bool:
        """Whether the rule asks for this protocol by itself."""
        return self.protocols == IntervalSet.of(protocol)


def places(table: Table, target: str, tracked: frozenset[Family]) -> dict[str, Place]:
    """For each chain the place of a rule that asks nothing else. `tracked` are the families whose connections are tracked."""
    roots = bases_of(table)
    early = any(c.base.priority <= _DEFRAGMENTATION for c in table.chains if c.base is not None)
    joined = not early and _FAMILIES.get(table.family, frozenset(Family)) <= tracked
    return {c.name: Place(table.family, target, None, joined, joined, roots.get(c.name, ())) for c in table.chains}


def tracked(ruleset: Ruleset) -> frozenset[Family]:
    """The families for which some rule makes the kernel track connections or look for the sockets of transparent proxies."""
    rules = ((table, rule) for table, _, _, rule in walk_rules(ruleset) if _tracking(rule))
    return frozenset(family for table, rule in rules for family in _spoken(table, rule))


def _spoken(table: Table, rule: Rule) -> frozenset[Family]:
    """The families of whose packets the rule surely speaks: each becomes a ruleset of its own."""
    if table.family != "inet":
        return _FAMILIES.get(table.family, frozenset())
    asked = conjuncts(rule.match)
    named = frozenset(family for family in Family if family_is(family) in asked)
    return named or (frozenset(Family) if _of_both(rule) else frozenset())


def of_rule(place: Place, rule: Rule) -> Place:
    """The place with what the rule's other conditions say."""
    protocols: IntervalSet | None = None
    whole = place.whole
    for part in conjuncts(rule.match):
        if isinstance(part, FieldIn) and part.field is Field.PROTOCOL and isinstance(part.values, IntervalSet):
            protocols = part.values if protocols is None else protocols & part.values
        whole = whole or _reads_header(part)
    return dataclasses.replace(place, protocols=protocols, whole=whole)


def _reads_header(part: Match) -> bool:
    """A port or a flag, which iptables never finds in a later piece of a packet."""
    if isinstance(part, FieldIn):
        return part.field in (Field.SPORT, Field.DPORT)
    return isinstance(part, MaskedIn) and part.field is Field.TCP_FLAGS and part.mask & ~0x3F == 0


def _of_both(rule: Rule) -> bool:
    if isinstance(rule.verdict, OpaqueVerdict) and rule.verdict.kind != "tproxy":
        return False
    nodes = [node for node in match_nodes(rule.match) if not isinstance(node, AllOf)]
    return isinstance(rule.verdict, Accept | Drop | Reject | Jump | Goto | Return | Continue | OpaqueVerdict) and all(
        isinstance(node, FieldIn | MaskedIn) and node.field in _FIELDS_OF_BOTH for node in nodes
    )


def _tracking(rule: Rule) -> bool:
    if isinstance(rule.verdict, _TRACKING):
        return True
    if isinstance(rule.verdict, OpaqueVerdict) and rule.verdict.kind in _TRACKING_TEXTS:
        return True
    for action in rule.actions:
        if isinstance(action, CopyMark | AssignHelper) or (
            isinstance(action, SetField) and action.field is Field.CT_MARK
        ):
            return True
    return any(_tracked(node) for node in match_nodes(rule.match))


def _tracked(node: Match) -> bool:
    if isinstance(node, FieldIn | MaskedIn):
        return node.field in _CT_FIELDS
    if isinstance(node, Opaque):
        return node.kind in ("conntrack", "connbytes", "connlabel") or node.kind.startswith("ct ")
    return isinstance(node, HelperIs | WithinConnections)
