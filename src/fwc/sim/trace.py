"""The account of one packet's way: every rule tried, why it matched or not, and what became of the packet."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.ir.match import (
    AllOf,
    AnyOf,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    Opaque,
    SetRef,
    TupleIn,
    Values,
)
from fwc.ir.model import Rule
from fwc.ir.text import match_text
from fwc.ir.verdict import RejectKind
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.packet import Packet
from fwc.records import Record
from fwc.space.words import run_text

_FIELDS = {
    Field.CT_STATE: "the state",
    Field.ICMP: "the icmp type",
    Field.ICMPV6: "the icmpv6 type",
    Field.SADDR: "the source",
    Field.DADDR: "the destination",
    Field.SPORT: "the source port",
    Field.DPORT: "the port",
    Field.PROTOCOL: "the protocol",
    Field.IIF: "the incoming interface",
    Field.OIF: "the outgoing interface",
}
"""What a person calls a field."""


class Step(Record):
    """One event. `kind` is "rule" (tried; `failed` tells the part that did not match, None: it matched), "policy" (the end
    of a base chain), "route", "conntrack", "nat" (a rewrite) or "enter" (a base chain begins). `text` is for reading."""

    kind: str
    hook: Hook | None = None
    table: str = ""
    chain: str = ""
    rule: Rule | None = None
    failed: Match | None = None
    text: str = ""

    @property
    def matched(self) -> bool:
        return self.kind == "rule" and self.failed is None


class Trace(Record):
    """`verdict` is accept, drop or reject. `path` is input, forward, output or loopback: what routing made of the packet at
    last. `rule` decided (None: a chain's policy, or no chain at all), in `chain`. `packet` is as it was delivered, left or
    died; `assumed` lists what had to be assumed, in words."""

    verdict: str
    reject: RejectKind | None
    path: str
    rule: Rule | None
    chain: str
    sent: Packet
    packet: Packet
    snat: tuple[int, int] | None
    dnat: tuple[int, int] | None
    logs: tuple[str, ...]
    effects: tuple[str, ...]
    steps: tuple[Step, ...]
    assumed: tuple[str, ...]

    @property
    def label(self) -> str:
        """The deciding rule's name; in a ruleset read back from a target the comment carries it."""
        return (self.rule.label or self.rule.comment) if self.rule else ""


def lines(trace: Trace) -> Iterator[str]:
    """The trace as text, one line per step."""
    for step in trace.steps:
        where = f"{step.hook.value if step.hook else '':<12} {step.table}/{step.chain}" if step.chain else ""
        if step.kind == "rule" and step.rule is not None:
            yield f"  {where}: {rule_place(step.rule)}: {why(step)}"
        elif step.kind == "enter":
            yield f"{where}"
        else:
            yield f"  {where}{': ' if where else ''}{step.text}"
    decided = rule_place(trace.rule) if trace.rule else (f"the policy of {trace.chain}" if trace.chain else "no rule")
    kind = f" ({trace.reject.value})" if trace.reject else ""
    yield f"{trace.verdict}{kind}, decided by {decided}"
    for text in trace.assumed:
        yield f"assumed: {text}"


def why(step: Step) -> str:
    """Why a rule matched or not, in words."""
    if step.failed is None:
        return "matches" + (f", {step.text}" if step.text else "")
    return f"no: {describe(step.failed)}"


def rule_place(rule: Rule) -> str:
    """Where the rule was written and what it is called."""
    span = rule.origin.span
    name = rule.label or rule.comment or rule.role.value
    return f"{span} ({name})" if span else name


def describe(match: Match) -> str:
    """A failed condition in words; names of sets where the user gave one."""
    match match:
        case FieldIn():
            return f"{_field(match.field)} is not {match.name or values_text(match.field, match.values)}"
        case MaskedIn():
            return f"{match.field.value} & {match.mask:#x} is not {values_text(None, match.values)}"
        case TupleIn():
            return f"{_fields(match.fields)} is not in {match.name or 'the list'}"
        case SetRef():
            return f"{_fields(match.fields)} is not in @{match.set}"
        case Not():
            return f"an excluded condition holds ({_positive(match.match)})"
        case AnyOf():
            return "none of the alternatives holds" if match.parts else "the rule matches nothing"
        case Opaque():
            return f"`{match.text}` is assumed not to match"
        case _:
            return f"`{match_text(match)}` does not hold"


def _positive(match: Match) -> str:
    if isinstance(match, FieldIn):
        return f"{_field(match.field)} is {match.name or values_text(match.field, match.values)}"
    if isinstance(match, AllOf | AnyOf):
        return ", ".join(_positive(part) for part in match.parts[:3])
    return match_text(match)


def _fields(fields: tuple[Field, ...]) -> str:
    return " . ".join(_field(field) for field in fields)


def _field(field: Field) -> str:
    return _FIELDS.get(field, field.value)


def values_text(field: Field | None, values: Values, most: int = 6) -> str:
    """A set of values of a field, cut after `most` items."""
    if isinstance(values, IfaceSet):
        texts = values.texts()
        prefix = "other than " if values.negated else ""
    elif isinstance(values, AddressSet):
        texts = [*values.texts(Family.V4), *values.texts(Family.V6)]
        prefix = ""
    else:
        texts = [run_text(field, low, high) for low, high in values.runs]
        prefix = ""
    more = f", ... ({len(texts)} in all)" if len(texts) > most else ""
    return prefix + ", ".join(texts[:most]) + more
