"""IR to iptables text: the words of every condition, action and verdict, and what is refused."""

from __future__ import annotations

import random

import pytest
from tests.unit.dialects.iptables.build import (
    base,
    daddr,
    dport,
    iif,
    lines,
    nat,
    net,
    of_input,
    oif,
    proto,
    refused,
    ruleset,
    saddr,
)

from fwc.dialects.base import LowerOptions
from fwc.dialects.iptables import dialect
from fwc.ir.match import (
    ALWAYS,
    AddressTypeIs,
    AnyOf,
    CgroupIs,
    Chance,
    CtState,
    CtStatus,
    Field,
    FieldIn,
    HelperIs,
    MaskedIn,
    Match,
    Opaque,
    Owner,
    Per,
    ReversePathFails,
    RouteLeavesBy,
    SetRef,
    TimeWindow,
    TupleIn,
    Values,
    WithinConnections,
    WithinRate,
    all_of,
    family_is,
    negate,
    state_in,
)
from fwc.ir.model import Chain, NamedSet, Rule, Ruleset, Settings
from fwc.ir.verdict import (
    ACCEPT,
    CONTINUE,
    DROP,
    RETURN,
    AddToSet,
    AssignHelper,
    ClampMss,
    CopyMark,
    Dnat,
    Goto,
    Jump,
    Log,
    Masquerade,
    NatTarget,
    Netmap,
    NoTrack,
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
    VerdictMap,
)
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import DOMAINS

ADDRESS = net("10.0.0.5").v4.runs[0][0]


def one(field: Field, *values: int) -> FieldIn:
    return FieldIn(field, IntervalSet.of(*values))


