"""How `fwc lint` grows with rulesets of several shapes, in each of the formats that it reads."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import FWC, Run, best, exponent, repeats, table
from benchmarks.rulesets import FORMATS, SHAPES

MOST = 65_536
"""Members of a set, which is what nftables and ipset take without further settings."""


def cases() -> list[tuple[str, str]]:
    """(shape, format): the flat one in every format, the others as iptables-save."""
    return [("flat", each) for each in FORMATS] + [(shape, "iptables-save") for shape in SHAPES if shape != "flat"]


def section(sizes: Sequence[int], times: int) -> str:
    """CPU for each number of rules, and the memory of the largest."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="fwc-bench-") as name:
        for shape, kind in cases():
            file, write = FORMATS[kind]
            path = Path(name) / file
            found: list[Run | None] = []
            for size in sizes:
                path.write_text(write(SHAPES[shape](min(size, MOST) if shape == "one set" else size)))
                words = [*FWC, "lint", "--isolated", "--exit-zero", "-q", str(path)]
                found.append(best({shape: words}, repeats(size, times)).get(shape))
            last, before = found[-1], found[-2] if len(found) > 1 else None
            growth = exponent(before.cpu, last.cpu, sizes[-1] / sizes[-2]) if last and before else "-"
            cells = (f"{r.cpu:.2f}" if r else "failed" for r in found)
            rows.append([f"{shape}, {kind}", *cells, f"{last.memory:.0f}" if last else "-", growth])
    head = ["lint, CPU s", *(f"{size:,} rules" for size in sizes), f"MB at {sizes[-1]:,}", "exponent of the last step"]
    return table(head, rows)
