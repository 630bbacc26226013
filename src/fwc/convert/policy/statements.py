"""One line of a filter hook, a chain or a `hook` block as a statement."""

from __future__ import annotations

import dataclasses

from fwc.analysis.fates import effect_text
from fwc.convert.policy.conditions import per_text, rate_text
from fwc.convert.policy.lines import Line
from fwc.convert.policy.phrases import (
    Ends,
    Vocabulary,
    action_text,
    conditions,
    ends_of,
    family_needed,
    meta_text,
    reject_text,
    traffic_text,
)
from fwc.convert.policy.services import traffic
from fwc.convert.policy.text import is_name
from fwc.convert.policy.unsaid import Unsaid
from fwc.ir.match import Field
from fwc.ir.verdict import (
    Accept,
    Action,
    AssignHelper,
    ClampMss,
    Continue,
    Drop,
    Goto,
    Jump,
    Log,
    NoTrack,
    Reject,
    RejectKind,
    Return,
    SetField,
    SetPriority,
)
from fwc.net.hooks import Family
from fwc.records import Record

SYN = "flags syn of syn, rst"
_MAX = "in a policy the rule that accepts also holds the limit: `allow ... max 3 connections per source`"


class Statement(Record):
    """`outer` are the clauses of the blocks around it, outermost first, each "from X" or "to Y"."""

    text: str
    outer: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Choices(Record):
    """Accepts within a rate that refuse what is over it (`limit`), and how, by the id of the source's rule. Others are written
    `if within`, and what is over goes on to the next rule."""

    excess: tuple[tuple[int, RejectKind | None], ...] = ()

    def limited(self, line: Line) -> bool:
        return line.ends.connections is not None or any(id(r) in dict(self.excess) for r in line.rules)

    def of(self, line: Line) -> RejectKind | None:
        known = dict(self.excess)
        return next((known[id(r)] for r in line.rules if id(r) in known), None)


def statements(line: Line, site: str, words: Vocabulary, choices: Choices, in_chain: bool = False) -> list[Statement]:
    """The statements of one line, none where it can match nothing at the site. Raises Unsaid."""
    ends = ends_of(line.ends, site, words)
    if ends is None:
        return []
    changes: list[Action] = [a for a in line.actions if _is_change(a)]
    if changes:
        return _changes(line, ends, changes, in_chain, words)
    if line.ends.states is not None and not line.ends.states:
        return []
    head, tail = _verb(line, words, choices)
    options = [tail] if tail else []
    options += [action_text(a, words) for a in line.actions if not (head == "log" and a is line.actions[0])]
    if head == "log":
        options.insert(0, action_text(line.actions[0], words))
    if head.split()[0] in ("jump", "goto", "return"):
        return [_called(line, head, ends, options, words)]
    limited = head == "allow" and choices.limited(line)
    text = f"{head} {traffic_text(line, words)}{_clauses(line, ends, limited)}"
    return [Statement(_with(text, options, line), outer_of(ends), line.notes)]


def _is_change(action: Action) -> bool:
    return isinstance(action, SetField | SetPriority | ClampMss | NoTrack | AssignHelper)


def _verb(line: Line, words: Vocabulary, choices: Choices) -> tuple[str, str]:
    """The first word of the statement, and the options that belong to it."""
    verdict, ends = line.verdict, line.ends
    if isinstance(verdict, Accept):
        return "allow", _limits(line, choices) if choices.limited(line) else ""
    if ends.connections is not None:
        raise Unsaid("a count of connections that decides something else than what is accepted", _MAX)
    if isinstance(verdict, Drop):
        return "deny", ""
    if isinstance(verdict, Reject):
        return "reject", reject_text(verdict).strip()
    if isinstance(verdict, Jump | Goto):
        word = "jump" if isinstance(verdict, Jump) else "goto"
        return f"{word} {verdict.chain}", ""
    if isinstance(verdict, Return):
        return "return", ""
    if isinstance(verdict, Continue):
        return ("log" if line.actions and isinstance(line.actions[0], Log) else "count"), ""
    raise Unsaid(f"`{effect_text(verdict)}` here")


def _limits(line: Line, choices: Choices) -> str:
    parts = []
    kind = choices.of(line)
    excess = "" if kind is None else " else reject"
    rate, connections = line.ends.rate, line.ends.connections
    if rate is not None:
        parts.append(f"limit {rate_text(rate)}{per_text(rate.per, rate.mask4, rate.mask6)}{excess}")
    if connections is not None:
        per = per_text(connections.per, connections.mask4, connections.mask6)
        parts.append(f"max {connections.count} connections{per}{excess}")
    if kind is not None and kind is not RejectKind.DEFAULT:
        parts.append(f"with {kind.value}")
    return " ".join(parts)


def _clauses(line: Line, ends: Ends, limited: bool = False) -> str:
    said = [*conditions(line.ends, limited), *ends.conditions]
    text = f" from {ends.source[-1]} to {ends.target[-1]}"
    return text + (f" if {' and '.join(said)}" if said else "")


