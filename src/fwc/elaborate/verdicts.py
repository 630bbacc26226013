"""What rules do: log lines, counters, set updates, verdicts; and rates and limits with their chains."""

from __future__ import annotations

from fwc.elaborate.builder import Builder, Parts
from fwc.elaborate.conditions import DEFAULT_BURST, per_of
from fwc.elaborate.lookup import runtime_set
from fwc.elaborate.options import Options
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import LIMIT, REJECT_KIND
from fwc.elaborate.traffic_forms import Flows, only_tcp
from fwc.ir.match import ALWAYS, AllOf, AnyOf, Field, FieldIn, Match, Per, WithinConnections, WithinRate, all_of
from fwc.ir.model import Chain, Role, Rule
from fwc.ir.verdict import ACCEPT, DROP, Accept, Action, AddToSet, Count, Goto, Log, Reject, RejectKind, Verdict
from fwc.lang import ast
from fwc.net.addresses import AddressSet, prefix_run
from fwc.net.intervals import IntervalSet
from fwc.source import Origin

MULTICAST = AddressSet(
    IntervalSet((prefix_run(224 << 24, 4, 32), (0xFFFFFFFF, 0xFFFFFFFF))),
    IntervalSet((prefix_run(0xFF << 120, 8, 128),)),
)
"""Destinations that nobody answers for: RFC 1122 3.2.2 forbids errors about them, so D14 drops instead of rejecting. TCP has
no such destinations (RFC 1122 4.2.3.10), so rules for TCP alone need no drop. The kernel itself stays silent about directed
broadcasts (icmp_send in net/ipv4/icmp.c)."""


def log_action(builder: Builder, option: ast.LogOption | None, label: str, hook: str, line: int) -> tuple[Log, ...]:
    """D13: the prefix is what is written, else the label, else hook and line; with `log verbatim on` what is written and nothing
    else. The settings' rate unless one is given."""
    if option is None:
        return ()
    defaults = builder.program.log
    if defaults.verbatim:
        prefix = defaults.prefix + (option.prefix.value if option.prefix is not None else "")
    else:
        prefix = defaults.prefix + (option.prefix.value if option.prefix is not None else label or f"{hook}-{line}")
        prefix = prefix if prefix.endswith(": ") else prefix.rstrip(" :") + ": "
    rate = None
    if isinstance(option.rate, ast.Rate):
        burst = option.burst.value if isinstance(option.burst, ast.Number) else DEFAULT_BURST
        rate = WithinRate(option.rate.amount, option.rate.seconds, burst, option.rate.unit)
    elif defaults.amount is not None:
        rate = WithinRate(defaults.amount, defaults.seconds, defaults.burst)
    level = option.level.text if option.level is not None else defaults.level
    return (Log(prefix, level, None if option.nflog is None else option.nflog.value, rate),)


