"""iptables text to IR: what every spelling means, and what the real tool refuses."""

from __future__ import annotations

import pytest
from tests.unit.dialects.iptables.build import dport, iif, net, proto, read, rule_of, saddr

from fwc.dialects.iptables import dialect
from fwc.dialects.iptables.lift import lift_with_share
from fwc.dialects.iptables.parse import parse
from fwc.ir.match import (
    AnyOf,
    Chance,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    Opaque,
    Per,
    TimeWindow,
    WithinConnections,
    WithinRate,
    all_of,
)
from fwc.ir.verdict import (
    ACCEPT,
    CopyMark,
    Dnat,
    Goto,
    Jump,
    Log,
    NatTarget,
    NoTrack,
    OpaqueAction,
    OpaqueVerdict,
    PortChoice,
    Redirect,
    Reject,
    RejectKind,
    SetField,
)
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.source import SourceFile

TCP = proto(6)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("-s 10.0.0.0/8", saddr("10.0.0.0/8")),
        ("--source 10.0.0.0/255.0.0.0", saddr("10.0.0.0/8")),
        ("-s 10.0.0.1,10.0.0.9", saddr("10.0.0.1", "10.0.0.9")),
        ("! -s 10.0.0.0/8", Not(saddr("10.0.0.0/8"))),
        ("-s ! 10.0.0.0/8", Not(saddr("10.0.0.0/8"))),
        ("-i eth+", iif("eth*")),
        ("-p tcp --dport 22", all_of(TCP, dport(22))),
        ("-p tcp -m tcp --dport ssh", all_of(TCP, dport(22))),
        ("-p tcp --destination-port :1023", all_of(TCP, dport((0, 1023)))),
        ("-p tcp --dport ! 22", all_of(TCP, Not(dport(22)))),
        ("-p 6", TCP),
        ("-p tcp -m multiport --dports 80,443,8000:8010", all_of(TCP, dport(80, 443, (8000, 8010)))),
        (
            "-p tcp -m multiport --ports 80",
            all_of(TCP, AnyOf((FieldIn(Field.SPORT, IntervalSet.of(80)), dport(80)))),
        ),
        ("-p tcp --syn", all_of(TCP, MaskedIn(Field.TCP_FLAGS, 0x17, IntervalSet.of(2)))),
        ("-p tcp --tcp-flags ALL NONE", all_of(TCP, MaskedIn(Field.TCP_FLAGS, 0x3F, IntervalSet.of(0)))),
        ("-m state --state NEW", FieldIn(Field.CT_STATE, IntervalSet.of(3))),
        ("-m conntrack ! --ctstate INVALID", Not(FieldIn(Field.CT_STATE, IntervalSet.of(0)))),
        ("-m limit --limit 5/m", WithinRate(5, 60, 5)),
        ("-m hashlimit --hashlimit-above 9/sec --hashlimit-mode srcip --hashlimit-name x",
         WithinRate(9, 1, 5, per=Per.SOURCE, name="x", over=True)),
        ("-m connlimit --connlimit-above 4 --connlimit-mask 24", WithinConnections(4, Per.SOURCE, 24, over=True)),
        ("-m statistic --mode random --probability 0.5", Chance(500_000)),
        ("-m mark --mark 0x10/0xff", MaskedIn(Field.MARK, 255, IntervalSet.of(16))),
        ("-m iprange --src-range 10.0.0.1-10.0.0.9",
         FieldIn(Field.SADDR, net("10.0.0.1", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.8/31"))),
        ("-m time --timestart 08:00 --timestop 17:59:59 --kerneltz", TimeWindow(480, 1080)),
        ("-m time --weekdays Sat,7 --datestop 2038-01-19T03:14:07 --kerneltz", TimeWindow(days=frozenset({5, 6}))),
        ("-m pkttype --pkt-type broadcast", FieldIn(Field.PKTTYPE, IntervalSet.of(1))),
        ("-m addrtype --dst-type LOCAL", Opaque("", "daddr", "local")),
        ("-m rpfilter --invert", Opaque("", "strict", "rpfilter")),
        ("-m recent --set --name a", Opaque("iptables", "-m recent --set --name a", "recent")),
        ("-m time --timestart 08:00", Opaque("iptables", "-m time --timestart 08:00", "time")),
        ("-p icmp --icmp-type echo-request", all_of(proto(1), FieldIn(Field.ICMP, IntervalSet.range(2048, 2303)))),
    ],
)  # fmt: skip
def test_match(words: str, match: Match) -> None:
    assert rule_of(f"{words} -j ACCEPT").match == match


@pytest.mark.parametrize(
    ("table", "chain", "words", "verdict"),
    [
        ("filter", "INPUT", "-j REJECT", Reject(RejectKind.PORT_UNREACHABLE)),
        ("filter", "INPUT", "-p tcp -j REJECT --reject-with tcp-reset", Reject(RejectKind.TCP_RESET)),
        ("filter", "INPUT", "-j REJECT --reject-with icmp-host-prohibited", Reject(RejectKind.HOST_PROHIBITED)),
        ("nat", "PREROUTING", "-p tcp --dport 80:81 -j DNAT --to 10.0.0.5:90-91/80",
         Dnat((NatTarget(Family.V4, 0x0A000005, 0x0A000005, (90, 91)),), PortChoice.OFFSET)),
        ("nat", "PREROUTING", "-p tcp -j REDIRECT --to-ports 3128", Redirect((3128, 3128))),
        ("mangle", "PREROUTING", "-j TPROXY --on-port 1",
         OpaqueVerdict("iptables", "-j TPROXY --on-port 1", "TPROXY", True)),
    ],
)  # fmt: skip
def test_verdict(table: str, chain: str, words: str, verdict: object) -> None:
    assert rule_of(words, table, chain).verdict == verdict


@pytest.mark.parametrize(
    ("table", "chain", "words", "action"),
    [
        ("filter", "INPUT", '-j LOG --log-prefix "a \\"b\\" " --log-level info', Log('a "b" ', "info")),
        ("mangle", "INPUT", "-j MARK --set-mark 1/0xf0", SetField(Field.MARK, 1, 0xF1)),
        ("mangle", "INPUT", "-j MARK --and-mark 0xff", SetField(Field.MARK, 0, 0xFFFFFF00)),
        ("mangle", "INPUT", "-j CONNMARK --restore-mark", CopyMark("restore")),
        ("raw", "PREROUTING", "-j NOTRACK", NoTrack()),
        ("filter", "INPUT", "-j TEE --gateway 10.0.0.1", OpaqueAction("iptables", "-j TEE --gateway 10.0.0.1", "TEE")),
    ],
)
def test_action(table: str, chain: str, words: str, action: object) -> None:
    assert rule_of(words, table, chain).actions == (action,)


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("FW003", "-A INPUT -p icmp --dport 80 -j ACCEPT"),
        ("FW003", "-A INPUT ! -p tcp -m tcp --dport 80 -j ACCEPT"),
        ("FW004", "-A INPUT -o eth0 -j ACCEPT"),
        ("FW005", "-A INPUT -j MASQUERADE"),
        ("FW006", "-A INPUT -j REJECT --reject-with tcp-reset"),
        ("FW007", "-A INPUT -s 2001:db8::1 -d 10.0.0.1 -j ACCEPT"),
        ("FW008", "-A INPUT -p ipv6-icmp -d 10.0.0.1 -j ACCEPT"),
        ("FW009", "-A INPUT ! -s 0.0.0.0/0 -j ACCEPT"),
        ("FW011", "-A INPUT -p tcp --dport 90:80 -j ACCEPT"),
        ("FW012", "-A INPUT -s 192.168.1.5/24 -j ACCEPT"),
        ("FW013", "-A INPUT -s 192.168.1.5/0 -j ACCEPT"),
        ("FW014", "-A INPUT -s 10.0.0.1/255.0.0.255 -j ACCEPT"),
        ("FW015", "-A INPUT -j nowhere"),
        ("FW016", ":a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b -j a"),
        ("FW017", "-A INPUT -j FORWARD"),
        ("FW018", ":a DROP [0:0]"),
        ("FW019", ":INPUT REJECT [0:0]"),
        ("FW020", "-A INPUT -i averylonginterface -j ACCEPT"),
        ("FW020", "-A INPUT -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 -j ACCEPT"),
        ("FW021", "-A INPUT -j LOG --log-prefix 123456789012345678901234567890"),
        ("FW026", "-A FORWARD -p tcp -j TCPMSS --clamp-mss-to-pmtu"),
        ("FW001", "-A INPUT --nonsense -j ACCEPT"),
        ("FW001", "-A INPUT -s 10.0.0.300 -j ACCEPT"),
        ("FW001", "-A INPUT -p nosuch -j ACCEPT"),
        ("FW001", "-A INPUT -p tcp --dport"),
        ("FW001", "-A INPUT -j LOG --log-prefix \"open"),
        ("FW001", "what is this"),
    ],
)  # fmt: skip
def test_refused(code: str, lines: str) -> None:
    _, found = read(f"*filter\n{lines}\nCOMMIT\n")
    assert found == [code]


