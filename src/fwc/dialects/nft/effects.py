"""Actions and verdicts as nft statements."""

from __future__ import annotations

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.dialects.nft.conditions import Scope, key_of, selector
from fwc.dialects.nft.mark_copies import partial
from fwc.dialects.nft.names import Refused, duration, log_prefix, string
from fwc.dialects.nft.rates import limit_statement
from fwc.ir.match import Field, Values
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
    NatTarget,
    Netmap,
    NoTrack,
    OpaqueAction,
    OpaqueVerdict,
    PortChoice,
    Redirect,
    Reject,
    RejectKind,
    Return,
    SetField,
    SetPriority,
    SetZone,
    Snat,
    Tag,
    Verdict,
    Via,
)
from fwc.net.addresses import AddressSet, format_address, format_run
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet

# ----- actions ---------------------------------------------------------------


def _flags(log: Log) -> str:
    """`flags tcp sequence,options flags skuid`, as nft prints it."""
    tcp = ",".join(f.removeprefix("tcp ") for f in log.flags if f.startswith("tcp "))
    words_ = [f"flags tcp {tcp}"] if tcp else []
    return " ".join([*words_, *(f"flags {f}" for f in log.flags if not f.startswith("tcp "))])


def log_statements(log: Log) -> list[t.Statement]:
    """The log statement, after its own limit if it has one."""
    out: list[t.Statement] = [limit_statement(log.rate)] if log.rate is not None else []
    prefix = log_prefix(log.prefix) if log.prefix else None
    if log.nflog_group is not None:
        size = f"snaplen {log.size}" if log.size is not None else ""
        gather = f"queue-threshold {log.threshold}" if log.threshold else ""
        out.append(t.LogTo(prefix, group=log.nflog_group, options=f"{size} {gather}".strip()))
        return out
    level = {"warning": "warn", "error": "err", "panic": "emerg"}.get(log.level, log.level)
    if level and level not in words.LOG_LEVELS:
        raise Refused(f"the log level `{level}`", f"one of {', '.join(words.LOG_LEVELS)}")
    out.append(t.LogTo(prefix, level, options=_flags(log)))
    return out


def action_statements(scope: Scope, action: Action, family: Family, protocols: IntervalSet | None) -> list[t.Statement]:
    match action:
        case Log():
            return log_statements(action)
        case Count():
            return [t.Counter(scope.counter(action.name) if action.name else "")]
        case SetField():
            return [_set_field(action, family)]
        case SetPriority():
            return [t.Assign(t.Selector("meta priority"), t.Word(f"{action.value >> 16:x}:{action.value & 0xFFFF:x}"))]
        case CopyMark():
            return [_copy_mark(scope, action)]
        case ClampMss():
            size = action.size4 if family is Family.V4 else action.size6
            right = "rt mtu" if size is None else str(size)
            return [t.Assign(t.Selector("tcp option maxseg size"), t.Word(right))]
        case NoTrack():
            return [t.NoTracking()]
        case SetZone(zone, direction):
            return [t.Assign(t.Selector(f"ct {direction} zone" if direction else "ct zone"), t.Word(str(zone)))]
        case AssignHelper():
            return [t.Assign(t.Selector("ct helper"), t.Quoted(_helper(scope, action, protocols)))]
        case AddToSet():
            name = scope.set_name(action.set, action.fields, family)
            verb = "delete" if action.delete else "update" if action.refresh else "add"
            timeout = duration(action.timeout) if action.timeout is not None and not action.delete else ""
            return [t.Update(verb, name, key_of(action.fields, family), timeout)]
        case Duplicate():
            return [_duplicate(scope, action)]
        case OpaqueAction() if action.dialect == "nft":
            return [t.Foreign(action.text, action.kind)]
        case OpaqueAction():
            raise Refused(f"the {action.dialect} target `{action.text[:60]}`")
        case Tag():
            raise Refused("tags", "tags are pf's; use a mark")
        case Via():
            raise Refused(
                f"`{action.kind}`", "it chooses a route, which nftables leaves to the routing tables; use a mark"
            )


def _duplicate(scope: Scope, action: Duplicate) -> t.Statement:
    if scope.families != (action.family,):
        raise Refused("a copy of a packet in a table of both families", "use a table of family ip or ip6")
    device = f' device "{string(action.oif, "the interface")}"' if action.oif else ""
    return t.Foreign(f"dup to {format_address(action.family, action.gateway)}{device}", "dup")


def _helper(scope: Scope, action: AssignHelper, protocols: IntervalSet | None) -> str:
    chosen = action.protocol
    if not chosen:
        known = [w for w, n in (("tcp", 6), ("udp", 17)) if protocols == IntervalSet.of(n)]
        if not known:
            raise Refused("a helper for both tcp and udp in one rule", "write one `helper` statement for each")
        chosen = known[0]
    return scope.helper(string(action.name, "the helper"), chosen)