def but(field: Field, value: int) -> FieldIn:
    """Every value but this one, as the importer of nft gives `!=`."""
    return FieldIn(field, DOMAINS[field] - IntervalSet.of(value))


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (saddr("10.0.0.0/8"), "-s 10.0.0.0/8"),
        (negate(saddr("10.0.0.0/8")), "! -s 10.0.0.0/8"),
        (
            negate(daddr("10.0.0.0/8", "192.168.0.0/16")),
            "! -d 10.0.0.0/8 -m iprange ! --dst-range 192.168.0.0-192.168.255.255",
        ),
        (saddr("10.0.0.1", "10.0.0.2"), "-m iprange --src-range 10.0.0.1-10.0.0.2"),
        (iif("wg*"), "-i wg+"),
        (negate(iif("lo")), "! -i lo"),
        (all_of(proto(6), dport(22)), "-p tcp -m tcp --dport 22"),
        (all_of(proto(17), dport((137, 138))), "-p udp -m udp --dport 137:138"),
        (all_of(proto(6), dport(80, 443)), "-p tcp -m multiport --dports 80,443"),
        (all_of(proto(6), negate(dport(22))), "-p tcp -m tcp ! --dport 22"),
        (all_of(proto(132), dport(5)), "-p sctp -m multiport --dports 5"),
        (all_of(proto(6), dport(22), one(Field.SPORT, 1)), "-p tcp -m tcp --sport 1 --dport 22"),
        (FieldIn(Field.ICMP, IntervalSet.range(8 << 8, (8 << 8) + 255)), "-p icmp -m icmp --icmp-type 8"),
        (FieldIn(Field.ICMP, IntervalSet.of(3 << 8 | 4)), "-p icmp -m icmp --icmp-type 3/4"),
        (negate(proto(6)), "! -p tcp"),
        (proto(47), "-p 47"),
        (MaskedIn(Field.TCP_FLAGS, 6, IntervalSet.of(2)), "-p tcp -m tcp --tcp-flags SYN,RST SYN"),
        (state_in(CtState.RELATED, CtState.ESTABLISHED), "-m conntrack --ctstate RELATED,ESTABLISHED"),
        (MaskedIn(Field.CT_STATUS, CtStatus.DNAT, IntervalSet.of(32)), "-m conntrack --ctstate DNAT"),
        (
            all_of(proto(6), MaskedIn(Field.CT_STATUS, 32, IntervalSet.of(32)), one(Field.CT_ORIG_DPORT, 443)),
            "-p tcp -m conntrack --ctorigdstport 443 --ctstate DNAT",
        ),
        (one(Field.MARK, 16), "-m mark --mark 0x10"),
        (negate(one(Field.MARK, 16)), "-m mark ! --mark 0x10"),
        (MaskedIn(Field.CT_MARK, 255, IntervalSet.of(1)), "-m connmark --mark 0x1/0xff"),
        (one(Field.TTL, 255), "-m ttl --ttl-eq 255"),
        (FieldIn(Field.TTL, IntervalSet.range(2, 9)), "-m ttl --ttl-gt 1 -m ttl --ttl-lt 10"),
        (one(Field.DSCP, 46), "-m dscp --dscp 0x2e"),
        (FieldIn(Field.LENGTH, IntervalSet.range(469, 65535)), "-m length --length 469:65535"),
        (one(Field.FRAGMENT, 1), "-m u32 --u32 0x4&0x3fff=0x1:0x3fff"),
        (one(Field.FRAGMENT, 0), "-m u32 ! --u32 0x4&0x3fff=0x1:0x3fff"),
        (one(Field.PKTTYPE, 1), "-m pkttype --pkt-type broadcast"),
        (one(Field.SMAC, 0x525400123456), "-m mac --mac-source 52:54:00:12:34:56"),
        (one(Field.IPSEC, 1), "-m policy --dir in --pol ipsec"),
        (WithinRate(6, 60, 10), "-m limit --limit 6/min --limit-burst 10"),
        (WithinRate(5, 10, 5), "-m limit --limit 30/min"),
        (
            WithinRate(10, 60, 20, per=Per.SOURCE, mask4=24, name="ssh"),
            "-m hashlimit --hashlimit-upto 10/min --hashlimit-burst 20 --hashlimit-mode srcip --hashlimit-srcmask 24"
            " --hashlimit-name ssh",
        ),
        (
            negate(WithinRate(1, 1, 5, name="x")),
            "-m hashlimit --hashlimit-above 1/sec --hashlimit-burst 5 --hashlimit-name x",
        ),
        (
            WithinConnections(10, Per.SOURCE),
            "-m connlimit --connlimit-upto 10 --connlimit-mask 32 --connlimit-saddr",
        ),
        (
            TimeWindow(28800, 64800, frozenset({0, 4}), until="2026-12-31T23:59:59"),
            "-m time --timestart 08:00:00 --timestop 17:59:59 --weekdays Mon,Fri --datestop 2026-12-31T23:59:59 --kerneltz",
        ),
        (TimeWindow(since="1970-01-01T00:00:00"), "-m time --datestart 1970-01-01T00:00:00 --kerneltz"),
        (Chance(10_000), "-m statistic --mode random --probability 0.010000"),
        (HelperIs("ftp"), "-m helper --helper ftp"),
        (CgroupIs("a/b"), "-m cgroup --path a/b"),
        (but(Field.MARK, 5), "-m mark ! --mark 0x5"),
        (but(Field.PROTOCOL, 17), "! -p udp"),
        (but(Field.DSCP, 8), "-m dscp ! --dscp 0x08"),
        (but(Field.LENGTH, 100), "-m length ! --length 100"),
        (but(Field.PKTTYPE, 1), "-m pkttype ! --pkt-type broadcast"),
        (negate(AddressTypeIs(Field.DADDR, "local")), "-m addrtype ! --dst-type LOCAL"),
        (AddressTypeIs(Field.SADDR, "broadcast"), "-m addrtype --src-type BROADCAST"),
        (SetRef("banned", (Field.SADDR,)), "-m set --match-set banned4 src"),
    ],
)
def test_condition(match: Match, words: str) -> None:
    sets = (NamedSet("banned", (Field.SADDR,), kind="addresses", runtime=True),)
    assert lines(of_input(Rule(match, (), ACCEPT), sets=sets)) == [f"-A INPUT {words} -j ACCEPT"]


def test_the_reverse_path_is_checked_before_routing() -> None:
    def raw(match: Match) -> Ruleset:
        return ruleset(Chain("raw", (Rule(match, (), DROP),), base(Hook.PREROUTING, -300, policy=ACCEPT)))

    assert lines(raw(ReversePathFails())) == ["-A PREROUTING -m rpfilter --invert -j DROP"]
    assert "ip6tables regards the mark" in refused(raw(ReversePathFails(mark=True)))[0]
    marked = all_of(family_is(Family.V4), ReversePathFails(loose=True, mark=True))
    assert lines(raw(marked)) == ["-A PREROUTING -m rpfilter --loose --validmark --invert -j DROP"]


