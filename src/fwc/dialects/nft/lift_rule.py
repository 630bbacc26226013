"""Rules of a tree as rules of the IR."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.dialects.nft.lift_match import SELECTORS, Conditions, family_of
from fwc.dialects.nft.lift_values import Unknown, address_run, number
from fwc.dialects.nft.printer import statement
from fwc.ir.match import (
    AllOf,
    Field,
    FieldIn,
    Match,
    Opaque,
    Per,
    Values,
    WithinConnections,
    WithinRate,
    all_of,
    family_is,
)
from fwc.ir.model import Rule
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
    Count,
    Dnat,
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
    SetField,
    SetPriority,
    SetZone,
    Snat,
    Verdict,
    VerdictMap,
)
from fwc.net.addresses import parse_address
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.source import Origin

_SIX_ONLY = (
    RejectKind.NO_ROUTE,
    RejectKind.ADDRESS_UNREACHABLE,
    RejectKind.POLICY_FAIL,
    RejectKind.REJECT_ROUTE,
)
_KINDS = {
    "tcp reset": RejectKind.TCP_RESET,
    "": RejectKind.PORT_UNREACHABLE,
    **{f"icmp {n}": k for k, (n, _) in words.REJECTS.items() if k not in _SIX_ONLY},
    "icmpv6 no-route": RejectKind.NO_ROUTE, "icmpv6 admin-prohibited": RejectKind.ADMIN_PROHIBITED,
    "icmpv6 addr-unreachable": RejectKind.ADDRESS_UNREACHABLE, "icmpv6 port-unreachable": RejectKind.PORT_UNREACHABLE,
    "icmpv6 policy-fail": RejectKind.POLICY_FAIL, "icmpv6 reject-route": RejectKind.REJECT_ROUTE,
    "icmpx port-unreachable": RejectKind.PORT_UNREACHABLE, "icmpx admin-prohibited": RejectKind.ADMIN_PROHIBITED,
    "icmpx no-route": RejectKind.NO_ROUTE, "icmpx host-unreachable": RejectKind.HOST_UNREACHABLE,
}  # fmt: skip
_BYTES = {"": 1, "bytes": 1, "kbytes": 1024, "mbytes": 1 << 20}
_DUPLICATE = re.compile(r'dup to ([0-9a-fA-F.:]+)(?: device "?([^\s"$@]+)"?)?')
_TERMINAL = frozenset(("queue", "fwd", "synproxy"))
_LIMIT_LINE = re.compile(r"rate (over )?(\d+)(?: (\w+))?\s*/\s*(\w+)(?: burst (\d+)(?: (\w+))?)?;?\Z")
_DURATION = re.compile(r"(\d+)([smhdw]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: str) -> int:
    """Seconds of `1h30m` or `90`; fractions of a second do not occur in nft."""
    return sum(int(n) * _SECONDS[u] for n, u in _DURATION.findall(text.replace("ms", "")))


class Rules:
    """Lifts the rules of one table. `sets` are the IR's names of its sets, `objects` its named limits and helpers."""

    def __init__(self, conditions: Conditions, names: dict[str, str], objects: dict[tuple[str, str], t.ObjectNode]):
        self.conditions = conditions
        self.names = names
        self.objects = objects
        self._verdicts: dict[t.Statement, Verdict] = {}

    def lift(self, node: t.RuleNode, origin: Origin) -> list[Rule]:
        """One rule; several when actions stand before later conditions."""
        parts: list[Match] = []
        actions: list[Action] = []
        verdict: Verdict = CONTINUE
        out: list[Rule] = []
        for each in node.statements:
            if isinstance(each, t.Compare):
                if actions:
                    out.append(Rule(all_of(*parts), tuple(actions), CONTINUE, "", node.comment, origin=origin))
                    actions = []
                parts.append(self.conditions.lift(each))
                continue
            handler = _LIFTERS[type(each)]
            found = handler(self, each)
            if isinstance(found, _MATCHES):
                if actions:
                    out.append(Rule(all_of(*parts), tuple(actions), CONTINUE, "", node.comment, origin=origin))
                    actions = []
                parts.append(found)
            elif isinstance(found, _ACTIONS):
                actions.append(found)
            else:
                extra: Sequence[Match]
                extra, verdict = found  # type: ignore[misc]
                parts.extend(extra)
        out.append(_canonical(Rule(all_of(*parts), tuple(actions), verdict, "", node.comment, origin=origin)))
        return out

    # ----- conditions with state ---------------------------------------------

    def limit(self, node: t.Limit) -> WithinRate:
        size = _BYTES.get(node.bytes, 1)
        unit = "bytes" if node.bytes else "packets"
        burst = 5 if node.burst is None else node.burst * _BYTES.get(node.burst_unit, 1)
        if node.burst is None and node.bytes:
            burst = 0
        return WithinRate(node.amount * size, words.UNITS[node.unit], burst, unit, over=node.over)

    def connections(self, node: t.ConnLimit) -> WithinConnections:
        return WithinConnections(node.count, over=node.over)

    def foreign(self, node: t.Foreign) -> object:
        if node.text.startswith("limit name "):
            name = node.text[len("limit name ") :].strip('"')
            known = self.objects.get(("limit", name))
            line = _LIMIT_LINE.match(" ".join(known.lines)) if known is not None else None
            if line is None or line[4] not in words.UNITS:
                return Opaque("nft", node.text, "limit")
            burst = int(line[5]) if line[5] else None
            found = self.limit(t.Limit(bool(line[1]), int(line[2]), line[3] or "", line[4], burst, line[6] or ""))
            return WithinRate(found.amount, found.seconds, found.burst, found.unit, name=name, over=found.over)
        if node.kind in ("quota", "limit", "meter") or node.text.startswith("flow table"):  # hold as their rate says
            return Opaque("nft", node.text, node.kind)
        if node.kind in ("queue", "fwd", "synproxy", "tproxy", "nat"):
            verdict = OpaqueVerdict("nft", node.text, node.kind, True if node.kind in _TERMINAL else None)
            return implied(node.text), verdict
        if node.kind == "dup":
            return self._duplicate(node)
        return OpaqueAction("nft", node.text, node.kind)

    def _duplicate(self, node: t.Foreign) -> Action:
        found = _DUPLICATE.fullmatch(node.text)
        gateway = parse_address(found[1]) if found is not None else None
        if found is None or gateway is None:
            return OpaqueAction("nft", node.text, node.kind)
        return Duplicate(gateway[0], gateway[1], found[2] or "")

    def update(self, node: t.Update) -> object:
        try:
            per, mask4, mask6, family = _meter_key(node.key)
        except Unknown:
            per = None
        if node.statements and per is not None and len(node.statements) == 1:
            state = node.statements[0]
            name = self.names.get(node.set, node.set)
            guard = family_is(family)
            if isinstance(state, t.Limit):
                r = self.limit(state)
                rate = WithinRate(r.amount, r.seconds, r.burst, r.unit, per, mask4, mask6, name, r.over)
                return all_of(guard, rate)
            if isinstance(state, t.ConnLimit):
                return all_of(guard, WithinConnections(state.count, per, mask4, mask6, name, state.over))
        if node.statements:
            if any(isinstance(s, t.Limit | t.ConnLimit | t.Foreign) for s in node.statements):
                return Opaque("nft", statement(node), "set")
            return OpaqueAction("nft", statement(node), "set")
        if node.data is not None:
            return OpaqueAction("nft", statement(node), "map")
        texts = tuple(
            p.text if isinstance(p, t.Selector) else ""
            for p in (node.key.parts if isinstance(node.key, t.Concat) else (node.key,))
        )
        fields = tuple(SELECTORS[x][0] for x in texts if x in SELECTORS)
        if len(fields) != len(texts):
            return OpaqueAction("nft", statement(node), "set")
        timeout = duration(node.timeout) if node.timeout else None
        name = self.names.get(node.set, node.set)
        return AddToSet(name, fields, timeout, node.verb != "add", node.verb == "delete")

    # ----- actions -----------------------------------------------------------

    def log(self, node: t.LogTo) -> Action:
        flags = _log_options(node)
        if flags is None:
            return OpaqueAction("nft", statement(node), "log")
        return Log(node.prefix or "", node.level, node.group, None, *flags)

    def counter(self, node: t.Counter) -> Action:
        return Count(node.name)

    def assign(self, node: t.Assign) -> object:
        left, right = node.left.text, node.right
        try:
            return self._assign(left, right)
        except Unknown:
            writes = (SELECTORS[left][0],) if left in SELECTORS else ()
            return OpaqueAction("nft", statement(node), left, writes)

    def _assign(self, left: str, right: t.Expr) -> Action:
        literals = self.conditions.literals
        if left in ("meta mark", "mark", "ct mark"):
            field = Field.CT_MARK if left == "ct mark" else Field.MARK
            other = "meta mark" if field is Field.CT_MARK else "ct mark"
            if isinstance(right, t.Selector) and right.text in (other, other.removeprefix("meta ")):
                return CopyMark("save" if field is Field.CT_MARK else "restore")
            keep, value = _bitwise(right, left, literals.text)
            return SetField(field, value, ~keep & 0xFFFFFFFF)
        if left == "tcp option maxseg size":
            if isinstance(right, t.Selector):
                if right.text == "rt mtu":
                    return ClampMss()
                raise Unknown(left)
            size = number(literals.text(right), {}, 16)
            return ClampMss(size, size)
        if left in ("ct zone", "ct original zone", "ct reply zone"):
            return SetZone(number(literals.text(right), {}, 16), left.removeprefix("ct").removesuffix("zone").strip())
        if left == "ct helper":
            name = literals.text(right)
            known = self.objects.get(("ct helper", name))
            match = re.match(r'type "?([\w.-]+)"? protocol (\w+)', " ".join(known.lines)) if known is not None else None
            if match is None:
                raise Unknown(left)
            return AssignHelper(match[1], match[2])
        if left in ("ip ttl", "ip6 hoplimit", "ip dscp", "ip6 dscp"):
            field = SELECTORS[left][0]
            values = literals.values(field, right)
            assert isinstance(values, IntervalSet)
            if values.size() != 1:
                raise Unknown(left)
            return SetField(field, values.runs[0][0])
        if left == "meta priority":
            major, colon, minor = literals.text(right).partition(":")
            if not colon:
                return SetPriority(number(major, {}, 32))
            return SetPriority(int(major or "0", 16) << 16 | int(minor or "0", 16))
        raise Unknown(left)

    # ----- verdicts ----------------------------------------------------------

    def final(self, node: t.Final) -> object:
        chain = node.chain
        if node.rules:
            return (), OpaqueVerdict("nft", statement(node), node.word)
        if isinstance(chain, t.Var):
            chain = self.conditions.literals.text(chain)
        if node.word == "jump":
            return (), Jump(str(chain))
        if node.word == "goto":
            return (), Goto(str(chain))
        return (), {"accept": ACCEPT, "drop": DROP, "return": RETURN}.get(node.word, CONTINUE)

    def reject(self, node: t.RejectWith) -> object:
        kind = _KINDS.get(node.kind)
        if kind is None:
            return (), OpaqueVerdict("nft", statement(node), "reject", True)
        return (), Reject(kind)

    def vmap(self, node: t.Vmap) -> object:
        if isinstance(node.source, t.SetOf):
            self.conditions.check(node)
        try:
            key = node.key
            if isinstance(key, t.Concat):
                texts = tuple(p.text if isinstance(p, t.Selector) else "" for p in key.parts)
            elif isinstance(key, t.Selector):
                texts = (key.text,)
            else:
                raise Unknown("")
            if len(texts) == 1 and texts[0] in ("icmp type", "icmpv6 type"):
                fields: tuple[Field, ...] = (SELECTORS[texts[0]][0],)
                guards: list[Match] = []
            else:
                fields = self.conditions.tuple_fields(texts)
                guards = self.conditions.tuple_guards(texts)
            entries = []
            for values, data in self.conditions.rows(fields, node.source, texts):
                if not isinstance(data, t.VerdictWord):
                    raise Unknown("")
                chain = data.chain
                if chain[:1] == "$":
                    chain = self.conditions.literals.text(t.Var(chain[1:]))
                verdict = self.final(t.Final(data.word, chain))[1]  # type: ignore[index]
                entries.append((values, verdict))
            return guards, VerdictMap(fields, tuple(entries), _set_name(node.source))
        except Unknown:
            return (), OpaqueVerdict("nft", statement(node), "vmap")

    def nat(self, node: t.Nat) -> object:
        try:
            return self._nat(node)
        except Unknown:
            text = statement(node)
            # what a map does not hold goes on to the next rule
            return implied(text), OpaqueVerdict("nft", text, "nat", None if " map " in f"{text} " else True)

    def _nat(self, node: t.Nat) -> tuple[tuple[Match, ...], Verdict]:
        choice = PortChoice.DEFAULT
        if node.flags:
            if len(node.flags) > 1 or node.flags[0] == "fully-random":
                raise Unknown("")
            choice = PortChoice.RANDOM if node.flags[0] == "random" else PortChoice.PERSISTENT
        if node.prefix:
            return self._netmap(node)
        ports = None
        if isinstance(node.port, t.Mapped):
            ports, choice = self._offset(node.port), PortChoice.OFFSET
        elif node.port is not None:
            ports = self._ports(node.port)
        if node.kind == "masquerade":
            return (), Masquerade(ports, choice)
        if node.kind == "redirect":
            return (), Redirect(ports, choice)
        if isinstance(node.address, t.Mapped) and not _is_random(node.address.key):
            return self._nat_map(node, node.address, ports, choice)
        if isinstance(node.address, t.Mapped):
            targets = self._balanced(node.address, node.pair, ports)
        elif node.address is None:
            targets = (NatTarget(None, 0, 0, ports),)
        else:
            targets = (self._target(node.address, ports),)
        guards = tuple(family_is(f) for f in {x.family for x in targets} if f is not None)
        if node.kind == "dnat":
            return guards, Dnat(targets, choice)
        if len(targets) != 1:
            raise Unknown("")
        return guards, Snat(targets[0], choice)

    def _nat_map(
        self, node: t.Nat, expr: t.Mapped, ports: tuple[int, int] | None, choice: PortChoice
    ) -> tuple[tuple[Match, ...], Verdict]:
        """A translation for each key; what the map does not hold goes on to the next rule."""
        parts = expr.key.parts if isinstance(expr.key, t.Concat) else (expr.key,)
        texts = tuple([part.text if isinstance(part, t.Selector) else "" for part in parts])
        fields = self.conditions.tuple_fields(texts)
        entries: list[tuple[tuple[Values, ...], Verdict]] = []
        families: set[Family | None] = set()
        for values, data in self.conditions.rows(fields, expr.source, texts):
            if data is None:
                raise Unknown("")
            if isinstance(data, t.Concat):
                if len(data.parts) != 2 or ports is not None:
                    raise Unknown("")
                target = self._target(data.parts[0], self._ports(data.parts[1]))
            else:
                target = self._target(data, ports)
            families.add(target.family)
            entries.append((values, Dnat((target,), choice) if node.kind == "dnat" else Snat(target, choice)))
        if len(families) != 1:
            raise Unknown("")
        guards = (*self.conditions.tuple_guards(texts), *(family_is(f) for f in families if f is not None))
        return tuple(dict.fromkeys(guards)), VerdictMap(fields, tuple(entries), _set_name(expr.source))

    def _target(self, expr: t.Expr, ports: tuple[int, int] | None) -> NatTarget:
        literals = self.conditions.literals
        if isinstance(expr, t.RangeOf):
            family, (low, _) = address_run(literals.text(expr.low))
            high = address_run(literals.text(expr.high))[1][1]
            return NatTarget(family, low, high, ports)
        family, (low, high) = address_run(literals.text(expr))
        return NatTarget(family, low, high, ports)

    def _ports(self, expr: t.Expr) -> tuple[int, int]:
        values = self.conditions.literals.values(Field.DPORT, expr)
        if not isinstance(values, IntervalSet) or len(values.runs) != 1:
            raise Unknown("")
        return values.runs[0]

    def _elements(self, source: t.Expr) -> tuple[t.Element, ...]:
        found = source.elements if isinstance(source, t.SetOf) else None
        if isinstance(source, t.Ref):
            found = self.conditions.literals.content(source.name)
        if not found:
            raise Unknown("")
        return found

    def _offset(self, expr: t.Mapped) -> tuple[int, int]:
        """A map of consecutive ports to consecutive ports."""
        rows = []
        for element in self._elements(expr.source):
            if element.data is None:
                raise Unknown("")
            low, high = self._ports(element.key), self._ports(element.data)
            if low[0] != low[1] or high[0] != high[1]:
                raise Unknown("")
            rows.append((low[0], high[0]))
        rows.sort()
        if any(b - a != rows[0][1] - rows[0][0] for a, b in rows) or rows[-1][0] - rows[0][0] != len(rows) - 1:
            raise Unknown("")
        return rows[0][1], rows[-1][1]

    def _balanced(self, expr: t.Mapped, pair: bool, ports: tuple[int, int] | None) -> tuple[NatTarget, ...]:
        key = expr.key
        if not isinstance(key, t.Selector) or not key.text.startswith("numgen random mod ") or "offset" in key.text:
            raise Unknown("")
        elements = self._elements(expr.source)
        out = []
        for index, element in enumerate(elements):
            if self.conditions.literals.text(element.key) != str(index) or element.data is None:
                raise Unknown("")
            data = element.data
            if isinstance(data, t.Concat) and pair and len(data.parts) == 2:
                out.append(self._target(data.parts[0], self._ports(data.parts[1])))
            else:
                out.append(self._target(data, ports))
        if len(out) != int(key.text.split()[3]):
            raise Unknown("")
        return tuple(out)

    def _netmap(self, node: t.Nat) -> tuple[tuple[Match, ...], Verdict]:
        """The network of the address is exchanged, whatever it was (nft_nat_setup_netmap() in nft_nat.c)."""
        expr = node.address
        if isinstance(expr, t.Word):
            family, run = address_run(self.conditions.literals.text(expr))
            size = run[1] - run[0] + 1
            if size & (size - 1) or run[0] & (size - 1):
                raise Unknown("")
            field = Field.SADDR if node.kind == "snat" else Field.DADDR
            return (family_is(family),), Netmap(field, family, run[0], family.bits - size.bit_length() + 1)
        if not isinstance(expr, t.Mapped) or not isinstance(expr.key, t.Selector):
            raise Unknown("")
        elements = self._elements(expr.source)
        if len(elements) != 1 or elements[0].data is None:
            raise Unknown("")
        field = SELECTORS[expr.key.text][0]
        family, run = address_run(self.conditions.literals.text(elements[0].key))
        other, target = address_run(self.conditions.literals.text(elements[0].data))
        size = run[1] - run[0] + 1
        if other is not family or target[1] - target[0] + 1 != size or size & (size - 1):
            raise Unknown("")
        guard = self.conditions.lift(t.Compare(expr.key, "", elements[0].key))
        return (guard,), Netmap(field, family, target[0], family.bits - size.bit_length() + 1)


