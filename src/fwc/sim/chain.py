"""Walking one base chain: first match, jump, goto and return, with the actions that rules do on the way."""

from __future__ import annotations

import dataclasses

from fwc.ir.match import Field
from fwc.ir.model import Chain, Rule, Table
from fwc.ir.verdict import (
    Accept,
    Action,
    AddToSet,
    AssignHelper,
    ClampMss,
    Continue,
    CopyMark,
    Count,
    Dnat,
    Drop,
    Duplicate,
    Goto,
    Jump,
    Log,
    Masquerade,
    Netmap,
    NoTrack,
    OpaqueAction,
    OpaqueVerdict,
    Redirect,
    Reject,
    Return,
    SetField,
    SetPriority,
    SetZone,
    Snat,
    Tag,
    Verdict,
    VerdictMap,
    Via,
)
from fwc.net.addresses import format_address
from fwc.net.hooks import Hook
from fwc.net.packet import Packet
from fwc.records import Record
from fwc.sim.journey import Journey
from fwc.sim.matching import mismatch, set_key, tuple_in
from fwc.sim.trace import Step

MAX_DEPTH = 64
"""Jumps deeper than any kernel takes (NFT_JUMP_STACK_SIZE is 16): a chain that calls itself."""

Terminal = Accept | Drop | Reject | Snat | Masquerade | Dnat | Redirect | Netmap | OpaqueVerdict


class Outcome(Record):
    """How a base chain ended; `rule` is None when its policy decided."""

    verdict: Terminal
    rule: Rule | None


class Recorder:
    """Collects the steps and effects of one packet."""

    __slots__ = ("effects", "logs", "steps", "wanted")

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self.steps: list[Step] = []
        self.logs: list[str] = []
        self.effects: list[str] = []

    def note(self, kind: str, text: str, hook: Hook | None = None) -> None:
        if self.wanted:
            self.steps.append(Step(kind, hook, text=text))


def run_base(table: Table, chains: dict[str, Chain], chain: Chain, at: Journey, out: Recorder) -> Outcome:
    """The end of a base chain: a terminal verdict of a rule, or the chain's policy."""
    base = chain.base
    assert base is not None
    if out.wanted:
        out.steps.append(Step("enter", base.hook, table.name, chain.name))
    walk = _Walk(table, chains, base.hook, at, out)
    found = walk.chain(chain, 0)
    if found is not None:
        return found
    policy: Terminal = base.policy if isinstance(base.policy, Drop | Reject) else Accept()
    if out.wanted:
        word = type(policy).__name__.lower()
        out.steps.append(Step("policy", base.hook, table.name, chain.name, text=f"policy {word}"))
    return Outcome(policy, None)


class _Walk:
    """The fixed surroundings of one walk, so that recursion passes only what changes."""

    __slots__ = ("at", "chains", "hook", "out", "table")

    def __init__(self, table: Table, chains: dict[str, Chain], hook: Hook, at: Journey, out: Recorder) -> None:
        self.table = table
        self.chains = chains
        self.hook = hook
        self.at = at
        self.out = out

    def chain(self, chain: Chain, depth: int) -> Outcome | None:
        """None means that the packet came back from the chain without a decision."""
        if depth > MAX_DEPTH:
            self.at.assume("a chain jumps to itself; the packet is dropped")
            return Outcome(Drop(), None)
        for rule in chain.rules:
            failed = mismatch(rule.match, self.at)
            if self.out.wanted:
                self.out.steps.append(Step("rule", self.hook, self.table.name, chain.name, rule, failed))
            if failed is not None:
                continue
            for action in rule.actions:
                act(action, self.at, self.out, self.hook)
            ended, outcome = self.verdict(rule.verdict, rule, depth)
            if ended:
                return outcome
        return None

    def verdict(self, verdict: Verdict, rule: Rule, depth: int) -> tuple[bool, Outcome | None]:
        """Whether the current chain is left, and with what (None: back to the caller)."""
        match verdict:
            case Continue():
                return False, None
            case Return():
                return True, None
            case Jump():
                outcome = self.called(verdict.chain, rule, depth)
                return outcome is not None, outcome
            case Goto():
                return True, self.called(verdict.chain, rule, depth)
            case VerdictMap():
                for element, chosen in verdict.entries:
                    if tuple_in(verdict.fields, (element,), self.at):
                        return self.verdict(chosen, rule, depth)
                return False, None
            case OpaqueVerdict():
                self.at.assume(f"`{verdict.text}` lets the packet pass")
                return (True, Outcome(verdict, rule)) if verdict.terminal else (False, None)
            case _:
                return True, Outcome(verdict, rule)

    def called(self, name: str, caller: Rule, depth: int) -> Outcome | None:
        target = self.chains.get(name)
        if target is None:
            self.at.assume(f"the chain {name}, which is not in the ruleset, returns")
            return None
        outcome = self.chain(target, depth + 1)
        decider = outcome.rule if outcome else None
        if outcome is None or decider is None or decider.label or decider.comment:
            return outcome
        # a shared ending (a chain that only refuses) decides in the name of the rule that sent the packet there
        return Outcome(outcome.verdict, dataclasses.replace(decider, label=caller.label or caller.comment))


