"""Costs of packets as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fwc.analysis.cost import Cost, HookCost

_HEADER = ("hook", "packet", "rules", "lookups", "ns")


def _packets(hook: HookCost) -> tuple[tuple[str, Cost], ...]:
    return ("worst new", hook.worst), ("typical new", hook.typical), ("established", hook.established)


def cost_text(target: str, hooks: Sequence[HookCost]) -> str:
    """A table, one line for each hook, family and kind of packet."""
    rows = [_HEADER]
    for hook in hooks:
        for kind, cost in _packets(hook):
            time = "-" if cost.nanoseconds is None else f"{cost.nanoseconds:.0f}"
            place = f"IPv{hook.family.value} {hook.hook}"
            rows.append((place, kind, str(cost.rules), str(cost.lookups), time))
    if len(rows) == 1:
        return "No base chain has a rule.\n"
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADER))]
    lines = [
        "  ".join(
            cell.ljust(w) if at < 2 else cell.rjust(w) for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    prices = "" if hooks[0].worst.nanoseconds is not None else f" ({target} was not measured)"
    lines.append(f"{target}: nanoseconds over an empty ruleset, without connection tracking{prices}.")
    return "".join(f"{line}\n" for line in lines)


def cost_json(target: str, hooks: Sequence[HookCost]) -> str:
    """The same as one JSON object."""
    entries = [
        {
            "hook": str(hook.hook),
            "family": hook.family.value,
            "rules": hook.rules,
            **{
                kind.replace(" ", "_"): {"rules": c.rules, "lookups": c.lookups, "nanoseconds": c.nanoseconds}
                for kind, c in _packets(hook)
            },
        }
        for hook in hooks
    ]
    return json.dumps({"target": target, "hooks": entries}, indent=2) + "\n"
