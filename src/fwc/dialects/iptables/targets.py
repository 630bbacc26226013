"""Actions and verdicts as iptables targets: the steps a matched packet goes through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fwc.analysis.fates import effect_text
from fwc.dialects.iptables.hooks import TABLES
from fwc.dialects.iptables.lexer import split_words
from fwc.dialects.iptables.parts import (
    PROTOCOL,
    RATED,
    TRANSPORT,
    Inexpressible,
    Part,
    Place,
    require_hooks,
    require_taken,
)
from fwc.dialects.iptables.rates import rate_words
from fwc.dialects.iptables.tree import Words
from fwc.ir.match import Field
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
    Log,
    Masquerade,
    NatTarget,
    Netmap,
    NoTrack,
    OpaqueAction,
    OpaqueVerdict,
    PortChoice,
    Redirect,
    Reject,
    RejectKind,
    SetField,
    SetPriority,
    SetZone,
    Snat,
    Tag,
    Verdict,
    Via,
)
from fwc.net.addresses import format_address
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet, Run
from fwc.records import Record
from fwc.source import utf8

PREFIX_LENGTH = 29
"""LOG takes 30 bytes with the NUL; iptables cuts longer ones silently."""
NFLOG_PREFIX_LENGTH = 63

LEVELS = {
    "emerg": 0, "panic": 0, "alert": 1, "crit": 2, "err": 3, "error": 3,
    "warn": 4, "warning": 4, "notice": 5, "info": 6, "debug": 7,
}  # fmt: skip


class Step(Record):
    """One rule of an ending. `needs` says what must stand in the same rule: "ports" a protocol with ports,
    "tcp" `-p tcp`, "syn" a condition on the SYN flag."""

    target: Words
    match: tuple[Part, ...] = ()
    needs: str = ""


def action_steps(actions: Sequence[Action], place: Place, set_words: Callable[[AddToSet], Words]) -> list[Step]:
    """Raises `Inexpressible`."""
    out: list[Step] = []
    for action in actions:
        match action:
            case Log():
                out.append(_log(action, place.family))
            case Count():
                out.append(Step(()))
            case SetField():
                out.append(_set_field(action, place))
            case SetPriority():
                out.append(_set_priority(action, place))
            case CopyMark():
                mask = f"{action.mask:#x}"
                word = "--save-mark" if action.direction == "save" else "--restore-mark"
                out.append(Step(("-j", "CONNMARK", word, "--nfmask", mask, "--ctmask", mask)))
            case ClampMss():
                out.append(_clamp(action, place))
            case NoTrack():
                _only(place, "raw", "notrack", "`notrack` needs the raw table, before connection tracking")
                out.append(Step(("-j", "CT", "--notrack")))
            case SetZone(zone, direction):
                _only(place, "raw", "notrack", "a conntrack zone needs the raw table, before connection tracking")
                option = {"": "--zone", "original": "--zone-orig", "reply": "--zone-reply"}[direction]
                out.append(Step(("-j", "CT", option, str(zone))))
            case AssignHelper():
                _only(place, "raw", "helper", "a connection helper needs the raw table, before connection tracking")
                out.append(Step(("-j", "CT", "--helper", action.name)))
            case AddToSet():
                out.append(Step(set_words(action)))
            case Duplicate():
                out.append(_duplicate(action, place.family))
            case Tag():
                raise Inexpressible("tag", "iptables has no packet tags", "use `mark`")
            case Via():
                text = f"iptables has no {action.kind}"
                raise Inexpressible("route", text, "set a mark and route by it: `ip rule add fwmark`")
            case OpaqueAction():
                out.append(Step(_foreign(action.dialect, action.text, place)))
    return _without_idle(out)


def _duplicate(action: Duplicate, family: Family) -> Step:
    if action.family is not family:
        raise Inexpressible("duplicate", "a copy of a packet goes to an address of the packet's family")
    words = ("-j", "TEE", "--gateway", format_address(family, action.gateway))
    return Step((*words, "--oif", action.oif) if action.oif else words)


def _without_idle(steps: list[Step]) -> list[Step]:
    """A rule counts by itself: an explicit counter needs a rule of its own only where nothing else is done."""
    busy = [s for s in steps if s.target]
    return busy or steps[:1]


def _only(place: Place, table: str, feature: str, message: str) -> None:
    if place.table != table:
        raise Inexpressible(feature, message, "write it where it is evaluated before connection tracking")


def _foreign(dialect: str, text: str, place: Place) -> Words:
    if dialect != "iptables":
        raise Inexpressible("foreign", f"iptables cannot express the {dialect} statement {text!r}", "use `when target`")
    _printable(text, "the target")
    words = split_words(text) or ()
    require_taken(words, place)
    return words


def _printable(text: str, what: str) -> None:
    if not text.isprintable():
        raise Inexpressible("text", f"{what} holds a control character", "use printable text")


_LOG_OPTIONS = {
    "tcp sequence": "--log-tcp-sequence",
    "tcp options": "--log-tcp-options",
    "ip options": "--log-ip-options",
    "skuid": "--log-uid",
    "ether": "--log-macdecode",
}


def _log(log: Log, family: Family) -> Step:
    _printable(log.prefix, "the log prefix")
    rate: tuple[Part, ...] = ((RATED, rate_words(log.rate, False, family)),) if log.rate is not None else ()
    limit = PREFIX_LENGTH if log.nflog_group is None else NFLOG_PREFIX_LENGTH
    if len(utf8(log.prefix)) > limit:
        short = utf8(log.prefix)[:limit].decode(errors="ignore")
        if log.prefix.endswith((": ", " ", ":")):
            tail = ": " if log.prefix.endswith(": ") else log.prefix[-1]
            short = utf8(log.prefix)[: limit - len(tail)].decode(errors="ignore").rstrip(" :-") + tail
        raise Inexpressible(
            "log-prefix",
            f"the log prefix {log.prefix!r} is longer than the {limit} characters iptables takes",
            f'write log "{short}"',
        )
    if log.nflog_group is not None:
        words = ["-j", "NFLOG"]
        if log.prefix:
            words += ["--nflog-prefix", log.prefix]
        if log.nflog_group:
            words += ["--nflog-group", str(log.nflog_group)]
        if log.size is not None:
            words += ["--nflog-size", str(log.size)]
        if log.threshold:
            words += ["--nflog-threshold", str(log.threshold)]
        return Step(tuple(words), rate)
    words = ["-j", "LOG"]
    if log.prefix:
        words += ["--log-prefix", log.prefix]
    if log.level:
        if log.level not in LEVELS:
            raise Inexpressible("log-level", f"iptables has no log level {log.level!r}", "use emerg to debug")
        if LEVELS[log.level] != 4:
            words += ["--log-level", str(LEVELS[log.level])]
    words += [_LOG_OPTIONS[flag] for flag in log.flags]
    return Step(tuple(words), rate)


def _set_priority(action: SetPriority, place: Place) -> Step:
    words = ("-j", "CLASSIFY", "--set-class", f"{action.value >> 16:x}:{action.value & 0xFFFF:x}")
    require_hooks(words, place, "rewrite", "sets the priority of a packet", "move the rule")
    return Step(words)


def _set_field(action: SetField, place: Place) -> Step:
    if action.field is Field.MARK:
        return Step(("-j", "MARK", "--set-xmark", f"{action.value:#x}/{action.mask:#x}"))
    if action.field is Field.CT_MARK:
        return Step(("-j", "CONNMARK", "--set-xmark", f"{action.value:#x}/{action.mask:#x}"))
    if action.field is Field.DSCP:
        _only(place, "mangle", "dscp", "iptables changes DSCP in the mangle table only")
        return Step(("-j", "DSCP", "--set-dscp", f"0x{action.value:02x}"))
    if action.field is Field.TTL:
        _only(place, "mangle", "ttl", "iptables changes the TTL in the mangle table only")
        v4 = place.family is Family.V4
        return Step(("-j", "TTL" if v4 else "HL", "--ttl-set" if v4 else "--hl-set", str(action.value)))
    raise Inexpressible("rewrite", f"iptables cannot change {action.field.value}")


SYN: tuple[Part, ...] = ((PROTOCOL, ("-p", "tcp")), (TRANSPORT, ("-m", "tcp", "--tcp-flags", "SYN", "SYN")))


def _clamp(action: ClampMss, place: Place) -> Step:
    size = action.size4 if place.family is Family.V4 else action.size6
    value = ("--clamp-mss-to-pmtu",) if size is None else ("--set-mss", str(size))
    words = ("-j", "TCPMSS", *value)
    require_hooks(words, place, "clamp", "knows the path of a packet", "move the rule, or write the size")
    return Step(words, (), "syn")


# ----- verdicts --------------------------------------------------------------

REJECT_V4 = {
    RejectKind.PORT_UNREACHABLE: "icmp-port-unreachable",
    RejectKind.HOST_UNREACHABLE: "icmp-host-unreachable",
    RejectKind.NET_UNREACHABLE: "icmp-net-unreachable",
    RejectKind.PROTO_UNREACHABLE: "icmp-proto-unreachable",
    RejectKind.ADMIN_PROHIBITED: "icmp-admin-prohibited",
    RejectKind.HOST_PROHIBITED: "icmp-host-prohibited",
    RejectKind.NET_PROHIBITED: "icmp-net-prohibited",
    RejectKind.NO_ROUTE: "icmp-net-unreachable",
    RejectKind.ADDRESS_UNREACHABLE: "icmp-host-unreachable",
    RejectKind.POLICY_FAIL: "icmp-admin-prohibited",
    RejectKind.REJECT_ROUTE: "icmp-net-unreachable",
}
REJECT_V6 = {
    RejectKind.PORT_UNREACHABLE: "icmp6-port-unreachable",
    RejectKind.HOST_UNREACHABLE: "icmp6-addr-unreachable",
    RejectKind.NET_UNREACHABLE: "icmp6-no-route",
    RejectKind.PROTO_UNREACHABLE: "icmp6-port-unreachable",
    RejectKind.ADMIN_PROHIBITED: "icmp6-adm-prohibited",
    RejectKind.HOST_PROHIBITED: "icmp6-adm-prohibited",
    RejectKind.NET_PROHIBITED: "icmp6-adm-prohibited",
    RejectKind.NO_ROUTE: "icmp6-no-route",
    RejectKind.ADDRESS_UNREACHABLE: "icmp6-addr-unreachable",
    RejectKind.POLICY_FAIL: "icmp6-policy-fail",
    RejectKind.REJECT_ROUTE: "icmp6-reject-route",
}
TCP_ONLY: tuple[Part, ...] = ((PROTOCOL, ("-p", "tcp")),)


def verdict_steps(
    verdict: Verdict, place: Place, protocols: IntervalSet | None, dport: IntervalSet | None
) -> list[Step]:
    """Steps of a verdict that ends the packet's way here; `protocols` are the only ones that can arrive, None for all.

    Accept, jumps and returns depend on the chain and are the caller's. Raises `Inexpressible`.
    """
    match verdict:
        case Drop():
            if place.table == "nat":
                raise Inexpressible(
                    "nat-filter", "iptables cannot drop packets in the nat table", "write the deny as a filter rule"
                )
            return [Step(("-j", "DROP"))]
        case Reject():
            return _reject(verdict.kind, place, protocols)
        case Snat():
            return [_nat("SNAT", "--to-source", verdict.target, verdict.choice, place)]
        case Dnat():
            return _dnat(verdict, place, dport)
        case Masquerade():
            return [_with_ports("MASQUERADE", verdict.ports, verdict.choice, place)]
        case Redirect():
            return _redirect(verdict, place, dport)
        case Netmap():
            if verdict.family is not place.family:
                raise Inexpressible("map", "a network is mapped to one of the same family")
            to = f"{format_address(verdict.family, verdict.low)}/{verdict.length}"
            return [_translation(("-j", "NETMAP", "--to", to), None, place)]
        case OpaqueVerdict():
            return [Step(_foreign(verdict.dialect, verdict.text, place))]
        case Accept() | Continue():
            return []
    raise Inexpressible("verdict", f"iptables has no verdict like `{effect_text(verdict)}`")


def _reject(kind: RejectKind, place: Place, protocols: IntervalSet | None) -> list[Step]:
    if place.table != "filter":
        raise Inexpressible(
            "reject-place",
            f"iptables cannot reject packets in the {place.table} table",
            "use `deny`, or place it in the filter chains",
        )
    tcp = Step(("-j", "REJECT", "--reject-with", "tcp-reset"), (), "tcp")
    only_tcp = protocols is not None and protocols == IntervalSet.of(6)
    if kind is RejectKind.TCP_RESET:
        if not only_tcp:
            raise Inexpressible(
                "reject-tcp", "a TCP reset answers TCP packets only", "limit the rule to tcp, or use another answer"
            )
        return [tcp]
    texts = REJECT_V4 if place.family is Family.V4 else REJECT_V6
    if kind is not RejectKind.DEFAULT:
        return [Step(("-j", "REJECT", "--reject-with", texts[kind]))]
    if only_tcp:
        return [tcp]
    other = Step(("-j", "REJECT", "--reject-with", texts[RejectKind.PORT_UNREACHABLE]))
    if protocols is not None and 6 not in protocols:
        return [other]
    return [tcp, other]


def _translation(words: Words, ports: Run | None, place: Place) -> Step:
    """The step of a target of the nat table. One with ports needs them in its rule."""
    if place.table not in TABLES[" ".join(words[:2])]:
        raise Inexpressible(
            "nat-place", "iptables translates addresses in the nat table only", "use a chain of type nat"
        )
    require_hooks(words, place, "nat-place", "takes this translation", "use a chain of that hook")
    return Step(words, (), "ports" if ports else "")


_CHOICE: dict[PortChoice, Words] = {
    PortChoice.DEFAULT: (),
    PortChoice.RANDOM: ("--random",),
    PortChoice.PERSISTENT: ("--persistent",),
}


def _ports_text(ports: Run) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def _nat(name: str, option: str, target: NatTarget, choice: PortChoice, place: Place, base: int | None = None) -> Step:
    text = ""
    if target.family is not None:
        if target.family is not place.family:
            raise Inexpressible(
                "nat-family", "an address is translated to one of the same family", "use a target of this family"
            )
        low = format_address(target.family, target.low)
        text = low if target.low == target.high else f"{low}-{format_address(target.family, target.high)}"
        if target.ports is not None and target.family is Family.V6:
            text = f"[{text}]"
    if target.ports is not None:
        text += f":{_ports_text(target.ports)}"
        if base is not None:
            text += f"/{base}"
    extra = () if choice is PortChoice.OFFSET else _CHOICE[choice]
    return _translation(("-j", name, option, text, *extra), target.ports, place)


def _with_ports(name: str, ports: Run | None, choice: PortChoice, place: Place) -> Step:
    words = ["-j", name]
    if ports is not None:
        words += ["--to-ports", _ports_text(ports)]
    if choice is PortChoice.PERSISTENT:
        raise Inexpressible("persistent", f"iptables {name} has no persistent mapping", "leave out `persistent`")
    if choice is PortChoice.RANDOM:
        words.append("--random")
    return _translation(tuple(words), ports, place)


def _offset_base(ports: Run | None, choice: PortChoice, dport: IntervalSet | None) -> int | None:
    """The first original port where each port of a range keeps its offset."""
    if choice is not PortChoice.OFFSET or ports is None or ports[0] == ports[1]:
        return None
    if dport is None or len(dport.runs) != 1 or dport.runs[0][1] - dport.runs[0][0] != ports[1] - ports[0]:
        raise Inexpressible(
            "port-offset", "the two port ranges must be single ranges of the same size", "split the rule"
        )
    return dport.runs[0][0]


def _dnat(verdict: Dnat, place: Place, dport: IntervalSet | None) -> list[Step]:
    """Several targets: one in n goes to the first, one in n - 1 of the rest to the second, and so on."""
    out: list[Step] = []
    count = len(verdict.targets)
    for at, target in enumerate(verdict.targets):
        base = _offset_base(target.ports, verdict.choice, dport)
        choice = PortChoice.DEFAULT if verdict.choice is PortChoice.OFFSET else verdict.choice
        step = _nat("DNAT", "--to-destination", target, choice, place, base)
        left = count - at
        if left > 1:
            odds = f"{1 / left:.11f}"
            step = Step(
                step.target, ((RATED, ("-m", "statistic", "--mode", "random", "--probability", odds)),), step.needs
            )
        out.append(step)
    return out


def _redirect(verdict: Redirect, place: Place, dport: IntervalSet | None) -> list[Step]:
    """REDIRECT knows no offset; `split_redirect` has made one rule per port of a range before."""
    if _offset_base(verdict.ports, verdict.choice, dport) is not None:
        raise Inexpressible("port-offset", "iptables redirects a range of ports one by one", "list the ports")
    choice = PortChoice.DEFAULT if verdict.choice is PortChoice.OFFSET else verdict.choice
    return [_with_ports("REDIRECT", verdict.ports, choice, place)]


def split_redirect(verdict: Redirect, low: int) -> list[tuple[int, Redirect]]:
    """(original port, redirect) for each port of a range that keeps its offset; `low` is the first original port."""
    assert verdict.ports is not None
    first, last = verdict.ports
    if last - first >= 256:
        raise Inexpressible(
            "port-offset", "iptables redirects port by port, and the range has over 256", "use `forward`"
        )
    return [(low + i, Redirect((first + i, first + i))) for i in range(last - first + 1)]
