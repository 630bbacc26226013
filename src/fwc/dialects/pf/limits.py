"""Token buckets and connection counts: pf attaches them to the rule that passes, and drops the excess itself.

A policy's `limit` is two lines: accept what is within the rate, refuse the rest. The pair becomes one pass rule when the
rest is dropped, which is what pf does with it.
"""

from __future__ import annotations

import dataclasses

from fwc.dialects.pf.flatten import Line
from fwc.dialects.pf.refuse import Report
from fwc.ir.match import AllOf, Match, WithinConnections, WithinRate, all_of
from fwc.ir.verdict import Accept, AddToSet, Continue, Count, Drop, Log, Reject


def fold_logs(lines: list[Line], report: Report) -> list[Line]:
    """Lines that only log, merged into the next line when that decides the same packets; pf logs with the verdict."""
    out: list[Line] = []
    pending: list[Line] = []
    for line in lines:
        if (
            isinstance(line.verdict, Continue)
            and line.actions
            and all(isinstance(a, Log | Count) for a in line.actions)
        ):
            pending.append(line)
            continue
        for held in pending:
            if held.match == line.match and not isinstance(line.verdict, Continue):
                rule = line.rule if line.rule.origin.spans else dataclasses.replace(line.rule, origin=held.rule.origin)
                line = dataclasses.replace(line, actions=(*held.actions, *line.actions), rule=rule)
                if any(isinstance(a, Log) and a.rate is not None for a in held.actions):
                    report.note("log lines are not limited in rate: pf logs every packet of the rule")
            else:
                out.append(held)
        pending = []
        out.append(line)
    return out + pending


def fold_limits(lines: list[Line], report: Report) -> list[Line]:
    """Lines in which every limit stands on an accept whose excess is known to be dropped."""
    out: list[Line] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        limits, rest = _take(line.match)
        if not limits:
            out.append(line)
            continue
        over = [limit for limit in limits if limit.over]
        after = lines[at] if at < len(lines) else None
        if not over and isinstance(line.verdict, Accept):
            excess, at = _excess(lines, at, limits, rest)
            if not excess:
                _refuse(line, limits, report, "what exceeds the limit goes on to later rules, and pf drops it")
                continue
            accept = line
        elif over and len(limits) == 1 and isinstance(line.verdict, Drop | Reject):
            if after is None or after.match != rest or not isinstance(after.verdict, Accept):
                _refuse(line, limits, report, "pf can limit only the rule that passes the same packets")
                continue
            at += 1
            inside = dataclasses.replace(over[0], over=False)
            excess, accept = [line], dataclasses.replace(after, match=all_of(rest, inside), rule=line.rule)
        else:
            _refuse(line, limits, report, "pf can limit what a rule passes, nothing else")
            continue
        folded: Line | None = accept
        for one in excess:
            folded = _with_excess(folded, one, limits, report) if folded is not None else None
        if folded is not None:
            out.append(folded)
    return out


def _excess(
    lines: list[Line], at: int, limits: list[WithinRate | WithinConnections], rest: Match
) -> tuple[list[Line], int]:
    """The lines that refuse what exceeds each of the limits, up to the one that refuses all the rest; none when there is no
    such line. Also the position after them."""
    found: list[Line] = []
    while at < len(lines) and isinstance(lines[at].verdict, Drop | Reject):
        some, same = _take(lines[at].match)
        if same != rest or any(limit not in limits for limit in some):
            break
        found.append(lines[at])
        at += 1
        if not some:
            return found, at
    return [], at


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
