"""What Docker publishes, read from its chains."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.ir.match import Field
from fwc.ir.model import Chain, Rule
from fwc.ir.verdict import Dnat, Drop, Reject
from fwc.lints._conditions import ports
from fwc.lints._context import LintContext
from fwc.net.intervals import IntervalSet
from fwc.records import Record
from fwc.source import Span


class Published(Record):
    """A port of this machine and the port of the container that its packets go to."""

    port: int
    target: int
    span: Span | None


def published(context: LintContext) -> list[Published]:
    """The single ports that the DOCKER chain of the nat table translates, in file order."""
    out: list[Published] = []
    for table in context.ruleset.tables:
        for chain in table.chains:
            if chain.name != "DOCKER":
                continue
            for rule in chain.rules:
                wanted = ports(rule.match)
                if not isinstance(rule.verdict, Dnat) or wanted is None or wanted.size() != 1:
                    continue
                port = wanted.runs[0][0]
                target = rule.verdict.targets[0].ports
                out.append(Published(port, target[0] if target else port, rule.origin.span))
    return out


def denials(chain: Chain) -> Iterator[tuple[Rule, IntervalSet]]:
    """The rules of a chain that drop or reject certain ports."""
    for rule in chain.rules:
        denied = ports(rule.match)
        if denied is not None and isinstance(rule.verdict, Drop | Reject):
            yield rule, denied


def original_port_named(context: LintContext, match: object) -> bool:
    """Whether the rule asks for the port before translation."""
    from fwc.ir.match import FieldIn
    from fwc.ir.walk import match_nodes

    return any(isinstance(n, FieldIn) and n.field is Field.CT_ORIG_DPORT for n in match_nodes(match))  # type: ignore[arg-type]