def test_spans_name_the_word() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i eth0 -s 1.2.3.4/0 -j ACCEPT\nCOMMIT\n"
    tree, _ = dialect.parse(SourceFile("x.rules", text))
    _, (found,) = dialect.lift(tree)
    assert found.primary is not None
    assert (found.primary.span.text, found.primary.span.line, found.primary.span.column) == ("1.2.3.4/0", 3, 21)


def test_both_families_in_one_file() -> None:
    text = "*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n*filter\n-A INPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n"
    lifted, found = read(text, "x")
    assert not found
    assert [t.family for t in lifted.tables] == ["ip", "ip6"]


def test_hooks_and_priorities() -> None:
    lifted, _ = read("*nat\nCOMMIT\n*mangle\n:FORWARD DROP [1:2]\nCOMMIT\n")
    nat, mangle = lifted.tables
    assert {(c.base.hook, c.base.priority) for c in nat.chains if c.base} == {
        (Hook.PREROUTING, -100), (Hook.INPUT, 100), (Hook.OUTPUT, -100), (Hook.POSTROUTING, 100),
    }  # fmt: skip
    forward = mangle.chain("FORWARD")
    assert forward is not None
    assert forward.base is not None
    assert (forward.base.priority, type(forward.base.policy).__name__) == (-150, "Drop")