def test_the_user_is_asked_for_where_packets_are_sent() -> None:
    root = Rule(Owner("user", ("root",)), (), ACCEPT)
    sent = Chain("output", (root,), base(Hook.OUTPUT))
    assert lines(ruleset(sent)) == ["-A OUTPUT -m owner --uid-owner root -j ACCEPT"]
    (message,) = refused(of_input(root))
    assert "in OUTPUT and POSTROUTING only" in message


@pytest.mark.parametrize(
    ("hook", "verdict"),
    [(Hook.PREROUTING, Masquerade()), (Hook.OUTPUT, Masquerade()), (Hook.POSTROUTING, Redirect((80, 80)))],
)
def test_translations_stand_at_their_hooks(hook: Hook, verdict: Verdict) -> None:
    (message,) = refused(nat(hook, Rule(proto(6), (), verdict)))
    assert "iptables takes this translation in" in message


def test_the_reverse_path_is_checked_in_two_tables() -> None:
    rule = Rule(all_of(proto(6), ReversePathFails()), (), Redirect((80, 80)))
    (message,) = refused(nat(Hook.PREROUTING, rule))
    assert "in the tables raw and mangle only" in message


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (one(Field.SMAC, 5), "a MAC address in PREROUTING, INPUT and FORWARD only"),
        (CgroupIs("a"), "a cgroup in INPUT, OUTPUT and POSTROUTING only"),
        (Opaque("iptables", "-m socket"), "-m socket cannot be used in FORWARD and OUTPUT"),
    ],
)
def test_a_chain_stands_at_all_hooks_that_lead_to_it(match: Match, words: str) -> None:
    shared = Chain("shared", (Rule(match, (), ACCEPT),))
    jump = (Rule(ALWAYS, (), Jump("shared")),)
    bases = [Chain(hook.value, jump, base(hook)) for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)]
    (message,) = refused(ruleset(*bases, shared))
    assert words in message


@pytest.mark.parametrize("date", ["1969-12-31T23:59:59", "2038-01-19T03:14:08", "never"])
def test_dates_that_iptables_cannot_keep(date: str) -> None:
    (message,) = refused(of_input(Rule(TimeWindow(since=date), (), ACCEPT)))
    assert f"no dates like {date}" in message


def test_what_is_left_out_is_said_where_it_is_shorter() -> None:
    others = FieldIn(Field.SADDR, ~net("10.0.0.0/8"))
    assert lines(of_input(Rule(others, (), ACCEPT))) == ["-A INPUT ! -s 10.0.0.0/8 -j ACCEPT"]
    types = FieldIn(Field.ICMP, IntervalSet.full(16) - IntervalSet.range(8 << 8, (8 << 8) + 255))
    assert lines(of_input(Rule(types, (), ACCEPT))) == ["-A INPUT -p icmp -m icmp ! --icmp-type 8 -j ACCEPT"]
    tcp = all_of(but(Field.PROTOCOL, 17), FieldIn(Field.DPORT, IntervalSet.of(5)))
    assert all("! -p" not in line for line in lines(of_input(Rule(tcp, (), ACCEPT))))


def test_ipv6_has_no_broadcast() -> None:
    broadcast = AddressTypeIs(Field.DADDR, "broadcast")
    assert lines(of_input(Rule(broadcast, (), ACCEPT), Rule(negate(broadcast), (), DROP)), 6) == ["-A INPUT -j DROP"]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Snat(NatTarget(Family.V4, ADDRESS, ADDRESS)), "SNAT --to-source 10.0.0.5"),
        (
            Snat(NatTarget(Family.V4, ADDRESS, ADDRESS + 3, (20000, 29999)), PortChoice.PERSISTENT),
            "SNAT --to-source 10.0.0.5-10.0.0.8:20000-29999 --persistent",
        ),
        (Masquerade((1024, 65535), PortChoice.RANDOM), "MASQUERADE --to-ports 1024-65535 --random"),
        (Netmap(Field.SADDR, Family.V4, 10 << 24, 8), "NETMAP --to 10.0.0.0/8"),
        (ACCEPT, "ACCEPT"),
    ],
)
def test_source_translation(verdict: Verdict, words: str) -> None:
    found = lines(nat(Hook.POSTROUTING, Rule(proto(6), (), verdict)))
    assert found == [f"-A POSTROUTING -p tcp -j {words}"]