def add_action(builder: Builder, part: ast.AddPart) -> AddToSet | None:
    """`add source to @set`; None after an error."""
    found = runtime_set(builder.program, part.set, builder.out)
    if found is None:
        return None
    builder.used_sets[found.name] = None
    field = Field.SADDR if part.side == "source" else Field.DADDR
    # kernels count timeouts in whole seconds here; a shorter one is rounded up so that the element exists at all
    timeout = None if part.timeout is None else max(1, -(-part.timeout.milliseconds // 1000))
    return AddToSet(found.name, (field,), timeout)


def actions(builder: Builder, options: Options, hook: str, line: int) -> tuple[Action, ...]:
    """Log, count and set updates of a statement, in that order."""
    if options.log is None and options.count is None and not options.adds:
        return ()
    found: list[Action] = list(log_action(builder, options.log, options.label, hook, line))
    if options.count is not None:
        found.append(Count(options.count.name.text if options.count.name is not None else ""))
    for add in options.adds:
        action = add_action(builder, add.add)
        if action is not None:
            found.append(action)
    return tuple(found)


def reject_of(builder: Builder, option: ast.WithOption | None, flows: Flows) -> Reject:
    """How `reject` answers: `with`, else the settings. A RST answers TCP only."""
    if option is None:
        word = builder.program.reject_with
        if word in ("", "default", "tcp-reset"):
            return Reject()
        return Reject(RejectKind(word)) if word in _KINDS else Reject()
    word = option.kind.text
    if word not in _KINDS or word == "default":
        builder.out.append(
            mistake(
                REJECT_KIND,
                f"`{word}` is no way to reject",
                option.kind.span,
                help="write " + ", ".join(sorted(_KINDS - {"default"})) + ", or leave `with` out",
            )
        )
        return Reject()
    kind = RejectKind(word)
    if kind is RejectKind.TCP_RESET and not only_tcp(flows):
        builder.out.append(
            mistake(
                REJECT_KIND,
                "a TCP reset answers TCP only, and this rejects other traffic too",
                option.span,
                help="write `tcp ...` as the traffic, or leave `with` out: then TCP gets a reset, the rest an ICMP error",
            )
        )
    return Reject(kind)


_KINDS = frozenset(k.value for k in RejectKind)


def may_be_multicast(match: Match) -> bool:
    """Can a packet that matches have a destination of `MULTICAST`; judged by the destination conditions alone."""
    match match:
        case FieldIn(Field.DADDR, AddressSet() as values):
            return bool(values & MULTICAST)
        case AllOf(parts):
            return all(may_be_multicast(part) for part in parts)
        case AnyOf(parts):
            return any(may_be_multicast(part) for part in parts)
        case _:
            return True


def silent_part(match: Match, narrow: Match = ALWAYS) -> Match:
    """The part of a rejected match that is dropped in silence (D14)."""
    return all_of(match, narrow, FieldIn(Field.DADDR, MULTICAST))


def verdict_of(word: str, reject: Reject) -> Verdict:
    return ACCEPT if word == "allow" else DROP if word == "deny" else reject


# ----- limits -----------------------------------------------------------------


def limit_chain(builder: Builder, parts: Parts, name: str, role: Role = Role.USER) -> str:
    """The chain that decides what of an allowed match is within its limits. The positive form fails closed: what cannot be
    counted, because the measuring set is full, is not within the limit. Several limits are nested chains."""
    options = parts.options
    origin = parts.placed.origin
    names = [builder.unique(name) for _ in options.limits]
    for at, option in enumerate(options.limits):
        rest: Verdict = Goto(names[at + 1]) if at + 1 < len(names) else ACCEPT
        per, mask4, mask6 = per_of(option.per, builder.out)
        bucket = names[at] if per is not Per.ALL else ""
        within: Match
        if isinstance(option, ast.LimitOption):
            within = _rate(builder, option, per, mask4, mask6, bucket)
        else:
            count = option.count.value if isinstance(option.count, ast.Number) else 0
            if count < 1:
                builder.out.append(
                    mistake(
                        LIMIT, "at most 0 connections allow nothing", option.span, help="write `deny`, or at least 1"
                    )
                )
            within = WithinConnections(count, per, mask4, mask6, bucket)
        label = options.label if isinstance(rest, Accept) else ""
        comment = options.comment if isinstance(rest, Accept) else ""
        rules = [Rule(within, (), rest, label, comment, role, origin)]
        rules += _excess(builder, option.otherwise, parts, role, origin)
        builder.made[names[at]] = Chain(names[at], tuple(rules), origin=origin)
    return names[0]


def _rate(builder: Builder, option: ast.LimitOption, per: Per, mask4: int, mask6: int, bucket: str) -> WithinRate:
    rate = option.rate
    amount, seconds, unit = (rate.amount, rate.seconds, rate.unit) if isinstance(rate, ast.Rate) else (0, 1, "packets")
    if amount < 1:
        builder.out.append(
            mistake(LIMIT, "a rate of 0 allows nothing", option.span, help="write `deny`, or at least 1")
        )
    if isinstance(option.burst, ast.Number):
        burst = option.burst.value
    else:
        burst = DEFAULT_BURST if unit == "packets" else max(amount // max(seconds, 1), 1)
    return WithinRate(amount, seconds, burst, unit, per, mask4, mask6, bucket)


def _excess(builder: Builder, part: ast.ElsePart | None, parts: Parts, role: Role, origin: Origin) -> list[Rule]:
    """What happens to packets over the limit: refused here, silently unless `else` says otherwise."""
    if part is None:
        return [Rule(ALWAYS, (), DROP, role=role, origin=origin)]
    added: tuple[Action, ...] = ()
    if part.add is not None:
        action = add_action(builder, part.add)
        added = (action,) if action is not None else ()
    verdict = verdict_of(part.verdict, reject_of(builder, parts.options.reject_kind, parts.flows))
    rules = []
    if isinstance(verdict, Reject):
        rules.append(Rule(FieldIn(Field.DADDR, MULTICAST), added, DROP, role=role, origin=origin))
    rules.append(Rule(ALWAYS, added, verdict, role=role, origin=origin))
    return rules