def test_script_lines() -> None:
    script = (
        "#!/bin/sh\n"
        "iptables -P INPUT DROP\n"
        "sudo /sbin/iptables -N web\n"
        "iptables -A INPUT -p tcp --dport 80 -j web  # all the web\n"
        "iptables -I INPUT -i lo -j ACCEPT\n"
        "iptables -A web -m comment --comment 'a b' -j ACCEPT\n"
        "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE\n"
        "ip6tables -A INPUT -g web\n"
        "echo done\n"
        "iptables -A INPUT -s $NET -j DROP\n"
    )
    lifted, found = read(script, "fw.sh")
    assert found == ["FW002", "FW002", "FW015"]
    filter_table = lifted.tables[0]
    chain = filter_table.chain("INPUT")
    assert chain is not None
    assert [type(r.verdict) for r in chain.rules] == [type(ACCEPT), Jump]
    assert filter_table.chain("web").rules[0].comment == "a b"  # type: ignore[union-attr]
    assert isinstance(lifted.tables[-1].chains[0].rules[0].verdict, Goto)


def test_insert_delete_counters() -> None:
    text = (
        "*filter\n:INPUT DROP [7:8]\n[3:4] -A INPUT -s 10.0.0.1 -j DROP\n-A INPUT -s 10.0.0.2 -j DROP\n"
        "-I INPUT 2 -s 10.0.0.3 -j DROP\n-D INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n"
    )
    tree, _ = parse(SourceFile("x", text))
    lifted, found, share = lift_with_share(tree)
    assert not found
    assert [r.match for r in lifted.tables[0].chains[0].rules] == [saddr("10.0.0.3"), saddr("10.0.0.2")]
    assert (share.rules, share.exact) == (3, 3)
    assert "[3:4] -A INPUT -s 10.0.0.1 -j DROP" in dialect.print(tree)[0].text


def test_balanced_translation_is_one_rule() -> None:
    text = (
        "*nat\n-A PREROUTING -p tcp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.0.0.1\n"
        "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.2\nCOMMIT\n"
    )
    lifted, _ = read(text)
    (rule,) = lifted.tables[0].chains[0].rules
    assert isinstance(rule.verdict, Dnat)
    assert len(rule.verdict.targets) == 2


@pytest.mark.parametrize(
    "text", ["", "\0\0", "*", ":", "*filter", "COMMIT", "-A", "[0:0]", "*filter\n-A\n", "*filter\n:\n!", '"' * 50]
)
def test_rubbish_is_no_crash(text: str) -> None:
    tree, _ = dialect.parse(SourceFile("x", text))
    dialect.lift(tree)