def test_port_offset_and_balance() -> None:
    target = NatTarget(Family.V4, ADDRESS, ADDRESS, (9000, 9010))
    offset = Rule(all_of(proto(6), dport((8000, 8010))), (), Dnat((target,), PortChoice.OFFSET))
    assert lines(nat(Hook.PREROUTING, offset)) == [
        "-A PREROUTING -p tcp -m tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.5:9000-9010/8000"
    ]
    targets = tuple(NatTarget(Family.V4, ADDRESS + i, ADDRESS + i) for i in range(3))
    assert lines(nat(Hook.PREROUTING, Rule(proto(6), (), Dnat(targets), "lb")))[1:] == [
        "-A lb -m statistic --mode random --probability 0.33333333333 -m comment --comment lb -j DNAT --to-destination 10.0.0.5",
        "-A lb -m statistic --mode random --probability 0.50000000000 -m comment --comment lb -j DNAT --to-destination 10.0.0.6",
        "-A lb -m comment --comment lb -j DNAT --to-destination 10.0.0.7",
    ]
    redirect = Rule(all_of(proto(6), dport((80, 81))), (), Redirect((90, 91), PortChoice.OFFSET))
    assert lines(nat(Hook.PREROUTING, redirect)) == [
        "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 90",
        "-A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 91",
    ]


def test_translation_with_ports_names_a_protocol() -> None:
    target = NatTarget(Family.V4, ADDRESS, ADDRESS, (8443, 8443))
    rules = lines(nat(Hook.PREROUTING, Rule(all_of(proto(6, 17), dport(443), saddr("1.0.0.0/8")), (), Dnat((target,)))))
    assert all("-p tcp" in r or "-p udp" in r for r in rules if "DNAT" in r)
    assert len(rules) == 2


@pytest.mark.parametrize(
    ("kind", "v4", "v6"),
    [
        (RejectKind.ADMIN_PROHIBITED, "icmp-admin-prohibited", "icmp6-adm-prohibited"),
        (RejectKind.HOST_UNREACHABLE, "icmp-host-unreachable", "icmp6-addr-unreachable"),
        (RejectKind.NET_UNREACHABLE, "icmp-net-unreachable", "icmp6-no-route"),
        (RejectKind.PORT_UNREACHABLE, "icmp-port-unreachable", "icmp6-port-unreachable"),
    ],
)
def test_reject_per_family(kind: RejectKind, v4: str, v6: str) -> None:
    rules = of_input(Rule(proto(17), (), Reject(kind)))
    assert lines(rules) == [f"-A INPUT -p udp -j REJECT --reject-with {v4}"]
    assert lines(rules, 6) == [f"-A INPUT -p udp -j REJECT --reject-with {v6}"]