def _is_random(key: t.Expr) -> bool:
    return isinstance(key, t.Selector) and key.text.startswith(("numgen ", "jhash ", "symhash "))


def _set_name(source: t.Expr) -> str:
    return source.name if isinstance(source, t.Ref) else ""


_GROUP_OPTION = re.compile(r"(?:\A| )(snaplen|queue-threshold) (\d+)(?=\Z| )")


def _log_options(node: t.LogTo) -> tuple[tuple[str, ...], int | None, int] | None:
    """Flags, and for a group how much of a packet is copied and how many are gathered; None when there is more."""
    if node.group is None:
        flags = _log_flags(node.options)
        return None if flags is None else (flags, None, 0)
    found = {name: int(value) for name, value in _GROUP_OPTION.findall(node.options)}
    if _GROUP_OPTION.sub("", node.options).strip():
        return None
    return (), found.get("snaplen"), found.get("queue-threshold", 0)


def _log_flags(options: str) -> tuple[str, ...] | None:
    """The flags of `flags tcp sequence,options flags skuid`; None when there are other options too."""
    words = options.replace(",", " ").split()
    found: set[str] = set()
    layer = ""
    for at, word in enumerate(words):
        if at == 0 and word != "flags":
            return None
        if word == "flags":
            layer = ""
        elif word == "all":
            found.update(LOG_FLAGS)
        elif word in ("tcp", "ip"):
            layer = word
        elif f"{layer} {word}".strip() in LOG_FLAGS:
            found.add(f"{layer} {word}".strip())
        else:
            return None
    return tuple(flag for flag in LOG_FLAGS if flag in found)


