"""A tree of chains finds what the list finds, in few rules."""

from __future__ import annotations

import random

import pytest

from fwc.dialects.iptables.dispatch import LEAF, Cell, Node, tree
from fwc.ir.match import Field

FIELDS = (Field.SADDR, Field.DADDR, Field.PROTOCOL, Field.DPORT)


def cells(rng: random.Random, count: int, wide: float) -> list[Cell]:
    def address() -> tuple[int, int]:
        size = rng.choice((8, 12, 16)) if rng.random() < wide else rng.choice((0, 0, 4))
        if rng.random() < 0.1:  # no prefix
            low = rng.randrange(1 << 16)
            return low, low + rng.randrange(300)
        low = rng.randrange(1 << 16) >> size << size
        return low, low + (1 << size) - 1

    def port() -> tuple[int, int]:
        low = rng.randrange(100)
        return low, low + rng.choice((0, 0, 0, 5))

    protocol = rng.choice(((6, 6), (17, 17)))
    return [(address(), address(), protocol if rng.random() < 0.9 else (6, 6), port()) for _ in range(count)]


def found(node: Node, point: tuple[int, ...]) -> list[Cell]:
    """The cells that hold the point, in the way of a packet: from one of the last branches it does not come back."""
    out = [c for c in node.cells if all(low <= v <= high for v, (low, high) in zip(point, c, strict=True))]
    for number, branch in enumerate(node.branches, node.apart - len(node.branches)):
        low, high = branch.run
        if low <= point[FIELDS.index(branch.field)] <= high:
            out.extend(found(branch.node, point))
            if number >= 0:
                break
    return out


def met(node: Node, point: tuple[int, ...]) -> int:
    """How many rules a packet meets that nothing accepts."""
    count = len(node.cells)
    for number, branch in enumerate(node.branches, node.apart - len(node.branches)):
        low, high = branch.run
        count += 1
        if low <= point[FIELDS.index(branch.field)] <= high:
            count += met(branch.node, point)
            if number >= 0:
                break
    return count


@pytest.mark.parametrize("seed", range(40))
def test_the_tree_finds_what_the_list_finds(seed: int) -> None:
    rng = random.Random(seed)
    rows = cells(rng, rng.randint(1, 400), rng.choice((0.0, 0.1, 0.5)))
    node = tree(FIELDS, rows)
    for _ in range(300):
        if rng.random() < 0.7:
            point = tuple(rng.randint(low, high) for low, high in rng.choice(rows))
        else:
            point = (rng.randrange(1 << 16), rng.randrange(1 << 16), rng.choice((6, 17)), rng.randrange(106))
        wanted = [c for c in rows if all(low <= v <= high for v, (low, high) in zip(point, c, strict=True))]
        assert sorted(found(node, point)) == sorted(wanted)


def test_branches_of_a_chain_on_one_field_are_disjoint() -> None:
    def check(node: Node) -> None:
        for one in node.branches:
            for two in node.branches:
                if one is not two and one.field is two.field:
                    assert one.run[1] < two.run[0] or two.run[1] < one.run[0]
            check(one.node)

    check(tree(FIELDS, cells(random.Random(7), 2000, 0.0)))


def test_ten_thousand_cells_cost_some_tens_of_rules() -> None:
    rng = random.Random(1)
    rows = [((a, a), (b, b), (6, 6), (p, p)) for a, b, p in
            ((rng.randrange(1 << 32), rng.randrange(1 << 32), rng.randrange(1 << 16)) for _ in range(10_000))]  # fmt: skip
    node = tree(FIELDS, rows)
    worst = max(met(node, tuple(low for low, _ in cell)) for cell in rng.sample(rows, 500))
    assert worst <= 6 * LEAF


def test_cells_that_nothing_tells_apart_stay_a_list() -> None:
    rows = [((0, 0xFFFF), (1, 1), (6, 17), (80, 80))] * 20
    assert tree(FIELDS, rows) == Node(tuple(rows))


@pytest.mark.parametrize("steep", [(False, False), (True, False), (True, True)])
def test_a_steep_tree_is_no_list(steep: tuple[bool, bool]) -> None:
    """Addresses of which half are in one small part of the rest, again and again."""
    rng = random.Random(5)

    def address(steep: bool) -> int:
        bits = rng.randrange(32) if steep else 31
        return rng.randrange(1 << bits, 2 << bits)

    points = {(address(steep[0]), address(steep[1]), 6, rng.randrange(1 << 16)) for _ in range(20_000)}
    rows = [tuple((value, value) for value in point) for point in sorted(points)]
    node = tree(FIELDS, rows)

    def longest(node: Node) -> int:
        return max([len(node.cells), *(longest(branch.node) for branch in node.branches)])

    assert longest(node) <= 2 * LEAF
    assert max(met(node, tuple(low for low, _ in cell)) for cell in rng.sample(rows, 500)) <= 14 * LEAF