def test_reject_default_depends_on_the_protocol() -> None:
    assert lines(of_input(Rule(proto(6), (), Reject()))) == ["-A INPUT -p tcp -j REJECT --reject-with tcp-reset"]
    both = lines(of_input(Rule(saddr("10.0.0.0/8"), (), Reject()), Rule(saddr("11.0.0.0/8"), (), Reject())))
    assert both == [
        "-A INPUT -s 10.0.0.0/8 -j refuse",
        "-A INPUT -s 11.0.0.0/8 -j refuse",
        "-A refuse -p tcp -j REJECT --reject-with tcp-reset",
        "-A refuse -j REJECT --reject-with icmp-port-unreachable",
    ]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(ALWAYS, (SetField(Field.MARK, 0x10, 0xFF),)), "MARK --set-xmark 0x10/0xff"),
        (Rule(ALWAYS, (CopyMark("save", 0xFF),)), "CONNMARK --save-mark --nfmask 0xff --ctmask 0xff"),
        (Rule(ALWAYS, (SetField(Field.DSCP, 46),)), "DSCP --set-dscp 0x2e"),
        (Rule(ALWAYS, (SetField(Field.TTL, 64),)), "TTL --ttl-set 64"),
        (Rule(ALWAYS, (SetPriority(0x10010),)), "CLASSIFY --set-class 1:10"),
        (Rule(ALWAYS, (Log("a b: ", "info"),)), 'LOG --log-prefix "a b: " --log-level 6'),
        (Rule(ALWAYS, (Log("x", "", 5),)), "NFLOG --nflog-prefix x --nflog-group 5"),
        (Rule(ALWAYS, (AddToSet("b", (Field.SADDR,), 60),)), "SET --add-set b src --exist --timeout 60"),
    ],
)
def test_action(rule: Rule, words: str) -> None:
    chain = Chain("mangle", (rule,), base(Hook.FORWARD, -150, policy=ACCEPT))
    assert lines(ruleset(chain)) == [f"-A FORWARD -j {words}"]


def test_clamp_gets_its_syn() -> None:
    chain = Chain("mangle", (Rule(oif("ppp0"), (ClampMss(),)),), base(Hook.FORWARD, -150, policy=ACCEPT))
    assert "-p tcp -m tcp --tcp-flags SYN SYN -j TCPMSS --clamp-mss-to-pmtu" in lines(ruleset(chain))[-1]


def test_raw_targets_and_a_moved_helper() -> None:
    zones = (Rule(iif("eth0"), (SetZone(5),)), Rule(iif("eth1"), (SetZone(6, "reply"),)))
    raw = Chain("raw", (Rule(proto(17), (NoTrack(),)), *zones), base(Hook.PREROUTING, -300, policy=ACCEPT))
    later = Chain("pre", (Rule(proto(17), (AssignHelper("sip", "udp"),)),), base(Hook.PREROUTING, -150, policy=ACCEPT))
    assert lines(ruleset(raw, later)) == [
        "-A PREROUTING -p udp -j CT --notrack",
        "-A PREROUTING -i eth0 -j CT --zone 5",
        "-A PREROUTING -i eth1 -j CT --zone-reply 6",
        "-A PREROUTING -p udp -j CT --helper sip",
    ]


def test_product_becomes_chains() -> None:
    sources = saddr(*(f"10.{i}.0.0/16" for i in range(0, 20, 2)))
    rules = lines(of_input(Rule(all_of(sources, iif("a", "b", "c"), proto(6)), (), ACCEPT, "web")))
    assert len(rules) == 1 + 3 + 10
    assert rules[0].startswith("-A INPUT -p tcp -j web")


def test_large_lists_become_a_tree() -> None:
    many = saddr(*(f"10.{i}.{j}.0/25" for i in range(8) for j in range(0, 200, 2)))
    rules = lines(of_input(Rule(many, (), DROP)))
    heads = [r for r in rules if r.startswith("-A INPUT")]
    assert len(heads) <= 16
    assert sum("-j DROP" in r for r in rules) == 800


def test_overlapping_alternatives_log_once() -> None:
    either = AnyOf((saddr("10.0.0.1"), daddr("10.0.0.2")))
    assert lines(of_input(Rule(either, (Log("x"),), CONTINUE, "seen"))) == [
        "-A INPUT -j seen_2",
        "-A seen -m comment --comment seen -j LOG --log-prefix x",
        "-A seen_2 -s 10.0.0.1/32 -g seen",
        "-A seen_2 -d 10.0.0.2/32 -g seen",
    ]


def test_log_limit_never_limits_the_verdict() -> None:
    rules = lines(of_input(Rule(saddr("10.0.0.0/8"), (Log("x: ", rate=WithinRate(3, 60, 5)),), DROP)))
    assert rules == [
        "-A INPUT -s 10.0.0.0/8 -j x",
        '-A x -m limit --limit 3/min -j LOG --log-prefix "x: "',
        "-A x -j DROP",
    ]