def act(action: Action, at: Journey, out: Recorder, hook: Hook) -> None:
    """Do what a matching rule does besides its verdict."""
    match action:
        case Log():
            out.logs.append(action.prefix)
        case Count():
            out.effects.append(f"count {action.name}".rstrip())
        case SetField():
            _set_field(action, at, out)
        case CopyMark():
            _copy_mark(action, at)
        case NoTrack():
            at.notrack = True
        case ClampMss():
            size = action.size4 if at.packet.family.value == 4 else action.size6
            out.effects.append(f"clamp mss to {size if size is not None else 'path mtu'}")
        case AddToSet():
            _change_set(action, at, out)
        case Tag():
            at.tag = action.name
        case AssignHelper():
            out.effects.append(f"helper {action.name}")
        case SetZone():
            out.effects.append(f"{action.direction} zone {action.zone}".lstrip())
        case SetPriority():
            out.effects.append(f"priority {action.value:#x}")
        case Duplicate():
            out.effects.append(f"copy to {format_address(action.family, action.gateway)}")
        case Via():
            out.effects.append(f"{action.kind} {action.hops}".rstrip())
        case OpaqueAction():
            at.assume(f"`{action.text}` changes nothing that later rules see ({hook.value})")
            out.effects.append(action.text)


def _set_field(action: SetField, at: Journey, out: Recorder) -> None:
    packet = at.packet
    match action.field:
        case Field.MARK:
            at.packet = changed(packet, mark=(packet.mark & ~action.mask) ^ action.value)
            out.effects.append(f"mark {at.packet.mark:#x}")
        case Field.CT_MARK:
            if at.connection is not None:
                at.connection.mark = (at.connection.mark & ~action.mask) ^ action.value
            at.packet = changed(packet, ct_mark=(packet.ct_mark & ~action.mask) ^ action.value)
            out.effects.append(f"ctmark {at.packet.ct_mark:#x}")
        case Field.DSCP:
            at.packet = changed(packet, dscp=action.value)
            out.effects.append(f"dscp {action.value}")
        case Field.TTL:
            at.packet = changed(packet, ttl=action.value)
            out.effects.append(f"ttl {action.value}")
        case _:
            at.assume(f"setting {action.field.value} changes nothing that later rules see")


def _copy_mark(action: CopyMark, at: Journey) -> None:
    packet = at.packet
    connection_mark = at.connection.mark if at.connection else packet.ct_mark
    if action.direction == "save":
        new = (connection_mark & ~action.mask) | (packet.mark & action.mask)
        if at.connection is not None:
            at.connection.mark = new
        at.packet = changed(packet, ct_mark=new)
    else:
        at.packet = changed(packet, mark=(packet.mark & ~action.mask) | (connection_mark & action.mask))


def _change_set(action: AddToSet, at: Journey, out: Recorder) -> None:
    key = set_key(action.fields, at)
    if key is None:
        return
    members = at.session.sets.setdefault(action.set, set())
    if action.delete:
        members.discard(key)
    else:
        members.add(key)
    out.effects.append(f"{'delete from' if action.delete else 'add to'} @{action.set}")


_FIELDS = tuple(Packet.__slots__)  # type: ignore[attr-defined]  # every record has slots


def changed(packet: Packet, **fields: int | str) -> Packet:
    """A copy with some fields replaced; `dataclasses.replace` costs four times as much."""
    values = {name: getattr(packet, name) for name in _FIELDS}
    values.update(fields)
    return Packet(**values)