_MATCHES = (Opaque, WithinRate, WithinConnections, AllOf)
_ACTIONS = (
    Log, Count, SetField, SetPriority, CopyMark, ClampMss, NoTrack, SetZone, AssignHelper, AddToSet,
    Duplicate, OpaqueAction,
)  # fmt: skip
_LIFTERS: dict[type, Callable[..., object]] = {
    t.Limit: Rules.limit,
    t.ConnLimit: Rules.connections,
    t.Foreign: Rules.foreign,
    t.Update: Rules.update,
    t.LogTo: Rules.log,
    t.Counter: Rules.counter,
    t.Assign: Rules.assign,
    t.Final: Rules.final,
    t.RejectWith: Rules.reject,
    t.Vmap: Rules.vmap,
    t.Nat: Rules.nat,
    t.NoTracking: lambda rules, node: NoTrack(),
}


_PORTS = re.compile(r"\b(tcp|udp|udplite|sctp|dccp) [sd]port\b")
_FAMILIES = re.compile(r"^tproxy (ip6?)\b|\b(ip6?) [sd]addr\b")


def implied(text: str) -> tuple[Match, ...]:
    """What nft lets a statement depend on without its being written: the protocol and the family of the fields that it reads
    (nft --debug=netlink shows the comparisons)."""
    out: list[Match] = []
    families = {a or b for a, b in _FAMILIES.findall(text)}
    if len(families) == 1:
        out.append(family_is(Family.V4 if families == {"ip"} else Family.V6))
    protocols = set(_PORTS.findall(text))
    if len(protocols) == 1:
        number = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136}[protocols.pop()]
        out.append(FieldIn(Field.PROTOCOL, IntervalSet.of(number)))
    return tuple(out)