def test_return_and_goto_stay_in_their_chain() -> None:
    two = all_of(saddr("10.0.0.1", "10.0.0.9"), proto(6, 17))
    chain = Chain("sub", (Rule(two, (Log("l"),), RETURN), Rule(two, (), Goto("other"))))
    other = Chain("other", (Rule(ALWAYS, (), DROP),))
    rules = lines(ruleset(Chain("input", (Rule(ALWAYS, (), Jump("sub")),), base()), chain, other))
    assert sum(r.startswith("-A sub") and r.endswith("-g l") for r in rules) == 4
    assert sum(r.startswith("-A sub") and r.endswith("-g other") for r in rules) == 4
    assert "-A l -j LOG --log-prefix l" in rules


def test_maps_and_tuples() -> None:
    elements = (
        (net("10.0.0.1"), IntervalSet.of(6), IntervalSet.of(80)),
        (net("10.0.0.2"), IntervalSet.of(17), IntervalSet.of(53)),
    )
    pairs = TupleIn((Field.SADDR, Field.PROTOCOL, Field.DPORT), elements)
    assert lines(of_input(Rule(pairs, (), ACCEPT))) == [
        "-A INPUT -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ACCEPT",
        "-A INPUT -s 10.0.0.2/32 -p udp -m udp --dport 53 -j ACCEPT",
    ]


def test_a_long_lookup_names_the_ports_of_one_pair_in_one_rule() -> None:
    def element(host: int, port: int) -> tuple[Values, ...]:
        return net(f"10.0.0.{host}"), IntervalSet.of(6), IntervalSet.of(port)

    fields = (Field.SADDR, Field.PROTOCOL, Field.DPORT)
    few = [element(host, 100 * host + port) for host in range(1, 5) for port in (1, 5, 9)]
    found = lines(of_input(Rule(TupleIn(fields, tuple(few)), (), ACCEPT)))
    assert "-A accept -s 10.0.0.3/32 -p tcp -m multiport --dports 301,305,309 -j ACCEPT" in found
    assert len([line for line in found if line.endswith("-j ACCEPT")]) == 4

    side_by_side = [element(1, 80 + port) for port in range(12)]
    found = lines(of_input(Rule(TupleIn(fields, tuple(side_by_side)), (), ACCEPT)))
    assert "-A accept -s 10.0.0.1/32 -p tcp -m tcp --dport 80:91 -j ACCEPT" in found

    # more than a rule can name: told apart by branches, one rule each
    many = [element(1, 10 * port) for port in range(1, 101)]
    found = lines(of_input(Rule(TupleIn(fields, tuple(many)), (), ACCEPT)))
    assert not any("multiport" in line for line in found)
    assert len([line for line in found if line.endswith("-j ACCEPT")]) == 100


def test_a_packet_does_not_come_back_from_the_branches_of_a_tree() -> None:
    rows = tuple((net(f"10.0.{host}.1"), IntervalSet.of(6), IntervalSet.of(host)) for host in range(64))
    found = lines(of_input(Rule(TupleIn((Field.SADDR, Field.PROTOCOL, Field.DPORT), rows), (), ACCEPT)))
    (top,) = [line.split()[-1] for line in found if line.startswith("-A INPUT")]
    branches = [line for line in found if line.startswith(f"-A {top} ")]
    assert len(branches) == 4
    assert all(" -g " in line for line in branches)


def test_verdict_maps_are_chains() -> None:
    entries = (((IntervalSet.of(22),), ACCEPT), ((IntervalSet.of(23),), DROP))
    assert lines(of_input(Rule(proto(6), (), VerdictMap((Field.DPORT,), entries, "ports")))) == [
        "-A INPUT -p tcp -j ports",
        "-A ports -p tcp -m tcp --dport 22 -j ACCEPT",
        "-A ports -p tcp -m tcp --dport 23 -j DROP",
    ]


def test_family_without_members_gets_nothing() -> None:
    assert lines(of_input(Rule(saddr("10.0.0.5"), (), ACCEPT)), 6) == []
    assert lines(of_input(Rule(negate(saddr("10.0.0.5")), (), ACCEPT)), 6) == ["-A INPUT -j ACCEPT"]


