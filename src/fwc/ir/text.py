"""A stable, readable dump of the IR: what `--print-after` shows and what the tests of passes compare."""

from __future__ import annotations

import dataclasses
from enum import Enum

from fwc.ir.match import (
    AddressTypeIs,
    AllOf,
    Always,
    AnyOf,
    FieldIn,
    MaskedIn,
    Match,
    NoRoute,
    Not,
    ReversePathFails,
    RouteLeavesBy,
    SetRef,
    TupleIn,
    Values,
)
from fwc.ir.model import Chain, NamedSet, Rule, Ruleset, Table
from fwc.ir.verdict import Action, Goto, Jump, Verdict, VerdictMap
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet

_SHOWN = 16  # values of a set that are printed before "and N more"


def dump(ruleset: Ruleset) -> str:
    """The tables, chains, rules and sets, one rule a line, ending in a newline (empty for an empty ruleset)."""
    lines: list[str] = []
    for table in ruleset.tables:
        lines.append(f"table {table.family} {table.name}" + (f" ({table.kind})" if table.kind else ""))
        lines.extend(_table(table))
    for native in ruleset.natives:
        lines.append(f"native {native.target} at {native.place}: {len(native.text)} characters")
    return "\n".join(lines) + "\n" if lines else ""


def _table(table: Table) -> list[str]:
    lines = [f"  {set_text(each)}" for each in table.sets]
    for chain in table.chains:
        lines.append(f"  {chain_text(chain)}")
        lines.extend(f"    {rule_text(rule)}" for rule in chain.rules)
    return lines


def chain_text(chain: Chain) -> str:
    if chain.base is None:
        return f"chain {chain.name}"
    base = chain.base
    device = f" device {base.device}" if base.device else ""
    policy = verdict_text(base.policy)
    return f"chain {chain.name} at {base.hook}{device} type {base.type} priority {base.priority} policy {policy}"


def set_text(named: NamedSet) -> str:
    fields = " . ".join(field.value for field in named.fields)
    content = " run-time" if named.runtime else ""
    timeout = f" timeout {named.timeout}s" if named.timeout is not None else ""
    shown = [" . ".join(values_text(v) for v in element) for element in named.elements[:_SHOWN]]
    more = f", and {len(named.elements) - _SHOWN} more" if len(named.elements) > _SHOWN else ""
    body = f" {{{', '.join(shown)}{more}}}" if shown else ""
    return f"set {named.name} of {fields}{content}{timeout}{body}"


def rule_text(rule: Rule) -> str:
    parts = [match_text(rule.match)]
    parts.extend(action_text(action) for action in rule.actions)
    parts.append(verdict_text(rule.verdict))
    text = "; ".join(parts)
    if rule.label:
        text += f" as {rule.label}"
    return text


def values_text(values: Values) -> str:
    """The members, sorted; long sets are cut and counted."""
    if isinstance(values, AddressSet):
        texts = [*values.texts(Family.V4), *values.texts(Family.V6)]
    elif isinstance(values, IfaceSet):
        inner = _listed(values.texts())
        return f"not {inner}" if values.negated else inner
    else:
        texts = [str(low) if low == high else f"{low}-{high}" for low, high in values.runs]
    return _listed(texts)


def _listed(texts: list[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    more = f", and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "{" + ", ".join(texts[:_SHOWN]) + more + "}"


def match_text(match: Match) -> str:
    match match:
        case Always():
            return "always"
        case FieldIn(field, values):
            return f"{field.value} {values_text(values)}"
        case MaskedIn(field, mask, values, family):
            of = f" (IPv{family.value})" if family else ""
            return f"{field.value} & {mask:#x}{of} {values_text(values)}"
        case TupleIn(fields, elements):
            shown = [" . ".join(values_text(v) for v in element) for element in elements[:_SHOWN]]
            more = f", and {len(elements) - _SHOWN} more" if len(elements) > _SHOWN else ""
            return f"({' . '.join(f.value for f in fields)}) in {{{', '.join(shown)}{more}}}"
        case SetRef(name, fields):
            return f"({' . '.join(f.value for f in fields)}) in set {name}"
        case Not(inner):
            return f"not ({match_text(inner)})"
        case AllOf(parts):
            return " and ".join(f"({match_text(p)})" if isinstance(p, AnyOf) else match_text(p) for p in parts)
        case AnyOf(parts):
            return " or ".join(f"({match_text(p)})" for p in parts) if parts else "never"
        case AddressTypeIs(side, kind):
            return f"{side.value} is {kind}"
        case ReversePathFails(loose, mark):
            return f"the {'loose' if loose else 'strict'} reverse path check {'by mark ' if mark else ''}fails"
        case RouteLeavesBy(interfaces):
            return f"the route leaves by {', '.join(interfaces)}"
        case NoRoute(side):
            return f"no route to {side.value}"
        case _:
            return _record_text(match)


def action_text(action: Action) -> str:
    return _record_text(action)


def verdict_text(verdict: Verdict) -> str:
    if isinstance(verdict, Jump | Goto):
        return f"{type(verdict).__name__.lower()} {verdict.chain}"
    if isinstance(verdict, VerdictMap):
        shown = [
            f"{' . '.join(values_text(v) for v in element)}: {verdict_text(each)}"
            for element, each in verdict.entries[:_SHOWN]
        ]
        more = f", and {len(verdict.entries) - _SHOWN} more" if len(verdict.entries) > _SHOWN else ""
        return f"map {' . '.join(f.value for f in verdict.fields)} {{{', '.join(shown)}{more}}}"
    return _record_text(verdict)


def _record_text(node: Action | Verdict | Match) -> str:
    """The type's name and the fields that differ from their defaults."""
    parts = []
    for each in dataclasses.fields(node):
        value = getattr(node, each.name)
        if each.default is not dataclasses.MISSING and value == each.default:
            continue
        parts.append(f"{each.name}={_plain(value)}")
    name = type(node).__name__.lower()
    return f"{name}({', '.join(parts)})" if parts else name


def _plain(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(str, value))) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(_plain(v) for v in value) + ")"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown = [
            f"{f.name}={_plain(getattr(value, f.name))}"
            for f in dataclasses.fields(value)
            if getattr(value, f.name) is not None
        ]
        return f"{type(value).__name__.lower()}({', '.join(shown)})"
    return repr(value)
