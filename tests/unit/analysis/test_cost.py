"""The cost model counts what a packet meets."""

from __future__ import annotations

import pytest

from fwc.analysis.cost import HookCost, costs
from fwc.analysis.cost_table import PRICES, lookup_price
from fwc.ir.match import AnyOf, CtState, Field, FieldIn, Match, TupleIn, all_of, state_in
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, DROP, Goto, Jump, Return, Verdict, VerdictMap
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import IntervalSet

TCP = FieldIn(Field.PROTOCOL, IntervalSet.of(6))


def port(number: int) -> Match:
    return all_of(TCP, FieldIn(Field.DPORT, IntervalSet.of(number)))


def cost(rules: list[Rule], *others: Chain, target: str = "nftables") -> HookCost:
    base = Base(Hook.FORWARD, ChainType.FILTER, 0, DROP)
    table = Table("t", chains=(Chain("forward", tuple(rules), base), *others))
    return costs(Ruleset((table,)), target)[0]


ESTABLISHED = Rule(state_in(CtState.ESTABLISHED, CtState.RELATED), (), ACCEPT)


@pytest.mark.parametrize("count", [1, 10, 300])
def test_a_list_is_met_to_its_end(count: int) -> None:
    found = cost([ESTABLISHED, *(Rule(port(n + 1), (), ACCEPT) for n in range(count))])
    assert found.worst.rules == count + 1
    assert found.established.rules == 1
    assert found.typical.rules == pytest.approx(count / 2 + 1, abs=2)
    assert found.worst.lookups == 0
    prices = PRICES["nftables"]
    assert found.worst.nanoseconds == round(prices.chain + prices.rule * (count + 1))


def test_without_tracking_established_packets_meet_the_list() -> None:
    found = cost([Rule(port(n + 1), (), ACCEPT) for n in range(50)])
    assert found.established == found.worst


def lookup(count: int) -> TupleIn:
    fields = (Field.SADDR, Field.PROTOCOL, Field.DPORT)
    rows = [(AddressSet(v4=IntervalSet.of(n)), IntervalSet.of(6), IntervalSet.of(n + 1)) for n in range(count)]
    return TupleIn(fields, tuple(rows))


def test_a_lookup_is_one_rule() -> None:
    found = cost([ESTABLISHED, Rule(lookup(1000), (), ACCEPT)])
    assert (found.worst.rules, found.worst.lookups) == (2, 1)
    prices = PRICES["nftables"]
    assert found.worst.nanoseconds == round(prices.chain + 2 * prices.rule + lookup_price(prices.exact, 1000))


def test_a_lookup_is_not_met_behind_a_condition_that_fails() -> None:
    udp = FieldIn(Field.PROTOCOL, IntervalSet.of(17))
    found = cost([Rule(all_of(udp, lookup(100)), (), ACCEPT), Rule(port(1), (), ACCEPT)])
    assert found.typical.lookups == 0


def test_jumps_count_what_they_lead_to_and_return_ends_it() -> None:
    inner = Chain("inner", (Rule(port(2), (), ACCEPT), Rule(port(7), (), Return()), Rule(port(3), (), ACCEPT)))
    found = cost([Rule(TCP, (), Jump("inner")), Rule(port(4), (), ACCEPT)], inner)
    assert found.rules == 5
    assert found.worst.rules == 5
    gone = cost([Rule(TCP, (), Goto("inner")), Rule(port(4), (), ACCEPT)], inner)
    assert gone.worst.rules == 4


def test_a_map_leads_to_one_chain() -> None:
    entries: tuple[tuple[tuple[AddressSet], Verdict], ...] = tuple(
        ((AddressSet(v4=IntervalSet.of(n)),), Jump(f"c{n}")) for n in range(1, 4)
    )
    chains = [Chain(f"c{n}", tuple(Rule(port(100 + k), (), ACCEPT) for k in range(n * 10))) for n in range(1, 4)]
    found = cost([Rule(TCP, (), VerdictMap((Field.SADDR,), entries))], *chains)
    assert found.worst.rules == 31
    assert found.worst.lookups == 1


def test_the_other_family_has_its_own_cost() -> None:
    v6 = AddressSet(v6=IntervalSet.of(1))
    base = Base(Hook.INPUT, ChainType.FILTER, 0, DROP)
    rules = (Rule(FieldIn(Field.SADDR, v6), (), ACCEPT), Rule(AnyOf((port(1), port(2))), (), ACCEPT))
    found = costs(Ruleset((Table("t", chains=(Chain("input", rules, base),)),)), "pf")
    assert [c.family for c in found] == [Family.V4, Family.V6]
    assert all(c.worst.nanoseconds is None for c in found)
    assert all(c.worst.rules == 2 for c in found)


def test_prices_rise_with_the_members() -> None:
    row = PRICES["nftables"].combined
    assert lookup_price(row, 1) == row[0]
    assert row[1] < lookup_price(row, 300) < row[2]
    assert lookup_price(row, 1_000_000) > row[4]