def _set_field(action: SetField, family: Family) -> t.Statement:
    field, value = action.field, action.value
    if field in (Field.MARK, Field.CT_MARK):
        left = t.Selector("meta mark" if field is Field.MARK else "ct mark")
        if action.mask == 0xFFFFFFFF:
            return t.Assign(left, t.Word(f"0x{value:08x}"))
        right: t.Expr = left
        keep = ~action.mask & 0xFFFFFFFF
        if keep != 0xFFFFFFFF:
            right = t.Operation("&", right, t.Word(f"0x{keep:08x}"))
        # bits that the mask clears are zero, so | and ^ say the same where the value stays inside the mask
        if value:
            right = t.Operation("^" if value & keep else "|", right, t.Word(f"0x{value:08x}"))
        return t.Assign(left, right)
    if field in (Field.DSCP, Field.TTL):
        return t.Assign(selector(field, family), t.Word(f"0x{value:02x}" if field is Field.DSCP else str(value)))
    raise Refused(f"setting `{field.value}`")


def _copy_mark(scope: Scope, action: CopyMark) -> t.Statement:
    if partial(action):
        return t.Final("jump", scope.mark_copy(action))
    source, target = ("meta mark", "ct mark") if action.direction == "save" else ("ct mark", "meta mark")
    return t.Assign(t.Selector(target), t.Selector(source))


# ----- verdicts --------------------------------------------------------------

Tails = list[list[t.Statement]]
"""The endings of a rule: one for each rule that the verdict takes, the last without a condition of its own."""


def verdict_tails(
    scope: Scope, verdict: Verdict, family: Family, fields: dict[Field, Values], protocols: IntervalSet | None
) -> Tails:
    match verdict:
        case Continue():
            return [[]]
        case Accept():
            return [[t.Final("accept")]]
        case Drop():
            return [[t.Final("drop")]]
        case Return():
            return [[t.Final("return")]]
        case Jump():
            return [[t.Final("jump", scope.chain(verdict.chain))]]
        case Goto():
            return [[t.Final("goto", scope.chain(verdict.chain))]]
        case Reject():
            return _reject(verdict.kind, family, protocols, len(scope.families) > 1)
        case Snat() | Dnat() | Masquerade() | Redirect() | Netmap():
            return [[_nat(scope, verdict, family, fields, protocols)]]
        case OpaqueVerdict() if verdict.dialect == "nft":
            return [[t.Foreign(verdict.text, verdict.kind)]]
        case OpaqueVerdict():
            raise Refused(f"the {verdict.dialect} target `{verdict.text[:60]}`")
        case _:
            raise Refused("a verdict map inside another verdict")


_TCP = IntervalSet.of(6)


def _reject(kind: RejectKind, family: Family, protocols: IntervalSet | None, both: bool) -> Tails:
    """`both`: the table has both families; in another nft refuses `icmpx`."""
    if kind in (RejectKind.DEFAULT, RejectKind.TCP_RESET):
        only_tcp = protocols == _TCP
        reset: list[t.Statement] = [t.RejectWith("tcp reset")]
        if only_tcp:
            return [reset]
        if kind is RejectKind.TCP_RESET:
            raise Refused(
                "a TCP reset for a packet that may not be TCP", "limit the rule to tcp, or drop `with`", "FW006"
            )
        if protocols is not None and 6 not in protocols:
            return [[t.RejectWith()]]
        return [[t.Compare(t.Selector("meta l4proto"), "", t.Word("tcp")), *reset], [t.RejectWith()]]
    if kind is RejectKind.PORT_UNREACHABLE:
        return [[t.RejectWith()]]
    if both and kind in words.ICMPX and kind not in (RejectKind.NET_UNREACHABLE, RejectKind.ADDRESS_UNREACHABLE):
        return [[t.RejectWith(f"icmpx {words.ICMPX[kind]}")]]
    code = words.REJECTS[kind][0 if family is Family.V4 else 1]
    return [[t.RejectWith(f"{'icmp' if family is Family.V4 else 'icmpv6'} {code}")]]


# ----- translation -----------------------------------------------------------


