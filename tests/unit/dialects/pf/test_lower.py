"""What the pf back end writes and what it refuses."""

from __future__ import annotations

import dataclasses

import pytest

from fwc.dialects.base import Lossy, LowerOptions
from fwc.dialects.pf import dialect
from fwc.dialects.pf.capabilities import BY_FEATURE
from fwc.dialects.pf.lower import lower
from fwc.dialects.pf.parse import accepts
from fwc.dialects.pf.printer import to_text
from fwc.ir.match import (
    ALWAYS,
    Field,
    FieldIn,
    Match,
    Owner,
    Per,
    ReversePathFails,
    SetRef,
    TimeWindow,
    WithinConnections,
    WithinRate,
    all_of,
)
from fwc.ir.model import Base, Chain, NamedSet, NativeText, Role, Rule, Ruleset, Settings, Table
from fwc.ir.verdict import (
    ACCEPT,
    CONTINUE,
    DROP,
    AddToSet,
    ClampMss,
    Goto,
    Log,
    NatTarget,
    Netmap,
    Redirect,
    Reject,
    RejectKind,
    SetField,
    Snat,
)
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import Origin, SourceFile, Span

SOURCE = SourceFile("policy.fw", "allow something\n")
HERE = Origin((Span(SOURCE, 0, 15),))
TCP = FieldIn(Field.PROTOCOL, IntervalSet.of(6))
SSH = all_of(TCP, FieldIn(Field.DPORT, IntervalSet.of(22)))


def rule(match: Match = ALWAYS, verdict=ACCEPT, *actions, **more) -> Rule:
    return Rule(match, actions, verdict, origin=HERE, **more)


def compiled(*rules: Rule, hook: Hook = Hook.INPUT, type_: ChainType = ChainType.FILTER, priority: int = 0, **more):
    """Text and diagnostics of a ruleset with one chain."""
    options = more.pop("options", LowerOptions())
    users = more.pop("users", ())
    sets = more.pop("sets", ())
    base = Base(hook, type_, priority, DROP if type_ is ChainType.FILTER and priority == 0 else ACCEPT)
    chain = Chain(str(hook), rules, base)
    settings = Settings("pf", "macos", keep_apple=False)
    ruleset = Ruleset((Table("fwc", chains=(chain, *users), sets=sets),), settings=settings)
    tree, found = lower(dataclasses.replace(ruleset, **more), options)
    text = to_text(tree) if tree is not None else None
    assert text is None or accepts(text), text
    return text, found


REFUSED = {
    "mac": rule(all_of(FieldIn(Field.SMAC, IntervalSet.of(1)))),
    "ttl": rule(FieldIn(Field.TTL, IntervalSet.of(255))),
    "dscp": rule(FieldIn(Field.DSCP, IntervalSet.of(46))),
    "length": rule(FieldIn(Field.LENGTH, IntervalSet.range(0, 100))),
    "mark": rule(FieldIn(Field.MARK, IntervalSet.of(1))),
    "time": rule(TimeWindow(3600, 7200)),
    "interface wildcards": rule(FieldIn(Field.IIF, IfaceSet.of(["utun*"]))),
    "limit": rule(all_of(SSH, WithinRate(5, 1, 5))),
    "user": rule(Owner("user", ("nobody",)), DROP),
    "state": rule(FieldIn(Field.CT_STATE, IntervalSet.of(1)), DROP),
    "ports of other protocols": rule(FieldIn(Field.SPORT, IntervalSet.of(19)), DROP),
    "log without verdict": rule(SSH, CONTINUE, Log("x")),
    "rewrite": rule(SSH, ACCEPT, SetField(Field.DSCP, 46)),
    "rpfilter": rule(ReversePathFails(), DROP),
    "reject": rule(ALWAYS, Reject(RejectKind.TCP_RESET)),
    "protocol negation": rule(FieldIn(Field.PROTOCOL, IntervalSet.of(6).complement(8))),
}


@pytest.mark.parametrize("feature", REFUSED)
def test_refused_at_the_statement(feature: str) -> None:
    text, found = compiled(REFUSED[feature])
    assert text is None
    (only,) = found
    assert only.code == "FW031"
    assert only.primary is not None and only.primary.span == HERE.span
    assert only.primary.label if hasattr(only.primary, "label") else only.primary.message == feature
    assert only.help and BY_FEATURE[feature].note


def test_nothing_set_means_nothing_matched() -> None:
    text, found = compiled(rule(FieldIn(Field.SADDR, AddressSet())))
    assert found == []
    assert text is not None and "# To this machine\nblock drop in quick all" in text


def test_limit_pair_becomes_one_rule() -> None:
    body = Chain(
        "door", (rule(WithinRate(6, 60, 6, per=Per.SOURCE)), rule(ALWAYS, DROP, AddToSet("bad", (Field.SADDR,))))
    )
    text, found = compiled(
        rule(SSH, Goto("door")), users=(body,), sets=(NamedSet("bad", (Field.SADDR,), runtime=True),)
    )
    assert found == []
    assert text is not None
    assert "port 22 keep state (max-src-conn-rate 6/60, overload <bad>)" in text
    assert "table <bad> persist" in text


