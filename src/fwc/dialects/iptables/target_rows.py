"""What each -j target with its options means: actions and a verdict."""

from __future__ import annotations

from collections.abc import Callable

from fwc.dialects.iptables.extensions import ACTIONS, FINAL
from fwc.dialects.iptables.lexer import join_words
from fwc.dialects.iptables.match_rows import Option, Refused, prefix, set_fields, traffic_class
from fwc.dialects.iptables.numbers import DSCP_CLASSES, number, port, value_and_mask
from fwc.dialects.iptables.setlines import SetNames
from fwc.dialects.iptables.targets import LEVELS, PREFIX_LENGTH, REJECT_V4, REJECT_V6
from fwc.dialects.iptables.tree import Words
from fwc.ir.match import Field
from fwc.ir.verdict import (
    ACCEPT,
    CONTINUE,
    DROP,
    LOG_FLAGS,
    RETURN,
    Action,
    AddToSet,
    AssignHelper,
    ClampMss,
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
    PortChoice,
    Redirect,
    Reject,
    RejectKind,
    SetField,
    SetPriority,
    SetZone,
    Snat,
    Verdict,
)
from fwc.net.addresses import parse_address
from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import utf8

Effect = tuple[tuple[Action, ...], Verdict]


class Target(Record):
    """`-j NAME` with its options, in order, and where it stands."""

    name: str
    options: tuple[Option, ...]
    family: Family
    chain: str
    sets: SetNames | None = None


def effect(target: Target) -> tuple[Effect, bool]:
    """Actions and verdict, and whether they are all that the target does. Raises `Refused`."""
    row = _ROWS.get(target.name)
    if row is not None:
        found = row(target)
        if found is not None:
            return found, True
    text = _text(target)
    if target.name in ACTIONS:
        return ((OpaqueAction("iptables", text, target.name),), CONTINUE), False
    terminal = True if target.name in FINAL else None
    return ((), OpaqueVerdict("iptables", text, target.name, terminal)), False


def _text(target: Target) -> str:
    words: list[str] = ["-j", target.name]
    for name, values, negated in target.options:
        words += [*(("!",) if negated else ()), name, *values]
    return join_words(tuple(words))


def _given(target: Target) -> dict[str, Words]:
    return {name: words for name, words, _ in target.options}


_ALIASES = {"port-unreach": "port-unreachable", "host-unreach": "host-unreachable", "net-unreach": "net-unreachable",
            "proto-unreach": "proto-unreachable", "admin-prohib": "admin-prohibited", "host-prohib": "host-prohibited",
            "net-prohib": "net-prohibited", "tcp-rst": "tcp-reset"}  # fmt: skip
_V6_ALIASES = {"no-route": RejectKind.NO_ROUTE, "adm-prohibited": RejectKind.ADMIN_PROHIBITED,
               "addr-unreach": RejectKind.ADDRESS_UNREACHABLE, "port-unreach": RejectKind.PORT_UNREACHABLE,
               "policy-fail": RejectKind.POLICY_FAIL, "reject-route": RejectKind.REJECT_ROUTE}  # fmt: skip
_FROM_V4 = {text: kind for kind, text in reversed(REJECT_V4.items())}
_FROM_V6 = {text: kind for kind, text in reversed(REJECT_V6.items())} | {
    "icmp6-no-route": RejectKind.NO_ROUTE,
    "icmp6-addr-unreachable": RejectKind.ADDRESS_UNREACHABLE,
    "icmp6-adm-prohibited": RejectKind.ADMIN_PROHIBITED,
}


def _reject(target: Target) -> Effect | None:
    given = _given(target).get("--reject-with")
    if given is None:
        return (), Reject(RejectKind.PORT_UNREACHABLE)
    word = given[0]
    if word in ("tcp-reset", "tcp-rst"):
        return (), Reject(RejectKind.TCP_RESET)
    if target.family is Family.V6:
        kind = _FROM_V6.get(word) or _V6_ALIASES.get(word)
    else:
        bare = word.removeprefix("icmp-")
        kind = _FROM_V4.get(word) or _FROM_V4.get(f"icmp-{_ALIASES.get(bare, bare)}")
    if kind is None:
        raise Refused("FW001", f"{word!r} is no answer that REJECT can give", "use icmp-port-unreachable or tcp-reset")
    return (), Reject(kind)


