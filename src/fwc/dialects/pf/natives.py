"""`native pf at PLACE` text, put where the policy says."""

from __future__ import annotations

from fwc.dialects.pf.refuse import Report
from fwc.dialects.pf.tree import Statement, Verbatim
from fwc.ir.model import Ruleset

PLACES = (
    "options", "tables", "nat-start", "nat-end", "filter-start", "input-start", "input-end", "forward-start", "forward-end",
    "output-start", "output-end",
)  # fmt: skip


class Places:
    __slots__ = ("report", "texts", "unknown")

    def __init__(self, ruleset: Ruleset, report: Report) -> None:
        self.report = report
        self.texts: dict[str, list[Statement]] = {}
        self.unknown = []
        for native in ruleset.natives:
            if native.target != "pf":
                continue
            place = {"table": "tables", "translation": "nat-start"}.get(native.place, native.place)
            if place not in PLACES:
                self.unknown.append(native)
                continue
            lines = [line.strip() for line in native.text.strip("\n").split("\n")]
            text = "\n".join(line for line in lines if line)
            if text:
                self.texts.setdefault(place, []).append(Verbatim(text, native.origin.span))

    def take(self, place: str) -> list[Statement]:
        return self.texts.get(place, [])

    def refuse_rest(self) -> None:
        for native in self.unknown:
            self.report.refuse(
                native.origin, "native", f"pf has no place {native.place}", "write one of: " + ", ".join(PLACES)
            )
