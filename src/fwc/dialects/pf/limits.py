"""Token buckets and connection counts: pf attaches them to the rule that passes, and drops the excess itself.

A policy's `limit` is two lines: accept what is within the rate, refuse the rest. The pair becomes one pass rule when the
rest is dropped, which is what pf does with it.
"""

from __future__ import annotations

import dataclasses

from fwc.dialects.pf.flatten import Line
from fwc.dialects.pf.refuse import Report
from fwc.ir.match import AllOf, Match, WithinConnections, WithinRate, all_of
from fwc.ir.verdict import Accept, AddToSet, Drop, Log, Reject


def fold_limits(lines: list[Line], report: Report) -> list[Line]:
    """Lines in which every limit stands on an accept whose excess is known to be dropped."""
    out: list[Line] = []
    skip = False
    for at, line in enumerate(lines):
        if skip:
            skip = False
            continue
        limits, rest = _take(line.match)
        if not limits:
            out.append(line)
            continue
        after = lines[at + 1] if at + 1 < len(lines) else None
        over = [limit for limit in limits if limit.over]
        if not over and isinstance(line.verdict, Accept):
            if after is None or after.match != rest or not isinstance(after.verdict, Drop | Reject):
                _refuse(line, limits, report, "what exceeds the limit goes on to later rules, and pf drops it")
                continue
            excess, accept = after, line
        elif over and len(limits) == 1 and isinstance(line.verdict, Drop | Reject):
            if after is None or after.match != rest or not isinstance(after.verdict, Accept):
                _refuse(line, limits, report, "pf can limit only the rule that passes the same packets")
                continue
            inside = dataclasses.replace(over[0], over=False)
            excess, accept = line, dataclasses.replace(after, match=all_of(rest, inside), rule=line.rule)
        else:
            _refuse(line, limits, report, "pf can limit what a rule passes, nothing else")
            continue
        skip = True
        folded = _with_excess(accept, excess, limits, report)
        if folded is not None:
            out.append(folded)
    return out


def _refuse(line: Line, limits: list[WithinRate | WithinConnections], report: Report, why: str) -> None:
    report.refuse(line.rule, "limit" if isinstance(limits[0], WithinRate) else "max connections", why)


def _take(match: Match) -> tuple[list[WithinRate | WithinConnections], Match]:
    parts = match.parts if isinstance(match, AllOf) else (match,)
    limits = [p for p in parts if isinstance(p, WithinRate | WithinConnections)]
    if not limits:
        return [], match
    return limits, all_of(*(p for p in parts if not isinstance(p, WithinRate | WithinConnections)))


def _with_excess(
    accept: Line, excess: Line, limits: list[WithinRate | WithinConnections], report: Report
) -> Line | None:
    rule = accept.rule
    if isinstance(excess.verdict, Reject) and not report.lose(
        rule, "limit", "the excess is dropped, not rejected", widens=False
    ):
        return None
    actions = list(accept.actions)
    for action in excess.actions:
        if isinstance(action, AddToSet):
            if not any(isinstance(x, WithinRate) or x.per.value == "source" for x in limits):
                report.refuse(rule, "add to set", "pf fills a table from a per-source tcp limit only")
                return None
            actions.append(action)
        elif isinstance(action, Log):
            report.lose(rule, "log", "the excess of a limit is not logged", widens=False)
    return dataclasses.replace(accept, actions=tuple(actions))