def test_limit_that_falls_through_is_refused() -> None:
    text, found = compiled(rule(all_of(SSH, WithinRate(6, 60, 6, per=Per.SOURCE))), rule(TCP))
    assert text is None and [d.code for d in found] == ["FW031"]


def test_connections() -> None:
    text, _ = compiled(rule(all_of(SSH, WithinConnections(3, Per.SOURCE))), rule(SSH, DROP))
    assert text is not None and "keep state (max-src-conn 3)" in text


def test_lossy_is_asked_for_and_listed() -> None:
    early = rule(SSH, DROP)
    text, _ = compiled(early, hook=Hook.PREROUTING, priority=-300, options=LowerOptions(Lossy.NARROW))
    assert text is None
    text, found = compiled(early, hook=Hook.PREROUTING, priority=-300, options=LowerOptions(Lossy.WIDE))
    assert found == []
    assert text is not None and "# lossy: policy.fw:1:1: early" in text


def test_stateless_both_ways() -> None:
    reply = all_of(TCP, FieldIn(Field.SPORT, IntervalSet.of(22)))
    text, _ = compiled(rule(SSH), rule(reply, role=Role.REPLY))
    assert text is not None
    assert "port 22 flags any no state" in text
    assert text.count("flags any no state") == 2


def test_clamp_needs_a_number() -> None:
    where = FieldIn(Field.OIF, IfaceSet.of(["ppp0"]))
    text, found = compiled(rule(where, CONTINUE, ClampMss()), hook=Hook.FORWARD, priority=-150)
    assert text is None and "mtu" in found[0].message
    text, _ = compiled(rule(where, CONTINUE, ClampMss(1380, 1360)), hook=Hook.FORWARD, priority=-150)
    assert text is not None and "scrub out on ppp0 inet proto tcp all max-mss 1380" in text


def test_redirect_and_snat() -> None:
    wan = FieldIn(Field.IIF, IfaceSet.of(["en0"]))
    text, _ = compiled(
        rule(all_of(wan, SSH), Redirect((2222, 2222))), hook=Hook.PREROUTING, type_=ChainType.NAT, priority=-100
    )
    assert text is not None
    assert "rdr on en0 inet proto tcp from any to any port 22 tag fwc_d1 -> (en0:0) port 2222" in text
    out = FieldIn(Field.OIF, IfaceSet.of(["en0"]))
    nat = Snat(NatTarget(Family.V4, 0xCB007102, 0xCB007102))
    text, _ = compiled(rule(out, nat), hook=Hook.POSTROUTING, type_=ChainType.NAT, priority=100)
    assert text is not None and "nat on en0 inet all -> 203.0.113.2" in text


def test_map_needs_both_halves() -> None:
    out = all_of(
        FieldIn(Field.OIF, IfaceSet.of(["en0"])),
        FieldIn(Field.SADDR, AddressSet(IntervalSet.range(0x0A010010, 0x0A01001F))),
    )
    half = rule(out, Netmap(Field.SADDR, Family.V4, 0xCB007110, 28))
    text, found = compiled(half, hook=Hook.POSTROUTING, type_=ChainType.NAT, priority=100)
    assert text is None and found[0].code == "FW031"


def test_no_ranges_are_written() -> None:
    """macOS compares the ends of a range in the wrong byte order."""
    text, _ = compiled(rule(FieldIn(Field.SADDR, AddressSet(IntervalSet.range(0x0A010003, 0x0A010051)))))
    assert text is not None and " - " not in text


def test_text_cannot_break_out() -> None:
    text, _ = compiled(rule(SSH, ACCEPT, label='x" \n pass quick all # $if'))
    assert text is not None
    assert not any(line.strip().startswith("pass quick") for line in text.split("\n"))
    assert "$" not in text


def test_runtime_set_with_zone_addresses() -> None:
    both = all_of(SetRef("banned", (Field.SADDR,)), FieldIn(Field.SADDR, AddressSet(IntervalSet.range(1, 9))))
    text, found = compiled(rule(both, DROP), sets=(NamedSet("banned", (Field.SADDR,), runtime=True),))
    assert text is None and "banned" in found[0].message


def test_native_places() -> None:
    text, _ = compiled(natives=(NativeText("pf", "filter-start", "pass quick on utun9\n"),))
    assert text is not None and "\npass quick on utun9\n" in text
    text, found = compiled(natives=(NativeText("pf", "nowhere", "x", HERE),))
    assert text is None and "nowhere" in found[0].message


def test_dialect_names() -> None:
    assert dialect.name == "pf"
    assert len({c.feature for c in dialect.capabilities}) == len(dialect.capabilities)
