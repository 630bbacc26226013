"""Structural invariants of the IR: what every front end and every pass must keep, and what no kernel would load."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fwc.diagnostics import Diagnostic, Label, error, warning
from fwc.ir.graph import calls, cycles, reachable
from fwc.ir.match import AnyOf, Field, FieldIn, MaskedIn, Match, Not, SetRef, TupleIn, Values
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, AddToSet, Drop, Goto, Jump, Verdict, VerdictMap
from fwc.ir.walk import CALLS, match_nodes, target_chains
from fwc.net.addresses import AddressSet
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import Origin, Span

_ADDRESS = frozenset({Field.SADDR, Field.DADDR, Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR})
_IFACE = frozenset({Field.IIF, Field.OIF})
_DEEPEST = 200  # conditions nested deeper than this are no condition a person or tool wrote


def verify(ruleset: Ruleset, *, foreign_sets: bool = False) -> list[Diagnostic]:
    """Every broken invariant, at the rule that breaks it; empty for a sound ruleset. With `foreign_sets` the sets are made
    elsewhere (by ipset, for an iptables-save file), so their uses are not checked."""
    out: list[Diagnostic] = []
    seen: dict[tuple[str, str, str], Table] = {}
    for table in ruleset.tables:
        key = (table.family, table.kind, table.name)
        if key in seen:
            out.append(error("FW845", f"table `{table.name}` is defined twice", table.origin.span))
        seen[key] = table
        out.extend(_table(table, foreign_sets))
    return out


def _table(table: Table, foreign_sets: bool) -> Iterator[Diagnostic]:
    chains: dict[str, Chain] = {}
    for chain in table.chains:
        if chain.name in chains:
            yield error(
                "FW845",
                f"chain `{chain.name}` is defined twice",
                chain.origin.span,
                secondary=_at(chains[chain.name].origin, "first here"),
            )
        chains.setdefault(chain.name, chain)
        if chain.base is not None and not isinstance(chain.base.policy, Accept | Drop):
            yield error("FW001", f"the policy of chain `{chain.name}` is neither accept nor drop", chain.origin.span)
    sets: dict[str, int] = {}
    for each in table.sets:
        if each.name in sets:
            yield error("FW845", f"set `{each.name}` is defined twice", each.origin.span)
        sets[each.name] = len(each.fields)
        yield from _elements(each.fields, each.elements, each.origin.span, f"set `{each.name}`")
    for chain in table.chains:
        for rule in chain.rules:
            yield from _rule(rule, chain, chains, None if foreign_sets else sets)
    yield from _cycles(table)


def _at(origin: Origin, message: str) -> tuple[Label, ...]:
    return (Label(origin.span, message),) if origin.span else ()


def _cycles(table: Table) -> Iterator[Diagnostic]:
    graph = calls(table)
    entered = reachable(table)
    for path in cycles(graph):
        closing = graph[path[-2]][path[-1]]
        labels = tuple(
            Label(span, f"`{a}` calls `{b}` here")
            for a, b in pairwise(path)
            if (span := graph[a][b].origin.span) is not None
        )
        # the kernel walks from the base chains only: a circle that none of them leads into loads
        report = error if path[0] in entered else warning
        yield report(
            "FW016",
            f"chains call each other in a circle: {' -> '.join(path)}",
            closing.origin.span,
            secondary=labels,
            help="take one of these jumps out; a packet may not come back into a chain that it is in",
            name="chain-cycle",
        )


def _rule(rule: Rule, chain: Chain, chains: dict[str, Chain], sets: dict[str, int] | None) -> Iterator[Diagnostic]:
    span = rule.origin.span
    for name in target_chains(rule.verdict) if isinstance(rule.verdict, CALLS) else ():
        target = chains.get(name)
        if target is None:
            yield error(
                "FW015", f"chain `{name}` does not exist", span, help="define the chain, or jump to one that exists"
            )
        elif target.base is not None:
            yield error(
                "FW017",
                f"`{name}` is a base chain, and only the kernel calls those",
                span,
                secondary=_at(target.origin, "attached here"),
                help="move the shared rules into a chain of their own and jump to that",
            )
    yield from _match(rule.match, sets, span)
    for action in rule.actions:
        if isinstance(action, AddToSet):
            yield from _set_use(action.set, action.fields, sets, span)
    yield from _verdict(rule.verdict, span)


def _verdict(verdict: Verdict, span: Span | None) -> Iterator[Diagnostic]:
    if isinstance(verdict, VerdictMap):
        yield from _elements(verdict.fields, tuple(e for e, _ in verdict.entries), span, "a verdict map")
        for _, each in verdict.entries:
            if isinstance(each, VerdictMap):
                yield error("FW001", "a verdict map holds another verdict map", span)
    elif isinstance(verdict, Jump | Goto) and not verdict.chain:
        yield error("FW015", "a jump names no chain", span)


def _match(match: Match, sets: dict[str, int] | None, span: Span | None) -> Iterator[Diagnostic]:
    depth = 0
    node = match
    while isinstance(node, Not) and depth <= _DEEPEST:
        depth, node = depth + 1, node.match
    if depth > _DEEPEST:
        yield error("FW001", "the condition is nested too deeply", span)
        return
    for node in match_nodes(match):
        if isinstance(node, SetRef):
            yield from _set_use(node.set, node.fields, sets, span)
        elif isinstance(node, AnyOf) and not node.parts:
            yield error(
                "FW844",
                "a condition with no alternative matches no packet",
                span,
                help="remove the rule, or name what it should match",
            )
        elif isinstance(node, FieldIn):
            yield from _values(node.field, node.values, span)
        elif isinstance(node, MaskedIn):
            if isinstance(node.values, IntervalSet) and not node.values:
                yield error("FW844", f"no value of `{node.field.value}` is left to match", span)
            elif any(low & ~node.mask for low, _ in node.values.runs):
                yield error("FW012", f"a value of `{node.field.value}` has bits outside the mask {node.mask:#x}", span)
        elif isinstance(node, TupleIn):
            yield from _elements(node.fields, node.elements, span, "a set")


def _set_use(
    name: str, fields: tuple[Field, ...], sets: dict[str, int] | None, span: Span | None
) -> Iterator[Diagnostic]:
    if sets is None:
        return
    width = sets.get(name)
    if width is None:
        yield error("FW015", f"set `{name}` does not exist", span, help="declare the set in the same table")
    elif width != len(fields):
        yield error("FW024", f"set `{name}` holds {width} fields, and {len(fields)} are looked up", span)


def _elements(
    fields: tuple[Field, ...], elements: tuple[tuple[Values, ...], ...], span: Span | None, what: str
) -> Iterator[Diagnostic]:
    for element in elements:
        if len(element) != len(fields):
            yield error("FW001", f"an element of {what} has {len(element)} values for {len(fields)} fields", span)
            return
        for field, values in zip(fields, element, strict=True):
            yield from _values(field, values, span)


def _values(field: Field, values: Values, span: Span | None) -> Iterator[Diagnostic]:
    expected = AddressSet if field in _ADDRESS else IfaceSet if field in _IFACE else IntervalSet
    if not isinstance(values, expected):
        yield error("FW001", f"`{field.value}` is compared with values of another kind", span)
    elif values.is_empty if isinstance(values, IfaceSet) else not values:
        yield error(
            "FW844",
            f"no value of `{field.value}` is left to match",
            span,
            help="an empty list never means any; remove the rule or fill the list",
        )