_LEVEL_NAMES = {0: "emerg", 1: "alert", 2: "crit", 3: "err", 4: "warning", 5: "notice", 6: "info", 7: "debug"}


LOG_FLAG_OPTIONS = dict(
    zip(
        ("--log-tcp-sequence", "--log-tcp-options", "--log-ip-options", "--log-uid", "--log-macdecode"),
        LOG_FLAGS,
        strict=True,
    )
)


def _log(target: Target) -> Effect | None:
    given = _given(target)
    if not given.keys() <= {"--log-prefix", "--log-level", *LOG_FLAG_OPTIONS}:
        return None
    flags = tuple(flag for option, flag in LOG_FLAG_OPTIONS.items() if option in given)
    level = ""
    if "--log-level" in given:
        word = given["--log-level"][0].lower()
        value = number(word) if word.isdigit() else LEVELS.get(word)
        if value is None or value > 7:
            raise Refused("FW001", f"{word!r} is no log level", "use a number from 0 to 7")
        level = "" if value == 4 else _LEVEL_NAMES[value]
    text = given.get("--log-prefix", ("",))[0]
    if not text and "--log-prefix" in given:
        raise Refused("FW001", "the log prefix is empty", "leave --log-prefix out")
    return (Log(utf8(text)[:PREFIX_LENGTH].decode(errors="ignore"), level, flags=flags),), CONTINUE


def _nflog(target: Target) -> Effect | None:
    given = _given(target)
    if "--nflog-range" in given:  # an old option, which the kernel ignores unless --nflog-size says how much to copy
        return None
    numbers = {name: number(words[0]) for name, words in given.items() if name != "--nflog-prefix"}
    if None in numbers.values():
        raise Refused("FW001", "NFLOG takes numbers for its group, size and threshold")
    group, threshold = numbers.get("--nflog-group", 0), numbers.get("--nflog-threshold", 0)
    prefix = given.get("--nflog-prefix", ("",))[0]
    return (Log(prefix, "", group, size=numbers.get("--nflog-size"), threshold=threshold or 0),), CONTINUE


def _tee(target: Target) -> Effect | None:
    given = _given(target)
    text = given.get("--gateway", ("",))[0]
    gateway = parse_address(text)
    if gateway is None:
        raise Refused("FW001", "TEE needs --gateway with an address")
    if gateway[0] is not target.family:
        raise Refused("FW007", f"{text} is of the other family")
    return (Duplicate(gateway[0], gateway[1], given.get("--oif", ("",))[0]),), CONTINUE


# ----- translation -----------------------------------------------------------


def _choice(given: dict[str, Words]) -> PortChoice | None:
    """None for what the IR does not tell apart."""
    if "--random-fully" in given or ("--random" in given and "--persistent" in given):
        return None
    if "--random" in given:
        return PortChoice.RANDOM
    return PortChoice.PERSISTENT if "--persistent" in given else PortChoice.DEFAULT


def _ports(text: str) -> tuple[int, int] | None:
    low, dash, high = text.partition("-")
    first = port(low)
    last = port(high) if dash else first
    return None if first is None or last is None or first > last else (first, last)


def _address(text: str, family: Family) -> tuple[NatTarget, int | None]:
    """`a`, `a-b`, `a:p`, `a:p-q`, `[a]:p`, `:p`, and `:p-q/base`. Raises `Refused`."""
    host, ports_text = text, ""
    if family is Family.V6:
        if text.startswith("["):
            host, _, ports_text = text[1:].partition("]")
            ports_text = ports_text.removeprefix(":")
    elif ":" in text:
        host, _, ports_text = text.partition(":")
    base: int | None = None
    if "/" in ports_text:
        ports_text, _, base_text = ports_text.partition("/")
        base = port(base_text)
    ports = _ports(ports_text) if ports_text else None
    if ports_text and ports is None:
        raise Refused("FW001", f"{ports_text!r} is no port or range of ports")
    if not host:
        return NatTarget(None, 0, 0, ports), base
    low_text, dash, high_text = host.partition("-")
    low = parse_address(low_text)
    high = parse_address(high_text) if dash else low
    if low is None or high is None:
        raise Refused("FW001", f"{host!r} is no address or range of addresses")
    if low[0] is not family or high[0] is not family:
        raise Refused("FW007", f"{host} is of the other family")
    return NatTarget(family, low[1], high[1], ports), base