def test_static_sets_are_spelt_out_or_become_ipsets() -> None:
    elements = tuple((net(f"10.{i}.0.0/16"),) for i in range(0, 12, 2))
    bad = NamedSet("bad", (Field.SADDR,), elements, "networks")
    rules = of_input(Rule(SetRef("bad", (Field.SADDR,)), (), DROP), sets=(bad,))
    assert len(lines(rules)) == 6
    tree, _ = dialect.lower(rules, LowerOptions(ipset=True))
    assert tree is not None
    files = {f.name: f.text for f in dialect.print(tree)}
    assert "-m set --match-set bad4 src -j DROP" in files["rules.v4"]
    assert files["ipset.conf"].splitlines()[0] == "create -exist bad4 hash:net family inet"
    assert len(files["ipset.conf"].splitlines()) == 7


def test_second_chain_of_a_hook_still_judges() -> None:
    first = Chain("a", (Rule(saddr("10.0.0.1"), (), ACCEPT),), base(Hook.INPUT, -5, policy=ACCEPT))
    second = Chain("b", (Rule(proto(6), (), ACCEPT), Rule(proto(17), (), RETURN)), base())
    assert lines(ruleset(first, second)) == [
        "-A INPUT -s 10.0.0.1/32 -g input_2",
        "-A INPUT -g input_2",
        "-A input_2 -p tcp -j ACCEPT",
        "-A input_2 -p udp -j DROP",
        "-A input_2 -j DROP",
    ]


def test_coexist_docker() -> None:
    settings = Settings(coexist=frozenset({"docker"}))
    forward = Chain("forward", (Rule(saddr("10.0.0.0/8"), (), ACCEPT),), base(Hook.FORWARD))
    tree, _ = dialect.lower(ruleset(Chain("input", (), base()), forward, settings=settings), LowerOptions())
    assert tree is not None
    files = {f.name: f for f in dialect.print(tree)}
    assert ":INPUT" not in files["rules.v4"].text
    assert "-A DOCKER-USER -s 10.0.0.0/8 -j RETURN\n-A DOCKER-USER -j DROP" in files["rules.v4"].text
    assert files["apply.sh"].executable
    assert (
        "iptables -w -C INPUT -j fwc-input 2>/dev/null || iptables -w -I INPUT 1 -j fwc-input" in files["apply.sh"].text
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(ALWAYS, (Log("x" * 30),)), "29 characters"),
        (Rule(ALWAYS, (Log("a\nb"),)), "control character"),
        (Rule(iif("averylonginterface"), (), ACCEPT), "15 characters"),
        (Rule(iif("a b"), (), ACCEPT), "no interface name"),
        (Rule(one(Field.VLAN, 5), (), ACCEPT), "VLAN"),
        (Rule(oif("eth0"), (), ACCEPT), "iptables refuses -o there"),
        (
            Rule(ALWAYS, (), VerdictMap((Field.OIF,), (((IfaceSet.of(["eth0"]),), ACCEPT),))),
            "iptables refuses -o there",
        ),
        (Rule(MaskedIn(Field.TCP_FLAGS, 64, IntervalSet.of(64)), (), DROP), "ece"),
        (Rule(WithinRate(1, 7, 5), (), ACCEPT), "7 seconds"),
        (Rule(ALWAYS, (Tag("x"),)), "tags"),
        (Rule(ALWAYS, (NoTrack(),)), "raw table"),
        (Rule(ALWAYS, (SetField(Field.TTL, 1),)), "mangle table"),
        (Rule(ALWAYS, (), Reject(RejectKind.TCP_RESET)), "TCP packets only"),
        (Rule(ALWAYS, (), Masquerade()), "nat table"),
        (Rule(Opaque("nft", "x"), (), ACCEPT), "nft condition"),
        (Rule(Opaque("iptables", '-m x --y "a\rb"'), (), ACCEPT), "control character"),
        (Rule(ALWAYS, (), OpaqueVerdict("iptables", '-j X --y "a\rb"')), "control character"),
        (Rule(RouteLeavesBy(("eth0",)), (), ACCEPT), "before routing"),
        (Rule(ReversePathFails(), (), DROP), "in PREROUTING only"),
        (Rule(AddressTypeIs(Field.SADDR, "anycast"), (), DROP), "ip6tables looks the address type anycast up"),
    ],
)
def test_refused(rule: Rule, words: str) -> None:
    (message,) = refused(of_input(rule))
    assert words in message


