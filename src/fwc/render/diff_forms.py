"""The report of `fwc diff` as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fwc.diff.changes import Effect
from fwc.diff.regions import Line, RegionOfChange, Report
from fwc.render.packet_form import packet_form

SHOWN_PACKETS = 6
SHOWN_LINES = 3


def diff_text(report: Report, most: int, notes: Sequence[str]) -> str:
    """One paragraph a region, those that widen first, then what was left out and a summary line."""
    out: list[str] = []
    for region in report.regions[:most]:
        out.append(f"{_where(region)}: {region.effect}: {_change(region)}")
        out.extend(f"    {line}" for line in _packets(region))
        out.append(f"  example  {region.witness_text}")
        for word, lines in (("old", region.old_lines), ("new", region.new_lines)):
            out.extend(f"  {word:7}  {line}" for line in _lines(lines))
        out.append("")
    out.extend(_left_out(report, most))
    out.extend(f"note: {note}" for note in notes)
    out.append(summary(report))
    return "\n".join(out) + "\n"


def diff_json(report: Report, most: int, notes: Sequence[str]) -> str:
    """One object; `widens` and `differs` are what `--fail-on` goes by."""
    value = {
        "differs": report.differs,
        "widens": report.widens,
        "complete": not report.undecided,
        "undecided": list(report.undecided),
        "notes": list(notes),
        "left_out": max(0, len(report.regions) - most),
        "regions": [_region_form(region) for region in report.regions[:most]],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def diff_markdown(report: Report, most: int, notes: Sequence[str]) -> str:
    """A table for a merge request: one row a region."""
    out = [f"**{_escaped(summary(report))}**", ""]
    if report.regions:
        out += [
            "| where | packets | before | after | example | old lines | new lines |",
            "|---|---|---|---|---|---|---|",
        ]
    for region in report.regions[:most]:
        cells = (
            f"{_where(region)}: {region.effect}",
            "<br>".join(_escaped(line) for line in _packets(region)),
            _escaped(region.before),
            _escaped(region.after),
            _escaped(region.witness_text),
            "<br>".join(_escaped(line) for line in _lines(region.old_lines)),
            "<br>".join(_escaped(line) for line in _lines(region.new_lines)),
        )
        out.append("| " + " | ".join(cells) + " |")
    rest = [*_left_out(report, most), *(f"note: {note}" for note in notes)]
    if rest:
        out += ["", *(f"- {_escaped(line)}" for line in rest)]
    return "\n".join(out) + "\n"


def summary(report: Report) -> str:
    if not report.differs:
        return "No packet is treated differently."
    counted = Counter(region.effect for region in report.regions)
    parts = [f"{counted[effect]} {effect}" for effect in Effect if counted[effect]]
    text = f"{len(report.regions)} regions of packets differ" + (f": {', '.join(parts)}." if parts else ".")
    return text + (f" Not decided everywhere: {', '.join(report.undecided)}." if report.undecided else "")


def _where(region: RegionOfChange) -> str:
    return f"{' and '.join(f'IPv{family.value}' for family in region.families)} {region.hook}"


def _change(region: RegionOfChange) -> str:
    return f"{region.before} -> {region.after}"


def _packets(region: RegionOfChange) -> list[str]:
    shown = list(region.packets[:SHOWN_PACKETS])
    hidden = len(region.packets) - len(shown) + region.more
    return [*shown, f"and {hidden} more"] if hidden else shown


def _lines(lines: Sequence[Line]) -> list[str]:
    shown = [str(line) for line in lines[:SHOWN_LINES]]
    return [*shown, f"and {len(lines) - len(shown)} more"] if len(lines) > len(shown) else shown


def _left_out(report: Report, most: int) -> list[str]:
    out = []
    if len(report.regions) > most:
        out.append(f"{len(report.regions) - most} more regions are not shown; --max-regions shows more")
    out.extend(f"{place}: not everything that differs could be listed" for place in report.undecided)
    return out


def _region_form(region: RegionOfChange) -> dict[str, Any]:
    return {
        "families": [f"v{family.value}" for family in region.families],
        "hook": region.hook,
        "effect": region.effect.value,
        "before": region.before,
        "after": region.after,
        "packets": list(region.packets),
        "more_packets": region.more,
        "exact": region.exact,
        "witness": packet_form(region.witness) | {"text": region.witness_text},
        "old_lines": [_line_form(line) for line in region.old_lines],
        "new_lines": [_line_form(line) for line in region.new_lines],
    }


def _line_form(line: Line) -> dict[str, Any]:
    return {"filename": line.filename, "row": line.row, "text": line.text}


def _escaped(text: str) -> str:
    """Markdown in which nothing of the text is markup."""
    out = []
    for character in text:
        if character in "<>&":
            out.append({"<": "&lt;", ">": "&gt;", "&": "&amp;"}[character])
        elif character in "\\`*_[]|#~!$@":
            out.append(f"&#{ord(character)};")
        else:
            out.append(character)
    return "".join(out)