def _snat(target: Target) -> Effect | None:
    given = _given(target)
    text = given.get("--to-source") or given.get("--to")
    choice = _choice(given)
    if text is None:
        raise Refused("FW001", "SNAT needs --to-source")
    return None if choice is None else ((), Snat(_address(text[0], target.family)[0], choice))


def _dnat(target: Target) -> Effect | None:
    given = _given(target)
    text = given.get("--to-destination") or given.get("--to")
    choice = _choice(given)
    if text is None:
        raise Refused("FW001", "DNAT needs --to-destination")
    to, base = _address(text[0], target.family)
    if base is not None:
        choice = PortChoice.OFFSET if choice is PortChoice.DEFAULT else None
    return None if choice is None else ((), Dnat((to,), choice))


def _to_ports(target: Target) -> tuple[tuple[int, int] | None, PortChoice] | None:
    given = _given(target)
    choice = _choice(given)
    text = given.get("--to-ports") or given.get("--to-port")
    ports = _ports(text[0]) if text is not None else None
    if text is not None and ports is None:
        raise Refused("FW001", f"{text[0]!r} is no port or range of ports")
    return None if choice is None else (ports, choice)


def _masquerade(target: Target) -> Effect | None:
    found = _to_ports(target)
    return None if found is None else ((), Masquerade(*found))


def _redirect(target: Target) -> Effect | None:
    found = _to_ports(target)
    return None if found is None else ((), Redirect(*found))


def _netmap(target: Target) -> Effect | None:
    given = _given(target).get("--to")
    run = prefix(given[0], target.family) if given is not None else None
    if run is None:
        return None
    outward = target.chain in ("POSTROUTING", "INPUT")
    if target.chain not in ("POSTROUTING", "INPUT", "PREROUTING", "OUTPUT"):
        return None
    length = target.family.bits - (run[1] - run[0]).bit_length()
    return (), Netmap(Field.SADDR if outward else Field.DADDR, target.family, run[0], length)


# ----- changes ---------------------------------------------------------------


def _mark_change(name: str, text: str) -> tuple[int, int]:
    """(value, mask) of `(old & ~mask) ^ value`."""
    if name in ("--and-mark", "--or-mark", "--xor-mark"):
        bits = number(text)
        if bits is None or bits > 0xFFFFFFFF:
            raise Refused("FW001", f"{text!r} is no mark")
        if name == "--and-mark":
            return 0, bits ^ 0xFFFFFFFF
        return (bits, bits) if name == "--or-mark" else (bits, 0)
    found = value_and_mask(text)
    if found is None:
        raise Refused("FW001", f"{text!r} is no mark")
    value, mask = found
    return (value, value | mask) if name == "--set-mark" else (value, mask)


def _mark(target: Target) -> Effect | None:
    if len(target.options) != 1:
        return None
    name, words, _ = target.options[0]
    value, mask = _mark_change(name, words[0])
    field = Field.MARK if target.name == "MARK" else Field.CT_MARK
    return (SetField(field, value, mask),), CONTINUE


def _connmark(target: Target) -> Effect | None:
    given = _given(target)
    if "--save-mark" not in given and "--restore-mark" not in given:
        return _mark(target)
    both = given.get("--mask", ("0xffffffff",))[0]
    packet, connection = number(given.get("--nfmask", (both,))[0]), number(given.get("--ctmask", (both,))[0])
    if packet is None or packet != connection:
        return None
    return (CopyMark("save" if "--save-mark" in given else "restore", packet),), CONTINUE


def _tcpmss(target: Target) -> Effect | None:
    given = _given(target)
    if "--clamp-mss-to-pmtu" in given:
        return (ClampMss(),), CONTINUE
    size = number(given.get("--set-mss", ("",))[0])
    if size is None or size > 65535:
        raise Refused("FW001", "TCPMSS needs --clamp-mss-to-pmtu or --set-mss")
    return (ClampMss(size, None) if target.family is Family.V4 else ClampMss(None, size),), CONTINUE


