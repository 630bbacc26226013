"""Whether the assertions of a policy hold for a ruleset: the policy's own, or what was emitted for a target, read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fwc.analysis.firstmatch import NOWHERE
from fwc.analysis.program import ProgramTooLarge
from fwc.elaborate.elaborated import Assertion, Elaborated
from fwc.ir.match import Field, MaskedIn, Match
from fwc.ir.model import Chain, Role, Rule, Ruleset
from fwc.ir.verdict import Accept
from fwc.ir.walk import match_nodes
from fwc.lints._journey import Found, Journey, Wanted
from fwc.net.hooks import Family, Hook
from fwc.records import Record
from fwc.source import Span
from fwc.space.boxes import same_name
from fwc.space.complement import TooManyBoxes
from fwc.space.cover import BudgetSpent
from fwc.space.fields import Box

IMPLICIT = frozenset({Role.LOOPBACK, Role.ESTABLISHED, Role.INVALID_DROP, Role.ICMPV6_ND, Role.DHCP_CLIENT})
"""Rules 1 to 5 of every policy; an assertion without `strict` does not speak of the packets they accept."""


class Failure(Record):
    """An assertion that does not hold. `found` is the packet that shows it (None for `some`, of which no packet can be shown,
    and when it was not decided); `rule` decides that packet, `span` is its place."""

    assertion: Assertion
    message: str
    found: Found | None = None
    rule: Rule | None = None
    span: Span | None = None
    undecided: bool = False


def failures(
    elaborated: Elaborated, ruleset: Ruleset | None = None, set_name: Callable[[str], str] = same_name
) -> Iterator[Failure]:
    """The assertions that do not hold for `ruleset`, the policy's own IR when None, in the order of the file."""
    if not elaborated.assertions:
        return
    checker = _Checker(elaborated, ruleset if ruleset is not None else elaborated.ruleset, set_name)
    for assertion in elaborated.assertions:
        failure = checker.check(assertion)
        if failure is not None:
            yield failure


class _Checker:
    def __init__(self, elaborated: Elaborated, ruleset: Ruleset, set_name: Callable[[str], str]) -> None:
        self.policy = elaborated.ruleset
        self.ruleset = ruleset
        self.set_name = set_name
        self.others = bool(self.policy.settings.coexist) or _reads_dnat(self.policy)
        self._journeys: dict[Family, Journey] = {}
        self._implicit: dict[tuple[Family, Hook], tuple[Box, ...]] = {}

    def check(self, assertion: Assertion) -> Failure | None:
        native = self._native(assertion)
        if native is not None:
            return native
        try:
            return self._decide(assertion)
        except (BudgetSpent, ProgramTooLarge, TooManyBoxes):
            return Failure(
                assertion, "whether this holds could not be decided: the rules are too entangled", undecided=True
            )

    def _native(self, assertion: Assertion) -> Failure | None:
        """Verbatim text of a target may decide anything; in what was read back it is text no longer."""
        hooks = {hook.value for hook, _ in assertion.matches} | {"prerouting", "postrouting"}
        for native in self.ruleset.natives:
            if native.place.split("-")[0] in hooks:
                message = f"whether this holds is not known: `native {native.target}` text decides first"
                return Failure(assertion, message, span=native.origin.span, undecided=True)
        return None

    def _decide(self, assertion: Assertion) -> Failure | None:
        for family in assertion.families:
            journey = self._journey(family)
            for hook, match in assertion.matches:
                boxes = journey.boxes(match)
                if boxes:
                    found = self._ask(assertion, journey, hook, boxes)
                    if assertion.quantifier == "some":
                        if found is not None:
                            return None
                    elif found is not None:
                        return self._failed(assertion, found)
        if assertion.quantifier != "some":
            return None
        return Failure(assertion, "no packet that this asks for is certain to be accepted")

    def _ask(self, assertion: Assertion, journey: Journey, hook: Hook, boxes: Sequence[Box]) -> Found | None:
        from fwc.lints._journey_search import find

        implicit = () if assertion.strict else self._admitted(journey, hook)
        if assertion.quantifier == "never":
            first = journey.first_packets(self.others, strictly=False)
            return find(journey, hook, first, boxes, Wanted.ACCEPTED, implicit)
        first = journey.first_packets(self.others, strictly=True)
        met = [journey.dimensions.meet(a, b) for a in first for b in boxes]
        sent = [own for box in met if box is not None for own in journey.addressed(hook, box)]
        wanted = Wanted.REFUSED if assertion.quantifier == "always" else Wanted.CERTAIN
        return find(journey, hook, sent, ((),), wanted, implicit)

    def _failed(self, assertion: Assertion, found: Found) -> Failure:
        place = found.place
        chain: Chain | None = None
        rule: Rule | None = None
        if place != NOWHERE:
            chain = self.ruleset.tables[place.table].chain(place.chain)
            rule = chain.rules[place.index] if chain is not None and place.index >= 0 else None
        span = rule.origin.span if rule is not None else chain.origin.span if chain is not None else None
        if assertion.quantifier == "never":
            message = "a packet that must never be accepted may be accepted"
        else:
            message = "a packet that must always be accepted may be refused"
        return Failure(assertion, message, found, rule, span)

    def _journey(self, family: Family) -> Journey:
        found = self._journeys.get(family)
        if found is None:
            found = self._journeys[family] = Journey(self.ruleset, family, self.set_name)
        return found

    def _admitted(self, journey: Journey, hook: Hook) -> tuple[Box, ...]:
        """What the implicit rules of the policy accept at the hook."""
        key = (journey.family, hook)
        found = self._implicit.get(key)
        if found is None:
            rules = (
                rule
                for table in self.policy.tables
                for chain in table.chains
                if chain.base is not None and chain.base.hook is hook
                for rule in chain.rules
                if rule.role in IMPLICIT and isinstance(rule.verdict, Accept)
            )
            found = self._implicit[key] = tuple(box for rule in rules for box in journey.boxes(rule.match))
        return found


def _reads_dnat(ruleset: Ruleset) -> bool:
    """Does a rule that the user wrote ask whether the destination was translated, by whoever it was?"""
    return any(
        _asks_dnat(rule.match)
        for table in ruleset.tables
        for chain in table.chains
        for rule in chain.rules
        if rule.role is Role.USER
    )


def _asks_dnat(match: Match) -> bool:
    return any(isinstance(node, MaskedIn) and node.field is Field.CT_STATUS for node in match_nodes(match))
