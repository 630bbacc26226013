"""What strangers can reach: the packets of new connections that single rules accept from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from fwc.analysis.facts import Answer
from fwc.analysis.firstmatch import Region
from fwc.analysis.program import Place, base_chains
from fwc.analysis.witness import point_text, stays_first, with_values
from fwc.ir.match import CtState, Field, FieldIn, Match, all_of, state_in
from fwc.ir.model import Chain, Role, Rule
from fwc.ir.verdict import Accept
from fwc.lints._conntrack import EPHEMERAL, TCP, filtered, outside, protocol
from fwc.lints._context import LintContext
from fwc.lints._journey import usual
from fwc.lints._search import first_held
from fwc.net.addresses import AddressSet, prefix_run
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record
from fwc.source import Span
from fwc.space.fields import SHIFT, Box, Dimensions, Kind, is_clock
from fwc.space.index import Index, bits_of, index_of

STRANGER = FieldIn(Field.SADDR, AddressSet(IntervalSet.of(0xC6336407), IntervalSet.of(0x2A000000 << 96 | 7)))
"""Somebody on the internet: 198.51.100.7 and an address of 2a00::/12."""

PRIVATE = AddressSet(
    IntervalSet([prefix_run(10 << 24, 8, 32), prefix_run(127 << 24, 8, 32), prefix_run(0xAC100000, 12, 32),
                 prefix_run(0xC0A80000, 16, 32), prefix_run(0xA9FE0000, 16, 32), prefix_run(0x64400000, 10, 32)]),
    IntervalSet([prefix_run(0xFC << 120, 7, 128), prefix_run(0xFE80 << 112, 10, 128), (1, 1)]),
)  # fmt: skip
"""RFC 1918, RFC 6598, RFC 3927, loopback; RFC 4193 and link-local."""

_INNER = IfaceSet.of(("lo", "lo0", "docker*", "br-*", "virbr*", "lxdbr*", "veth*", "cni*", "vmnet*"))
"""Names that never lead to the internet by themselves."""

_INTERNET = frozenset({"wan", "internet", "inet", "public", "external", "outside", "untrusted", "world", "uplink"})
"""Names by which a policy calls the zone that the internet is in."""

UNUSUAL = all_of(FieldIn(Field.DPORT, IntervalSet.of(3, 11112, 54321)), FieldIn(Field.SPORT, EPHEMERAL))
"""To ports that no rule is written for, from ordinary ones."""


def new_from_stranger(context: LintContext, family: Family, hook: Hook, *parts: Match) -> Answer:
    facts = context.facts
    query = all_of(outside(hook), state_in(CtState.NEW), STRANGER, *parts)
    return facts.accepts(family, hook, facts.boxes(family, query))


def denies_by_default(context: LintContext, family: Family, hook: Hook) -> bool:
    """Whether a stranger's connection that no rule is written for is refused, whatever the interface."""
    if not filtered(context, family, hook):
        return False
    answer = new_from_stranger(context, family, hook, protocol(TCP), UNUSUAL)
    return answer.none and not answer.undetermined


def accepts_by_default(context: LintContext, family: Family, hook: Hook) -> bool:
    answer = new_from_stranger(context, family, hook, protocol(TCP), UNUSUAL)
    return answer.all and not answer.undetermined


class Open(Record):
    """A rule that accepts packets of `box` from any address. `box` leaves out nothing that the rule's calls ask for."""

    family: Family
    hook: Hook
    place: Place
    rule: Rule
    span: Span
    box: Box
    text: str


Wanted = Callable[[Dimensions, Box], bool]


def open_rules(context: LintContext, wanted: Wanted, *hooks: Hook) -> Iterator[Open]:
    """Regions that accept new connections from a stranger on an interface that nobody called trusted, of those whose box is
    `wanted`. What depends on a condition outside the packet is left out, and so is what other programs' chains accept."""
    for hook in hooks:
        for family in context.facts.families:
            for table, chain in base_chains(context.ruleset, family).get(("ip", hook, ""), []):
                if chain.base is not None and chain.base.type is ChainType.FILTER:
                    yield from _of_chain(context, wanted, family, hook, table, chain)