def _nat(
    scope: Scope,
    verdict: Snat | Dnat | Masquerade | Redirect | Netmap,
    family: Family,
    fields: dict[Field, Values],
    protocols: IntervalSet | None,
) -> t.Statement:
    if isinstance(verdict, Netmap):
        return _netmap(verdict, family, fields)
    word = "ip" if family is Family.V4 else "ip6"
    flags = {PortChoice.RANDOM: ("random",), PortChoice.PERSISTENT: ("persistent",)}.get(verdict.choice, ())
    if isinstance(verdict, Masquerade | Redirect):
        kind = "masquerade" if isinstance(verdict, Masquerade) else "redirect"
        port = _ports(scope, verdict.ports, verdict.choice, fields)
        _needs_protocol(port, protocols)
        return t.Nat(kind, port=port, flags=flags)
    targets = verdict.targets if isinstance(verdict, Dnat) else (verdict.target,)
    kind = "dnat" if isinstance(verdict, Dnat) else "snat"
    if any(x.family is not None and x.family is not family for x in targets):
        raise Refused("a translation between IPv4 and IPv6")
    if len(targets) > 1:
        return _balanced(scope, kind, word, targets, family, flags, protocols)
    port = _ports(scope, targets[0].ports, verdict.choice, fields)
    _needs_protocol(port, protocols)
    address = _address(targets[0], family)
    # nft takes a family word only before an address: `snat to :1024-65535`
    return t.Nat(kind, word if address is not None else "", address=address, port=port, flags=flags)


def _needs_protocol(port: t.Expr | None, protocols: IntervalSet | None) -> None:
    if port is not None and (protocols is None or not protocols <= IntervalSet.of(6, 17, 33, 132, 136)):
        raise Refused("a translation of ports without a protocol that has ports", "name the protocol", "FW025")


def _address(target: NatTarget, family: Family) -> t.Expr | None:
    if target.family is None:
        return None
    low, high = format_address(family, target.low), format_address(family, target.high)
    return t.Word(low if low == high else f"{low}-{high}")


def _port_text(ports: tuple[int, int]) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def _ports(
    scope: Scope, ports: tuple[int, int] | None, choice: PortChoice, fields: dict[Field, Values]
) -> t.Expr | None:
    if ports is None:
        return None
    if choice is not PortChoice.OFFSET or ports[0] == ports[1]:
        return t.Word(_port_text(ports))
    # nft 1.0.6 cannot say "the port at the same offset", so the map spells every port out
    original = fields.get(Field.DPORT)
    if not isinstance(original, IntervalSet) or len(original.runs) != 1:
        raise Refused("a range of ports that keeps offsets without one range of original ports")
    low, high = original.runs[0]
    if high - low != ports[1] - ports[0]:
        raise Refused("port ranges of different size that keep offsets")
    rows = tuple(t.Element(t.Word(str(p)), t.Word(str(p - low + ports[0]))) for p in range(low, high + 1))
    return t.Mapped(t.Selector("th dport"), scope.port_map(rows))


def _balanced(
    scope: Scope,
    kind: str,
    word: str,
    targets: tuple[NatTarget, ...],
    family: Family,
    flags: tuple[str, ...],
    protocols: IntervalSet | None,
) -> t.Statement:
    """One of several targets per connection, evenly."""
    if any(x.low != x.high or x.family is None for x in targets):
        raise Refused("several targets of which one is a range")
    ports = {x.ports for x in targets}
    key = t.Selector(f"numgen random mod {len(targets)}")
    if ports == {None}:
        rows = tuple(t.Element(t.Word(str(i)), t.Word(format_address(family, x.low))) for i, x in enumerate(targets))
        return t.Nat(kind, word, address=t.Mapped(key, t.SetOf(rows)), flags=flags)
    if any(x.ports is None or x.ports[0] != x.ports[1] for x in targets):
        raise Refused("several targets with ranges of ports")
    _needs_protocol(t.Word("0"), protocols)
    pairs = []
    for i, x in enumerate(targets):
        assert x.ports is not None
        data = t.Concat((t.Word(format_address(family, x.low)), t.Word(str(x.ports[0]))))
        pairs.append(t.Element(t.Word(str(i)), data))
    return t.Nat(kind, word, pair=True, address=t.Mapped(key, t.SetOf(tuple(pairs))), flags=flags)


def _netmap(verdict: Netmap, family: Family, fields: dict[Field, Values]) -> t.Statement:
    original = fields.get(verdict.field)
    runs = original.family(family).runs if isinstance(original, AddressSet) else ()
    size = 1 << (family.bits - verdict.length)
    if verdict.family is not family:
        raise Refused("a 1:1 map between IPv4 and IPv6")
    target = format_run(family, (verdict.low, verdict.low + size - 1))
    word = "ip" if family is Family.V4 else "ip6"
    kind = "snat" if verdict.field is Field.SADDR else "dnat"
    if len(runs) != 1 or runs[0][1] - runs[0][0] + 1 != size or runs[0][0] % size:
        return t.Nat(kind, word, prefix=True, address=t.Word(target))
    element = t.Element(t.Word(format_run(family, runs[0])), t.Word(target))
    key = t.Selector(f"{word} {'saddr' if kind == 'snat' else 'daddr'}")
    return t.Nat(kind, word, prefix=True, address=t.Mapped(key, t.SetOf((element,))))