@pytest.mark.parametrize(
    ("hook", "kind", "priority"),
    [
        (Hook.PREROUTING, ChainType.FILTER, 0),
        (Hook.INGRESS, ChainType.FILTER, 0),
        (Hook.OUTPUT, ChainType.FILTER, -200),
        (Hook.FORWARD, ChainType.NAT, 0),
        (Hook.POSTROUTING, ChainType.FILTER, 200),
    ],
)
def test_hooks_that_no_table_has(hook: Hook, kind: ChainType, priority: int) -> None:
    (message,) = refused(ruleset(Chain("x", (Rule(ALWAYS, (), DROP),), base(hook, priority, kind, ACCEPT))))
    assert "no chain at hook" in message


def test_reject_outside_filter_and_drop_in_nat() -> None:
    raw = Chain("early", (Rule(ALWAYS, (), Reject()),), base(Hook.PREROUTING, -300, policy=ACCEPT))
    assert "raw table" in refused(ruleset(raw))[0]
    assert "nat table" in refused(nat(Hook.PREROUTING, Rule(ALWAYS, (), DROP)))[0]


def nested(count: int, *inside: Rule) -> Ruleset:
    """A built-in chain and `count` chains in each other."""
    chains = [Chain(f"c{i}", (Rule(ALWAYS, (), Jump(f"c{i + 1}")),)) for i in range(1, count)]
    first = Chain("input", (Rule(ALWAYS, (), Jump("c1")),), base())
    return ruleset(first, *chains, Chain(f"c{count}", inside))


def test_chains_nest_as_deep_as_the_kernel_takes() -> None:
    assert len(lines(nested(15, Rule(ALWAYS, (), DROP)))) == 16
    (message,) = refused(nested(16, Rule(ALWAYS, (), DROP)))
    assert "more than 16 deep" in message
    # a chain that a rule becomes is one more
    logged = Rule(saddr("10.0.0.1"), (Log("x"),), DROP)
    assert len(lines(nested(14, logged))) == 17
    (message,) = refused(nested(15, logged))
    assert "more than 16 deep" in message


def test_the_tree_of_a_lookup_fits_between_the_chains_around_it() -> None:
    rng = random.Random(3)

    def host() -> AddressSet:
        return net(f"10.{1 << rng.randrange(8)}.{1 << rng.randrange(8)}.{rng.randrange(256)}")

    steep = tuple((host(), IntervalSet.of(6), IntervalSet.of(port)) for port in range(1, 3000))
    lookup = TupleIn((Field.SADDR, Field.PROTOCOL, Field.DPORT), steep)
    for around in (1, 6, 9):
        assert len(lines(nested(around, Rule(lookup, (), ACCEPT)))) > 2000


def test_a_lookup_with_addresses_behind_ports() -> None:
    fields = (Field.PROTOCOL, Field.DPORT, Field.SADDR)
    rows = tuple((IntervalSet.of(6), IntervalSet.of(100 + n % 3), net(f"10.0.{n}.1")) for n in range(60))
    found = lines(of_input(Rule(TupleIn(fields, rows), (), ACCEPT)))
    rules = [line for line in found if line.endswith("-j ACCEPT")]
    assert len(rules) == 60
    assert all(" -s 10.0." in line and " --dport 10" in line for line in rules)


def test_a_long_lookup_that_must_not_hold_is_refused() -> None:
    fields = (Field.SADDR, Field.DADDR, Field.PROTOCOL, Field.DPORT)
    rows = tuple(
        (net(f"10.0.{n}.1"), net(f"10.1.{n}.1"), IntervalSet.of(6), IntervalSet.of(100 + n)) for n in range(30)
    )
    (message,) = refused(of_input(Rule(negate(TupleIn(fields, rows)), (), DROP)))
    assert "alternatives" in message


def test_nesting_is_bounded() -> None:
    chains = [Chain(f"c{i}", (Rule(ALWAYS, (), Jump(f"c{i + 1}")),)) for i in range(2000)]
    last = Chain("c2000", (Rule(ALWAYS, (), DROP),))
    first = Chain("input", (Rule(ALWAYS, (), Jump("c0")),), base())
    assert "more than 16 deep" in refused(ruleset(first, *chains, last))[0]
