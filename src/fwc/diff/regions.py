"""Changes gathered into a few regions for a reader: one sentence of what changed, its packets in words, a witness, the lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from fwc.analysis.fates import fate_text
from fwc.analysis.firstmatch import NOWHERE, Outcome
from fwc.analysis.program import Place
from fwc.diff.changes import Changed, Effect, HookChanges
from fwc.ir.model import Ruleset
from fwc.net.hooks import Family
from fwc.net.packet import Packet
from fwc.records import Record
from fwc.space.fields import Box, Dimensions
from fwc.space.pieces import joined, written_out
from fwc.space.words import printable, words

MOST_LINES = 40
"""Boxes of one region that are put into words; the rest is counted."""


class Line(Record):
    """A rule or chain policy that decides: where it stands, and its text in one line."""

    filename: str
    row: int
    text: str

    def __str__(self) -> str:
        place = f"{self.filename}:{self.row}" if self.row else self.filename
        return f"{place}: {self.text}" if place else self.text


class RegionOfChange(Record):
    """`packets` are lines that together hold the region; `more` counts those left out. `exact` is False where a line holds
    packets as well that earlier rules take the same way on both sides."""

    families: tuple[Family, ...]
    layer: str
    hook: str
    effect: Effect
    before: str
    after: str
    packets: tuple[str, ...]
    more: int
    exact: bool
    witness: Packet
    witness_text: str
    old_lines: tuple[Line, ...]
    new_lines: tuple[Line, ...]


class Report(Record):
    """All regions, those that widen first. `undecided` names the hooks whose changes could not all be listed."""

    regions: tuple[RegionOfChange, ...]
    undecided: tuple[str, ...]
    may_widen: bool

    @property
    def differs(self) -> bool:
        return bool(self.regions or self.undecided)

    @property
    def widens(self) -> bool:
        return self.may_widen or any(each.effect is Effect.WIDENS for each in self.regions)


def report(old: Ruleset, new: Ruleset, found: Sequence[HookChanges]) -> Report:
    regions: list[RegionOfChange] = []
    undecided: list[str] = []
    may_widen = False
    for hook in found:
        if not hook.complete:
            undecided.append(f"IPv{hook.family.value} {_hook_name(hook)}")
            may_widen = may_widen or not hook.no_widening
        for group in _groups(hook.changed):
            regions.append(_region(old, new, hook, group))
    order = list(Effect)
    merged = _families_joined(regions)
    return Report(tuple(sorted(merged, key=lambda r: order.index(r.effect))), tuple(undecided), may_widen)


def _hook_name(hook: HookChanges) -> str:
    device = f" on {printable(hook.device)}" if hook.device else ""
    layer = "bridge " if hook.layer == "bridge" else ""
    return f"{layer}{hook.hook}{device}"


def _groups(changed: Sequence[Changed]) -> list[list[Changed]]:
    """As few groups as possible, each with one fate before and after, and one deciding rule on at least one side."""
    keys: tuple[Callable[[Changed], tuple[object, ...]], ...] = (
        lambda c: (c.before, c.after, 0, c.old_place),
        lambda c: (c.before, c.after, 1, c.new_place),
    )
    by_key: dict[tuple[object, ...], dict[int, None]] = {}
    for number, each in enumerate(changed):
        for key in keys:
            by_key.setdefault(key(each), {})[number] = None
    sizes: dict[int, list[tuple[object, ...]]] = {}
    for name, members in by_key.items():
        sizes.setdefault(len(members), []).append(name)
    out: list[list[Changed]] = []
    for size in range(max(sizes, default=0), 0, -1):
        for name in sizes.get(size, ()):
            members = by_key[name]
            if len(members) < size:
                if members:
                    sizes.setdefault(len(members), []).append(name)
                continue
            taken = list(members)
            out.append([changed[n] for n in taken])
            for n in taken:
                for key in keys:
                    by_key[key(changed[n])].pop(n, None)
    return out


def _region(old: Ruleset, new: Ruleset, hook: HookChanges, group: list[Changed]) -> RegionOfChange:
    first = group[0]
    packets, more, exact = _packets(hook.dimensions, group)
    return RegionOfChange(
        (hook.family,),
        hook.layer,
        _hook_name(hook),
        first.effect,
        fate_text(first.before),
        fate_text(first.after),
        packets,
        more,
        exact,
        hook.packet(first),
        hook.text(first),
        _lines(old, [c.old_place for c in group]),
        _lines(new, [c.new_place for c in group]),
    )


def _packets(dimensions: Dimensions, group: list[Changed]) -> tuple[tuple[str, ...], int, bool]:
    boxes: list[Box] = []
    rough: list[Box] = []
    for each in group:
        written = written_out(dimensions, each.piece)
        if written is None:
            rough.append(each.piece.box)
        else:
            boxes.extend(written)
    boxes = joined(dimensions, boxes)
    texts = [words(dimensions, box) for box in boxes[:MOST_LINES]]
    texts += [f"{words(dimensions, box)}, less what earlier rules decide" for box in dict.fromkeys(rough)]
    shown = list(dict.fromkeys(texts))[:MOST_LINES]
    total = len(boxes) + len(dict.fromkeys(rough))
    return tuple(shown), max(0, total - len(shown)) if len(texts) > MOST_LINES or total > MOST_LINES else 0, not rough


def _lines(ruleset: Ruleset, places: Sequence[Place]) -> tuple[Line, ...]:
    return tuple(dict.fromkeys(line_of(ruleset, place) for place in dict.fromkeys(places)))


def line_of(ruleset: Ruleset, place: Place) -> Line:
    """The text that decides at a place."""
    if place == NOWHERE or place.table < 0:
        return Line("", 0, "no rule: accepted")
    chain = ruleset.tables[place.table].chain(place.chain)
    if chain is None:
        return Line("", 0, f"chain {printable(place.chain)}")
    if place.index < 0:
        policy = fate_text(Outcome((), chain.base.policy)) if chain.base else "return"
        span = chain.origin.span
        text = f"policy {policy} of chain {printable(chain.name)}"
        return Line(span.file.path, span.line, text) if span else Line("", 0, text)
    rule = chain.rules[place.index]
    span = rule.origin.span
    if span is None:
        return Line("", 0, f"implicit rule ({rule.label or rule.role.value})")
    text = printable(span.file.line_text(span.line).strip().replace("\t", " "))
    return Line(span.file.path, span.line, text if len(text) <= 160 else f"{text[:157]}...")


def _families_joined(regions: list[RegionOfChange]) -> list[RegionOfChange]:
    """Regions of two families that read the same become one."""

    out: dict[tuple[object, ...], RegionOfChange] = {}
    for each in regions:
        key = (
            each.layer, each.hook, each.effect, each.before, each.after, each.packets, each.more, each.old_lines,
            each.new_lines,
        )  # fmt: skip
        known = out.get(key)
        if known is None:
            out[key] = each
        else:
            out[key] = dataclasses.replace(known, families=(*known.families, *each.families))
    return list(out.values())
