"""What `compare` counts as the same: logs with rates, reject kinds, translations, and two rates that are not one."""

from __future__ import annotations

from fwc.analysis.equivalence import compare
from fwc.analysis.facts import Facts
from fwc.ir.match import Field, FieldIn, MaskedIn, Match, TupleIn, WithinRate, all_of, family_is
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, DROP, Log, Masquerade, Reject, RejectKind, Verdict
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import IntervalSet

TCP = FieldIn(Field.PROTOCOL, IntervalSet.of(6))
SSH = all_of(TCP, FieldIn(Field.DPORT, IntervalSet.of(22)))
RATE = WithinRate(5, 60, 5)


def hook(*rules: Rule, policy: Verdict = DROP, hook: Hook = Hook.INPUT, kind: ChainType = ChainType.FILTER) -> Ruleset:
    return Ruleset(tables=(Table("t", chains=(Chain("c", rules, Base(hook, kind, 0, policy)),)),))


def rule(match: Match, verdict: Verdict, *logs: Log) -> Rule:
    return Rule(match=match, actions=logs, verdict=verdict)


def test_a_log_with_its_own_rate_is_a_limited_log_rule_before_the_verdict() -> None:
    one = hook(rule(SSH, DROP, Log("x", rate=RATE)), policy=ACCEPT)
    two = hook(Rule(match=all_of(SSH, RATE), actions=(Log("x"),)), rule(SSH, DROP), policy=ACCEPT)
    assert compare(one, two) is None
    other = hook(Rule(match=all_of(SSH, RATE), actions=(Log("y"),)), rule(SSH, DROP), policy=ACCEPT)
    assert compare(one, other) is not None


def test_two_equal_rates_are_two_buckets() -> None:
    limited = rule(all_of(SSH, RATE), ACCEPT)
    assert compare(hook(limited), hook(limited, limited)) is not None
    assert compare(hook(limited, limited), hook(limited, limited)) is None


def test_a_default_reject_is_a_reset_for_tcp_and_unreachable_for_the_rest() -> None:
    both = (rule(TCP, Reject(RejectKind.TCP_RESET)), rule(all_of(), Reject(RejectKind.PORT_UNREACHABLE)))
    assert compare(hook(rule(all_of(), Reject())), hook(*both)) is None
    found = compare(hook(rule(all_of(), Reject())), hook(both[1]))
    assert found is not None and found.packet.protocol == 6


def test_translations_count() -> None:
    nat = {"policy": ACCEPT, "hook": Hook.POSTROUTING, "kind": ChainType.NAT}
    assert compare(hook(rule(TCP, Masquerade()), **nat), hook(rule(all_of(), ACCEPT), **nat)) is not None  # type: ignore[arg-type]


def test_a_forgotten_family_is_found() -> None:
    found = compare(hook(rule(SSH, ACCEPT)), hook(rule(all_of(family_is(Family.V4), SSH), ACCEPT)))
    assert found is not None and found.family is Family.V6 and found.packet.dport == 22
    assert found.text.startswith("tcp [")


def test_accepts_names_the_deciding_rule() -> None:
    facts = Facts(hook(rule(SSH, ACCEPT), rule(TCP, DROP)))
    answer = facts.accepts(Family.V4, Hook.INPUT, SSH)
    assert answer.all and answer.some_by is not None and answer.some_by.index == 0
    part = facts.accepts(Family.V4, Hook.INPUT, TCP)
    assert not part.all and not part.none and part.others_by is not None and part.others_by.index == 1
    assert facts.accepts(Family.V4, Hook.INPUT, FieldIn(Field.PROTOCOL, IntervalSet.of(17))).none


def test_an_accept_leads_into_the_next_base_chain() -> None:
    first = Chain("a", (rule(SSH, ACCEPT),), Base(Hook.INPUT, ChainType.FILTER, 0, ACCEPT))
    second = Chain("b", (rule(TCP, DROP),), Base(Hook.INPUT, ChainType.FILTER, 10, ACCEPT))
    two = Ruleset(tables=(Table("t", chains=(second, first)),))
    assert compare(two, hook(rule(TCP, DROP), policy=ACCEPT)) is None
    found = compare(two, hook(rule(SSH, ACCEPT), rule(TCP, DROP), policy=ACCEPT))
    assert found is not None and found.packet.dport == 22
    assert Facts(two).accepts(Family.V4, Hook.INPUT, SSH).none


def test_a_part_of_a_mark_is_told_apart_bit_by_bit() -> None:
    part = MaskedIn(Field.MARK, 0xF0, IntervalSet.of(0x10))
    whole = FieldIn(Field.MARK, IntervalSet.of(0x110))
    assert compare(hook(rule(part, DROP), rule(whole, ACCEPT)), hook(rule(part, DROP))) is None
    found = compare(hook(rule(whole, ACCEPT), rule(part, DROP)), hook(rule(part, DROP)))
    assert found is not None and found.packet.mark == 0x110


def test_the_same_steps_are_the_same_however_many_effects_they_heap_up() -> None:
    """A log line before every second rule: written out, each packet has a list of its own."""

    def long(count: int, last: Verdict, prefix: str = "met ") -> Ruleset:
        rules = []
        for n in range(count):
            source = FieldIn(Field.SADDR, AddressSet(v4=IntervalSet.range(n << 12, (n << 12) + 4095)))
            wide = FieldIn(Field.SADDR, AddressSet(v4=IntervalSet.range(n << 8, 1 << 28)))
            rules.append(Rule(wide, (Log(prefix),)))
            rules.append(rule(source, ACCEPT if n else last))
        return hook(*rules)

    assert compare(long(900, ACCEPT), long(900, ACCEPT), families=(Family.V4,)) is None
    assert compare(long(9, ACCEPT), long(9, DROP)) is not None
    assert compare(long(9, ACCEPT), long(9, ACCEPT, "seen ")) is not None


def test_a_lookup_of_many_members_is_the_same_as_a_rule_for_each() -> None:
    flows = [(10 << 24 | n, n % 60_000 + 1) for n in range(60_000)]
    elements = tuple(
        (AddressSet(IntervalSet.of(address)), IntervalSet.of(6), IntervalSet.of(port)) for address, port in flows
    )
    fields = (Field.SADDR, Field.PROTOCOL, Field.DPORT)
    rules = [
        rule(all_of(*(FieldIn(f, v) for f, v in zip(fields, element, strict=True))), ACCEPT) for element in elements
    ]
    lookup = rule(TupleIn(fields, elements), ACCEPT)
    assert compare(hook(*rules), hook(lookup)) is None


def test_what_is_known_of_another_ruleset_is_not_believed() -> None:
    left, right = hook(rule(SSH, ACCEPT)), hook(rule(TCP, ACCEPT))
    facts = Facts(right)
    known = {family: facts.programs(family) for family in facts.families}
    assert compare(left, right, known=known) is not None


def test_known_marks_bit_by_bit_are_worked_out_anew() -> None:
    """A search among 32 dimensions of two values each would be larger than one among the marks."""
    mark = FieldIn(Field.MARK, IntervalSet.of(5))
    left = hook(rule(mark, ACCEPT))
    facts = Facts(left)
    facts.dead()
    known = {family: facts.programs(family) for family in facts.families}
    assert compare(left, hook(rule(mark, ACCEPT), rule(mark, DROP)), known=known) is None
    assert compare(left, hook(rule(mark, DROP)), known=known) is not None