def _canonical(rule: Rule) -> Rule:
    """A rule that only logs, within a rate of its own, is a log with that rate: the rate then decides nothing else."""
    if rule.verdict != CONTINUE or len(rule.actions) != 1:
        return rule
    log = rule.actions[0]
    parts = rule.match.parts if isinstance(rule.match, AllOf) else (rule.match,)
    rate = parts[-1]
    if not isinstance(log, Log) or not isinstance(rate, WithinRate) or rate.per is not Per.ALL:
        return rule
    limited = dataclasses.replace(log, rate=rate)
    return Rule(all_of(*parts[:-1]), (limited,), CONTINUE, rule.label, rule.comment, rule.role, rule.origin)


def _meter_key(key: t.Expr) -> tuple[Per, int, int, Family]:
    """Side and prefix length of a meter's key; an unmasked family keeps its full length for the other."""
    field, mask = key, None
    if isinstance(key, t.Operation) and key.op == "&":
        field, mask = key.left, key.right
    if not isinstance(field, t.Selector) or field.text not in ("ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr"):
        raise Unknown("")
    family = family_of(field.text)
    assert family is not None
    per = Per.SOURCE if field.text.endswith("saddr") else Per.DESTINATION
    length = family.bits
    if mask is not None:
        parsed = parse_address(mask.text) if isinstance(mask, t.Word) else None
        if parsed is None or parsed[0] is not family:
            raise Unknown("")
        inverse = parsed[1] ^ ((1 << family.bits) - 1)
        if inverse & (inverse + 1):
            raise Unknown("")
        length = family.bits - inverse.bit_length()
    return per, length if family is Family.V4 else 32, length if family is Family.V6 else 128, family


def _bitwise(expr: t.Expr, field: str, text: Callable[[t.Expr], str]) -> tuple[int, int]:
    """`expr` as (keep, value): the new field is (old & keep) ^ value."""
    if isinstance(expr, t.Selector) and expr.text in (field, field.removeprefix("meta ")):
        return 0xFFFFFFFF, 0
    if isinstance(expr, t.Operation) and expr.op in ("&", "|", "^"):
        keep, value = _bitwise(expr.left, field, text)
        _, constant = _bitwise(expr.right, "", text)
        if _ != 0:
            raise Unknown("")
        if expr.op == "&":
            return keep & constant, value & constant
        if expr.op == "^":
            return keep, value ^ constant
        return keep & ~constant & 0xFFFFFFFF, value & ~constant & 0xFFFFFFFF | constant
    return 0, number(text(expr), {}, 32)
