"""The members of nft sets and maps as they are written: what lints about overlapping elements look at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.dialects.nft import tree as nft
from fwc.dialects.nft.lift_values import Unknown, Wrong, address_run
from fwc.net.intervals import Run
from fwc.records import Record
from fwc.source import Span

_PORTS = re.compile(r"\d{1,5}(-\d{1,5})?")

MOST_PAIRS = 400
"""Elements of a concatenated set that are compared with each other."""


class Member(Record):
    """One element: its text, the values of each field (the family first for an address), and what a map gives for it."""

    text: str
    fields: tuple[tuple[int, Run], ...]
    data: str


class Members(Record):
    """The literal elements of one set or map. `name` is empty for an anonymous one. `refused` tells that nft takes no overlap."""

    name: str
    members: tuple[Member, ...]
    span: Span
    refused: bool
    is_map: bool

    def place(self, member: Member, nth: int) -> Span:
        """Where the member stands in the set's text, the `nth` time that it does (0 the first)."""
        found = list(re.finditer(rf"(?<![\w.:/-]){re.escape(member.text)}(?![\w.:/-])", self.span.text))
        if not found:
            return self.span
        hit = found[min(nth, len(found) - 1)]
        return Span(self.span.file, self.span.start + hit.start(), self.span.start + hit.end())


class Overlap(Record):
    """`inner` overlaps `outer`, an earlier or wider element; `equal` when both hold the same values."""

    inner: Member
    outer: Member
    equal: bool
    contained: bool


def literal_sets(tree: object) -> Iterator[Members]:
    """Every set and map of an nft file that has at least two literal elements."""
    if not isinstance(tree, nft.Tree):
        return
    for item in tree.items:
        node = item.payload if isinstance(item, nft.Command) else item
        for part in node.items if isinstance(node, nft.TableNode) else (node,):
            if isinstance(part, nft.SetNode):
                yield from _named(tree, part, item)
            elif isinstance(part, nft.ChainNode):
                for rule in part.rules:
                    yield from _of_rule(tree, rule)
            elif isinstance(part, nft.RuleNode):
                yield from _of_rule(tree, part)


def _named(tree: nft.Tree, node: nft.SetNode, item: object) -> Iterator[Members]:
    if isinstance(item, nft.Command) and item.object == "element":
        return  # the set that they are added to says whether they merge
    span = tree.span(node.start, node.end)
    members = tuple(_members(node.elements))
    if span is None or len(members) < 2:
        return
    merges = any("auto-merge" in line for line in node.properties)
    yield Members(node.name, members, span, not merges and "interval" in node.flags, bool(node.data))


def _of_rule(tree: nft.Tree, rule: nft.RuleNode) -> Iterator[Members]:
    span = tree.span(rule.start, rule.end)
    if span is None:
        return
    for number, statement in enumerate(rule.statements):
        source = statement.right if isinstance(statement, nft.Compare) else None
        source = statement.source if isinstance(statement, nft.Vmap) else source
        if not isinstance(source, nft.SetOf):
            continue
        members = tuple(_members(source.elements))
        if len(members) >= 2:
            at = rule.spans[number] if number < len(rule.spans) else None
            own = tree.span(*at) if at is not None else None
            yield Members("", members, own or span, isinstance(statement, nft.Vmap), isinstance(statement, nft.Vmap))


def _members(elements: tuple[nft.Element, ...]) -> Iterator[Member]:
    for element in elements:
        parts = element.key.parts if isinstance(element.key, nft.Concat) else (element.key,)
        fields = [_values(part) for part in parts]
        text = " . ".join(part.text for part in parts if isinstance(part, nft.Word | nft.Quoted))
        if all(field is not None for field in fields):
            data = repr(element.data) if element.data is not None else ""
            yield Member(text, tuple(f for f in fields if f is not None), data)


def _values(part: nft.Expr) -> tuple[int, Run] | None:
    """The family (0: no address) and values of a literal, None for what is only known elsewhere."""
    if not isinstance(part, nft.Word):
        return None
    if _PORTS.fullmatch(part.text):
        low, _, high = part.text.partition("-")
        return 0, (int(low), int(high or low))
    try:
        family, run = address_run(part.text)
    except (Unknown, Wrong):
        return None
    return family.value, run


def overlaps(found: Members) -> Iterator[Overlap]:
    """Elements that overlap another one, each reported once, in file order of the later or narrower one."""
    width = {len(member.fields) for member in found.members}
    if width == {1}:
        yield from _in_a_row(found.members)
    elif len(width) == 1:
        yield from _concatenated(found.members[:MOST_PAIRS])


def _in_a_row(members: tuple[Member, ...]) -> Iterator[Overlap]:
    """One sweep over the intervals, the widest first where they begin alike."""
    order = sorted(
        range(len(members)), key=lambda n: (members[n].fields[0][0], members[n].fields[0][1][0], -members[n].fields[0][1][1], n)
    )  # fmt: skip
    reach: Member | None = None
    for number in order:
        member = members[number]
        family, (low, high) = member.fields[0]
        if reach is not None and reach.fields[0][0] == family and low <= reach.fields[0][1][1]:
            yield Overlap(member, reach, member.fields == reach.fields, high <= reach.fields[0][1][1])
            if high <= reach.fields[0][1][1]:
                continue
        reach = member


def _concatenated(members: tuple[Member, ...]) -> Iterator[Overlap]:
    for at, member in enumerate(members):
        for other in members[:at]:
            pairs = list(zip(member.fields, other.fields, strict=True))
            if any(a[0] != b[0] or a[1][1] < b[1][0] or b[1][1] < a[1][0] for a, b in pairs):
                continue
            inner = all(b[1][0] <= a[1][0] and a[1][1] <= b[1][1] for a, b in pairs)
            outer = all(a[1][0] <= b[1][0] and b[1][1] <= a[1][1] for a, b in pairs)
            if outer and not inner:
                yield Overlap(other, member, False, True)
            else:
                yield Overlap(member, other, inner and outer, inner)
            break