def _of_chain(
    context: LintContext, wanted: Wanted, family: Family, hook: Hook, table: int, chain: Chain
) -> Iterator[Open]:
    facts = context.facts
    if not _can_refuse(chain):
        return
    regions = facts.chain_regions(family, table, chain)
    if regions is None:
        return
    dimensions = facts.dimensions(family)
    query = facts.boxes(family, all_of(outside(hook), state_in(CtState.NEW), STRANGER))
    index: Index | None = None
    for number, region in enumerate(regions):
        if region.place.index < 0 or not isinstance(region.outcome.verdict, Accept):
            continue
        if not wanted(dimensions, region.box) or not _from_anywhere(context, dimensions, region.box):
            continue
        rule = facts.rule(region.place)
        owner = facts.chain(region.place)
        if rule is None or owner is None or context.is_foreign(owner) or rule.role not in (Role.USER, Role.IMPORTED):
            continue
        span = rule.origin.span
        if span is None:
            continue
        if index is None:
            index = index_of(dimensions, [r.box for r in regions])
        held = _held(dimensions, regions, index, number, query)
        if held is not None:
            yield Open(family, hook, region.place, rule, span, region.box, held)


def _can_refuse(chain: Chain) -> bool:
    """A chain whose policy accepts and whose rules only accept filters nothing; that is said once, elsewhere."""
    if chain.base is not None and not isinstance(chain.base.policy, Accept):
        return True
    return any(not isinstance(rule.verdict, Accept) for rule in chain.rules)


def _held(
    dimensions: Dimensions, regions: list[Region], index: Index, number: int, query: tuple[Box, ...]
) -> str | None:
    """A packet of the query that this region holds first, as text."""
    for box in query:
        met = dimensions.meet(box, regions[number].box)
        if met is None:
            continue
        near = [*bits_of(index.overlap(met, (1 << number) - 1)), number]
        found = first_held(dimensions, [regions[n] for n in near], [met], [n == number for n in near])
        if found is not None:
            still = stays_first(dimensions, met, [regions[n].box for n in near[:-1]])
            return point_text(dimensions, with_values(dimensions, found[0], usual(dimensions.family), still))
    return None


def _from_anywhere(context: LintContext, dimensions: Dimensions, box: Box) -> bool:
    """Whether the box limits neither who sends nor, to an interface that may be trusted, where it comes in."""
    for c in box:
        each = dimensions.dimensions[c >> SHIFT]
        runs = dimensions.runs[c]
        if (
            each.kind is Kind.ATOM
            or is_clock(each)
            or each.key in (Field.SMAC, Field.IPSEC, Field.IPSEC_OUT, Field.SPORT)
        ):
            return False
        field = each.key[0] if isinstance(each.key, tuple) else each.key
        if field in (Field.MARK, Field.CT_MARK, Field.CT_STATUS, Field.PKTTYPE, Field.VLAN, Field.TCP_FLAGS):
            return False
        if field is Field.DADDR and IntervalSet.trusted(runs) <= PRIVATE.family(dimensions.family):
            return False  # not an address that the internet can send to
        if field in (Field.SADDR, Field.CT_ORIG_SADDR):
            size = sum(high - low + 1 for low, high in runs)
            if size * 2 < each.top:
                return False
        if field is Field.IIF and not _outer(context, runs, each.top):
            return False
    return True


def _outer(context: LintContext, runs: tuple[tuple[int, int], ...], top: int) -> bool:
    """All interfaces but inner ones, or one that the configuration declares without trust or the policy as the zone of the
    internet. "All but eth0" says nothing: where eth0 leads outside, it means the inner ones."""
    from fwc.space.boxes import iface_values

    if sum(high - low + 1 for low, high in runs) * 2 > top:
        return IntervalSet.range(0, top) - IntervalSet.trusted(runs) <= iface_values(_INNER)
    names = [each.names for each in context.settings.interfaces if not each.trusted and not each.prefixes]
    names += [
        tuple(zone.ifaces.texts()) for zone in context.ruleset.zones if zone.name in _INTERNET and not zone.has_nets
    ]
    for each in names:
        for low, high in iface_values(IfaceSet.of(each)).runs:
            if any(a <= low and high <= b for a, b in runs):
                return True
    return False


def values(dimensions: Dimensions, box: Box, field: Field) -> IntervalSet | None:
    """The values to which the box limits a field."""
    known = dimensions.known(field)
    if known is None:
        return None
    found = next((c for c in box if c >> SHIFT == known.index), None)
    return IntervalSet.trusted(dimensions.runs[found]) if found is not None else None


def limits(dimensions: Dimensions, box: Box) -> set[object]:
    """The fields that the box limits."""
    return {_field(dimensions, c) for c in box}


def limits_only(dimensions: Dimensions, box: Box, fields: Collection[object]) -> bool:
    """Whether the box limits none but these fields."""
    return all(_field(dimensions, c) in fields for c in box)


def _field(dimensions: Dimensions, constraint: int) -> object:
    key = dimensions.dimensions[constraint >> SHIFT].key
    return key[0] if isinstance(key, tuple) else key