def outer_of(ends: Ends) -> tuple[str, ...]:
    if len(ends.source) > 2 or len(ends.target) > 2:
        raise Unsaid("so many conditions on one end of the packets")
    return (*(f"from {op}" for op in ends.source[:-1]), *(f"to {op}" for op in ends.target[:-1]))


def _with(text: str, options: list[str], line: Line) -> str:
    return " ".join([text, *(o for o in options if o)]) + meta_text(line)


def _called(line: Line, head: str, ends: Ends, options: list[str], words: Vocabulary) -> Statement:
    what = traffic(line.boxes, line.families, words.families)
    ends = _of_family(line, ends, words)
    wide = ends.source == ("any",) and ends.target == ("any",)
    said = [*conditions(line.ends), *ends.conditions]
    text = head + ("" if what == "any" else f" for {what}")
    if not wide:
        text += f" from {ends.source[-1]} to {ends.target[-1]}"
    text += f" if {' and '.join(said)}" if said else ""
    return Statement(_with(text, options, line), outer_of(ends), line.notes)


def _of_family(line: Line, ends: Ends, words: Vocabulary) -> Ends:
    """The ends with every address of the line's family for `any`: jumps take no family word. Where no address can stand the proof
    tells whether the family mattered."""
    if not family_needed(line, words):
        return ends
    (family,) = line.families
    everything = "0.0.0.0/0" if family is Family.V4 else "::/0"
    for side in ("source", "target"):
        operands: tuple[str, ...] = getattr(ends, side)
        first, _, rest = operands[-1].partition(" ")
        if first == "any" and not rest.startswith("in "):
            return dataclasses.replace(ends, **{side: (*operands[:-1], f"{everything} {rest}".rstrip())})
        if is_name(first) and first != "self" and not rest:
            return dataclasses.replace(ends, **{side: (*operands[:-1], f"{everything} in {first}")})
    return ends


# ----- packet changes ------------------------------------------------------------


def _changes(line: Line, ends: Ends, changes: list[Action], in_chain: bool, words: Vocabulary) -> list[Statement]:
    """`mark`, `rewrite`, `clamp`, `notrack` and `helper` in a `hook` block, one statement for each change."""
    if line.ends.connections is not None:
        raise Unsaid("a packet change for a count of connections")
    rest = [action_text(a, words) for a in line.actions if a not in changes]
    out = []
    for change in changes:
        if isinstance(change, ClampMss) and SYN in line.ends.said:
            said = tuple(text for text in line.ends.said if text != SYN)  # `clamp` is about these segments anyway
            line = dataclasses.replace(line, ends=dataclasses.replace(line.ends, said=said))
        head, family = _change(change, line, in_chain)
        what = traffic_text(line, words) if family else traffic(line.boxes, line.families, words.families)
        text = f"{head} {what}{_clauses(line, ends)}"
        out.append(Statement(_with(text, rest, line), outer_of(ends), line.notes))
        rest = []
    if isinstance(line.verdict, Continue):
        return out
    if isinstance(line.verdict, Accept | Drop):
        verb = "allow" if isinstance(line.verdict, Accept) else "deny"
        out.append(Statement(f"{verb} {traffic_text(line, words)}{_clauses(line, ends)}", outer_of(ends)))
        return out
    raise Unsaid("a packet change and a jump in one rule", "write two rules")


def _change(change: Action, line: Line, in_chain: bool) -> tuple[str, bool]:
    """The head of a change, and whether it takes a family word."""
    if isinstance(change, SetField) and change.field is Field.MARK:
        mask = "" if change.mask == 0xFFFFFFFF else f"/{change.mask:#x}"
        if change.value & ~change.mask:
            raise Unsaid("a mark that flips bits outside its mask")
        return f"mark {change.value:#x}{mask} for", True
    if isinstance(change, SetField) and change.field is Field.CT_MARK and change.mask == 0xFFFFFFFF:
        return f"rewrite ctmark to {change.value:#x} for", True
    if isinstance(change, SetField) and change.field is Field.TTL and change.value:
        return f"rewrite ttl to {change.value} for", True
    if isinstance(change, SetField) and change.field is Field.DSCP:
        return f"rewrite dscp to {change.value} for", True
    if isinstance(change, SetPriority):
        return f"rewrite priority to {change.value:#x} for", True
    if isinstance(change, NoTrack) and not in_chain:
        return "notrack", True
    if isinstance(change, ClampMss) and not in_chain:
        return _clamped(change, line), False
    if isinstance(change, AssignHelper) and not in_chain and is_name(change.name):
        return f"helper {change.name} for", False
    raise Unsaid(f"`{effect_text(change)}` here")


def _clamped(change: ClampMss, line: Line) -> str:
    sizes = {s for s in (change.size4, change.size6) if s is not None}
    if not sizes:
        return "clamp mss to pmtu for"
    if len(sizes) > 1:
        raise Unsaid("a segment size for each family", "write one `clamp` for each")
    return f"clamp mss to {sizes.pop()} for"
