"""What happens to a packet, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwc.ir.text import action_text, verdict_text
from fwc.ir.verdict import (
    AssignHelper,
    CopyMark,
    Dnat,
    Duplicate,
    Log,
    Masquerade,
    NatTarget,
    Netmap,
    NoTrack,
    OpaqueAction,
    OpaqueVerdict,
    Redirect,
    Reject,
    RejectKind,
    SetField,
    SetPriority,
    SetZone,
    Snat,
    Tag,
    VerdictMap,
    Via,
)
from fwc.net.addresses import format_address
from fwc.net.hooks import Family
from fwc.net.ports import format_ports
from fwc.space.words import printable

if TYPE_CHECKING:
    from fwc.analysis.firstmatch import Outcome
    from fwc.analysis.program import Effect


def fate_text(outcome: Outcome) -> str:
    """`accept`, `log "x", drop`, `dnat to 10.0.0.5:80`."""
    return printable(", ".join(effect_text(each) for each in (*outcome.effects, outcome.verdict)))


def effect_text(effect: Effect) -> str:
    """One action or verdict in words."""
    match effect:
        case Reject(kind):
            return "reject" if kind is RejectKind.DEFAULT else f"reject with {kind}"
        case Log(prefix, _, group):
            where = f" to nflog group {group}" if group is not None else ""
            return f'log "{prefix}"{where}' if prefix else f"log{where}"
        case SetField(field, value, mask):
            return f"set {field.value} {value:#x}" + ("" if mask == 0xFFFFFFFF else f"/{mask:#x}")
        case SetPriority(value):
            return f"set priority {value >> 16:x}:{value & 0xFFFF:x}"
        case CopyMark(direction, mask):
            return f"{direction} mark" + ("" if mask == 0xFFFFFFFF else f" under {mask:#x}")
        case Duplicate(family, gateway, oif):
            return f"copy to {format_address(family, gateway)}" + (f" by {oif}" if oif else "")
        case Snat(target):
            return f"snat to {_target(target)}"
        case Dnat(targets):
            return f"dnat to {' or '.join(_target(t) for t in targets)}"
        case Masquerade(ports):
            return "masquerade" + (f" to ports {format_ports(*ports)}" if ports else "")
        case Redirect(ports):
            return "redirect" + (f" to port {format_ports(*ports)}" if ports else "")
        case Netmap(field, family, low, length):
            return f"netmap {field.value} to {format_address(family, low)}/{length}"
        case SetZone(zone, direction):
            return f"track in {direction} zone {zone}".replace("  ", " ")
        case AssignHelper(name):
            return f"helper {name}"
        case NoTrack():
            return "notrack"
        case Tag(name):
            return f"tag {name}"
        case Via(kind, hops):
            return f"{kind} {hops}".rstrip()
        case OpaqueAction(_, text) | OpaqueVerdict(_, text):
            return text
        case VerdictMap():
            return verdict_text(effect)
        case _:
            return action_text(effect)  # type: ignore[arg-type]  # any record is printed the same way


def _target(target: NatTarget) -> str:
    port = f"{format_ports(*target.ports)}" if target.ports else ""
    if target.family is None:
        return f"port {port}"
    low = format_address(target.family, target.low)
    text = low if target.low == target.high else f"{low}-{format_address(target.family, target.high)}"
    if not port:
        return text
    return f"[{text}]:{port}" if target.family is Family.V6 else f"{text}:{port}"
