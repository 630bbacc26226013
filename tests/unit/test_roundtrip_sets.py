"""What the proof says of the members that a set begins with."""

from __future__ import annotations

import pytest

from fwc.ir.match import Field
from fwc.ir.model import NamedSet, Ruleset, Settings, Table
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.roundtrip import difference

Rows = list[tuple[AddressSet | IntervalSet, ...]]


def hosts(*numbers: int) -> AddressSet:
    return AddressSet(IntervalSet.of(*numbers))


def ports(*numbers: int) -> IntervalSet:
    return IntervalSet.of(*numbers)


def found(fields: tuple[Field, ...], mine: Rows, other: Rows) -> object:
    def ruleset(rows: Rows) -> Ruleset:
        members = NamedSet("web", fields, tuple(rows), "", True)
        return Ruleset((Table("t", "ip", (), (members,)),), settings=Settings(families=(Family.V4,)))

    return difference("nftables", ruleset(mine), ruleset(mine), ruleset(other))


BOTH = (Field.SADDR, Field.DPORT)
PAIR = (Field.SADDR, Field.DADDR)


@pytest.mark.parametrize(
    ("fields", "mine", "other", "same"),
    [
        (BOTH, [(hosts(1), ports(80, 443))], [(hosts(1), ports(443)), (hosts(1), ports(80))], True),
        (BOTH, [(hosts(1, 2), ports(80, 81))], [(hosts(2), ports(80, 81)), (hosts(1), ports(80, 81))], True),
        (BOTH, [(hosts(1), ports(80, 443))], [(hosts(1), ports(80))], False),
        (BOTH, [(hosts(1), ports(80)), (hosts(2), ports(81))], [(hosts(1, 2), ports(80, 81))], False),
        (PAIR, [(hosts(1), hosts(2))], [(hosts(2), hosts(1))], False),
        (PAIR, [(hosts(1), hosts(2)), (hosts(5), hosts(2))], [(hosts(1, 5), hosts(2))], True),
        ((Field.SADDR,), [(hosts(1, 2),)], [(hosts(1),), (hosts(2),)], True),
        ((Field.SADDR,), [(hosts(1, 2),)], [], False),
    ],
)
def test_first_members_are_compared_however_they_are_grouped(
    fields: tuple[Field, ...], mine: Rows, other: Rows, same: bool
) -> None:
    assert (found(fields, mine, other) is None) is same