def _dscp(target: Target) -> Effect | None:
    given = _given(target)
    value = number(given["--set-dscp"][0]) if "--set-dscp" in given else None
    if "--set-dscp-class" in given:
        value = DSCP_CLASSES.get(given["--set-dscp-class"][0].upper())
    if value is None or value > 63:
        raise Refused("FW001", "DSCP needs --set-dscp with a value up to 63")
    return (SetField(Field.DSCP, value),), CONTINUE


def _tos(target: Target) -> Effect | None:
    """The traffic class under a mask: the DSCP whole, and the two bits of congestion notification kept as text."""
    given = _given(target)
    found = traffic_class(given["--set-tos"][0]) if given.keys() == {"--set-tos"} else None
    if found is None or found[1] not in (0xFC, 0xFF) or found[0] & ~found[1]:
        return None
    value, mask = found
    actions: list[Action] = [SetField(Field.DSCP, value >> 2)]
    if mask & 3:
        actions.append(OpaqueAction("iptables", f"-j TOS --set-tos 0x{value & 3}/0x3", "TOS"))
    return tuple(actions), CONTINUE


def _ttl(target: Target) -> Effect | None:
    given = _given(target)
    text = given.get("--ttl-set") or given.get("--hl-set")
    value = number(text[0]) if text is not None else None
    return None if value is None else ((SetField(Field.TTL, value),), CONTINUE)


def _classify(target: Target) -> Effect | None:
    major, _, minor = _given(target).get("--set-class", ("",))[0].partition(":")
    try:
        value = int(major, 16) << 16 | int(minor, 16)
    except ValueError:
        raise Refused("FW001", "CLASSIFY needs --set-class MAJOR:MINOR in hexadecimal") from None
    return (SetPriority(value),), CONTINUE


def _ct(target: Target) -> Effect | None:
    given = _given(target)
    if target.name == "NOTRACK" or given.keys() == {"--notrack"}:
        return (NoTrack(),), CONTINUE
    if given.keys() == {"--helper"}:
        return (AssignHelper(given["--helper"][0]),), CONTINUE
    for option, direction in (("--zone", ""), ("--zone-orig", "original"), ("--zone-reply", "reply")):
        zone = number(given[option][0]) if given.keys() == {option} else None
        if zone is not None and zone < 1 << 16:
            return (SetZone(zone, direction),), CONTINUE
    return None


def _set(target: Target) -> Effect | None:
    given = _given(target)
    if (
        not given.keys() <= {"--add-set", "--del-set", "--timeout", "--exist"}
        or len(given.keys() & {"--add-set", "--del-set"}) != 1
    ):
        return None
    delete = "--del-set" in given
    name, directions = given["--del-set" if delete else "--add-set"]
    known = target.sets.fields(name, directions) if target.sets is not None else None
    fields = known or set_fields(directions)
    name = target.sets.name(name) if target.sets is not None else name
    timeout = number(given["--timeout"][0]) if "--timeout" in given else None
    if fields is None:
        return None
    return (AddToSet(name, fields, timeout, "--exist" in given or delete, delete),), CONTINUE


_ROWS: dict[str, Callable[[Target], Effect | None]] = {
    "ACCEPT": lambda _: ((), ACCEPT),
    "DROP": lambda _: ((), DROP),
    "RETURN": lambda _: ((), RETURN),
    "REJECT": _reject,
    "LOG": _log,
    "NFLOG": _nflog,
    "TEE": _tee,
    "SNAT": _snat,
    "DNAT": _dnat,
    "MASQUERADE": _masquerade,
    "REDIRECT": _redirect,
    "NETMAP": _netmap,
    "MARK": _mark,
    "CONNMARK": _connmark,
    "TCPMSS": _tcpmss,
    "DSCP": _dscp,
    "TOS": _tos,
    "TTL": _ttl,
    "HL": _ttl,
    "CLASSIFY": _classify,
    "CT": _ct,
    "NOTRACK": _ct,
    "SET": _set,
}
