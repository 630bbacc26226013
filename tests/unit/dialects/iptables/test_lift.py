"""iptables text to IR: what every spelling means, and what the real tool refuses."""

from __future__ import annotations

import pytest
from tests.unit.dialects.iptables.build import dport, iif, net, proto, read, rule_of, saddr

from fwc.diagnostics import Severity
from fwc.dialects.iptables import dialect
from fwc.dialects.iptables.lift import lift_with_share
from fwc.dialects.iptables.parse import parse
from fwc.ir.match import (
    AddressTypeIs,
    AnyOf,
    Chance,
    EveryNth,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    Opaque,
    Per,
    Recent,
    RecentAct,
    ReversePathFails,
    TimeWindow,
    WithinConnections,
    WithinRate,
    all_of,
)
from fwc.ir.verdict import (
    ACCEPT,
    CopyMark,
    Dnat,
    Duplicate,
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
    SetZone,
)
from fwc.ir.walk import conjuncts
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
        ("-i eth+", iif("eth*")),
        ("-p tcp --dport 22", all_of(TCP, dport(22))),
        ("-p tcp -m tcp --dport ssh", all_of(TCP, dport(22))),
        ("-p tcp --destination-port :1023", all_of(TCP, dport((0, 1023)))),
        ("-p tcp --dport 0x16", all_of(TCP, dport(22))),
        ("--prot tcp --dpo 22", all_of(TCP, dport(22))),
        ("-s 172.16.0/24", saddr("172.16.0.0/24")),
        ("-s 10.1/16", saddr("10.1.0.0/16")),
        ("-s 0x0a000001", saddr("10.0.0.1")),
        ("-s 010.0.0.1/0x20", saddr("8.0.0.1")),
        ("-s 1.2.0.0/024", saddr("1.2.0.0/20")),
        ('-s "10.0.0.1, 10.0.0.9"', saddr("10.0.0.1", "10.0.0.9")),
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
        ("-m time --timestart 08:00 --timestop 17:59:59 --kerneltz", TimeWindow(28800, 64800)),
        ("-m time --timestart 08:00 --weekdays 1", TimeWindow(28800, 86400, frozenset({0}), utc=True)),
        (
            "-m time --timestart 22:00 --timestop 06:00 --kerneltz",
            AnyOf((TimeWindow(79200, 86400), TimeWindow(0, 21601))),
        ),
        (
            "-m time --datestart 2026-01-01 --datestop 2026-12-31T11:00 --kerneltz",
            TimeWindow(since="2026-01-01T00:00:00", until="2026-12-31T11:00:00"),
        ),
        ("-m time --weekdays Sat,7 --datestop 2038-01-19T03:14:07 --kerneltz", TimeWindow(days=frozenset({5, 6}))),
        ("-m pkttype --pkt-type broadcast", FieldIn(Field.PKTTYPE, IntervalSet.of(1))),
        ("-m addrtype --dst-type LOCAL", AddressTypeIs(Field.DADDR, "local")),
        ("-m addrtype ! --src-type BROADCAST", Not(AddressTypeIs(Field.SADDR, "broadcast"))),
        (
            "-m addrtype --dst-type UNICAST,MULTICAST",
            AnyOf((AddressTypeIs(Field.DADDR, "unicast"), FieldIn(Field.DADDR, net("224.0.0.0/4")))),
        ),
        ("-m recent --set --name a", Recent("a", RecentAct.SET, Field.SADDR, 0xFFFFFFFF)),
        (
            "-m recent ! --rcheck --seconds 60 --hitcount 4 --rttl --reap --rdest --mask 255.255.255.0",
            Not(Recent("DEFAULT", RecentAct.CHECK, Field.DADDR, 0xFFFFFF00, 60, 4, True, True)),
        ),
        ("-m statistic --mode nth --every 3 --packet 1", EveryNth(3, 1)),
        ("-m statistic --mode nth ! --every 3 --packet 0", Not(EveryNth(3, 0))),
        ("-m u32 --u32 4&0x3FFF=0", FieldIn(Field.FRAGMENT, IntervalSet.of(0))),
        ("-m u32 ! --u32 0x4&0x3fff=0x0", Not(FieldIn(Field.FRAGMENT, IntervalSet.of(0)))),
        ("-m time --monthdays 1", Opaque("iptables", "-m time --monthdays 1", "time")),
        ("-m time --timestart 08:00 --timestop 08:00", Opaque("iptables", "-m time --timestart 08:00 --timestop 08:00", "time")),
        ("-p icmp --icmp-type echo-request", all_of(proto(1), FieldIn(Field.ICMP, IntervalSet.range(2048, 2303)))),
    ],
)  # fmt: skip
def test_match(words: str, match: Match) -> None:
    assert rule_of(f"{words} -j ACCEPT").match == match


@pytest.mark.parametrize(
    ("words", "name", "match"),
    [
        ("--validmark --loose", "rules.v4", Not(ReversePathFails(loose=True, mark=True))),
        ("--invert", "rules.v6", ReversePathFails()),
        ("--validmark", "rules.v6", Opaque("iptables", "-m rpfilter --validmark", "rpfilter")),
    ],
)
def test_reverse_path(words: str, name: str, match: Match) -> None:
    assert rule_of(f"-m rpfilter {words} -j ACCEPT", "raw", "PREROUTING", name).match == match


@pytest.mark.parametrize(
    ("kinds", "match"),
    [
        ("LOCAL", AddressTypeIs(Field.DADDR, "local")),
        ("MULTICAST", FieldIn(Field.DADDR, net("ff00::/8"))),
        ("LOCAL,UNICAST", Opaque("iptables", "-m addrtype --dst-type LOCAL,UNICAST", "addrtype")),  # both, not one
    ],
)
def test_address_types_of_ip6tables(kinds: str, match: Match) -> None:
    assert rule_of(f"-m addrtype --dst-type {kinds} -j ACCEPT", name="rules.v6").match == match


@pytest.mark.parametrize(
    ("table", "chain", "words", "verdict"),
    [
        ("filter", "INPUT", "-j REJECT", Reject(RejectKind.PORT_UNREACHABLE)),
        ("filter", "INPUT", "-p tcp -j REJECT --reject-with tcp-reset", Reject(RejectKind.TCP_RESET)),
        ("filter", "INPUT", "-j REJECT --reject-with icmp-host-prohibited", Reject(RejectKind.HOST_PROHIBITED)),
        ("nat", "PREROUTING", "-p tcp --dport 80:81 -j DNAT --to 10.0.0.5:90-91/80",
         Dnat((NatTarget(Family.V4, 0x0A000005, 0x0A000005, (90, 91)),), PortChoice.OFFSET)),
        ("nat", "PREROUTING", "-p tcp -j REDIRECT --to-ports 3128", Redirect((3128, 3128))),
        ("mangle", "PREROUTING", "-p tcp -j TPROXY --on-port 1",
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
        ("raw", "PREROUTING", "-j CT --zone 5", SetZone(5)),
        ("raw", "PREROUTING", "-j CT --zone-orig 5", SetZone(5, "original")),
        ("filter", "INPUT", "-j TEE --gateway 10.0.0.1", Duplicate(Family.V4, 0x0A000001)),
        ("filter", "INPUT", "-j TEE --gateway 10.0.0.1 --oif eth1", Duplicate(Family.V4, 0x0A000001, "eth1")),
        (
            "filter",
            "INPUT",
            "-j NFLOG --nflog-group 3 --nflog-size 64 --nflog-threshold 5",
            Log("", "", 3, size=64, threshold=5),
        ),
        (
            "mangle",
            "POSTROUTING",
            "-j CHECKSUM --checksum-fill",
            OpaqueAction("iptables", "-j CHECKSUM --checksum-fill", "CHECKSUM"),
        ),
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
        ("FW001", "-A INPUT ! ! -i lo -j ACCEPT"),
        ("FW001", "-A INPUT -m ad\0rtype -j ACCEPT"),
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


@pytest.mark.parametrize("words", ["-s ! 10.0.0.0/8", "-p tcp --dport ! 22", "-i ! eth0"])
def test_negation_behind_the_option_is_read_and_said(words: str) -> None:
    option, rest = words.rsplit(" ! ", 1)
    start, _, name = option.rpartition(" ")
    late, found = read(f"*filter\n-A INPUT {words} -j DROP\nCOMMIT\n")
    modern, none = read(f"*filter\n-A INPUT {start} ! {name} {rest} -j DROP\nCOMMIT\n")
    assert late.tables[0].chains[0].rules[0].match == modern.tables[0].chains[0].rules[0].match
    assert (found, none) == (["FW001"], [])


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("filter", "-A INPUT -m owner --uid-owner 0 -j DROP"),
        ("filter", "-A OUTPUT -m mac --mac-source 00:11:22:33:44:55 -j DROP"),
        ("filter", "-A INPUT -m rpfilter --invert -j DROP"),
        ("filter", "-A INPUT -m policy --dir out --pol ipsec -j DROP"),
        ("filter", "-A INPUT -j user\n-A user -j CLASSIFY --set-class 1:2"),
        ("filter", "-A INPUT -m tcpmss --mss 1:2 -j DROP"),
        ("nat", "-A PREROUTING -j user\n-A user -j MASQUERADE"),
        ("nat", "-A PREROUTING -j DNAT --to-destination 10.0.0.1:80"),
        ("mangle", "-A FORWARD -p tcp -j TPROXY --on-port 1"),
        ("raw", "-A PREROUTING -j CT --helper ftp"),
        ("filter", "-A FORWARD -m cgroup --path a -j DROP"),
        ("mangle", "-A PREROUTING -m realm --realm 1 -j DROP"),
        ("filter", "-A OUTPUT -m addrtype --dst-type LOCAL --limit-iface-in -j DROP"),
        ("filter", "-A INPUT -m devgroup --dst-group 1 -j DROP"),
        (
            "filter",
            "-A FORWARD -m policy --dir in --pol ipsec -j user\n-A OUTPUT -j user\n-A user -m policy --dir in --pol ipsec",
        ),
        ("filter", "-A FORWARD -p tcp -j TCPOPTSTRIP --strip-options 4"),
        ("raw", "-A PREROUTING -j CONNSECMARK --save"),
    ],
)
def test_what_the_kernel_takes_elsewhere_only(table: str, rule: str) -> None:
    _, found = read(f"*{table}\n:user - [0:0]\n{rule}\nCOMMIT\n")
    assert found == ["FW005"]


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("filter", "-A OUTPUT -m owner --uid-owner 0 -j DROP"),
        ("filter", "-A user -m owner --uid-owner 0 -j DROP"),
        ("raw", "-A PREROUTING -m rpfilter --invert -j DROP"),
        ("filter", "-A FORWARD -m policy --dir out --pol ipsec -j DROP"),
        ("filter", "-A FORWARD -m policy --dir in --pol ipsec -m policy --dir out --pol ipsec -j DROP"),
        ("security", "-A OUTPUT -j CONNSECMARK --save"),
        ("nat", "-A POSTROUTING -j user\n-A user -j MASQUERADE"),
        ("nat", "-A PREROUTING -p udp -j DNAT --to-destination :80"),
        ("nat", ":PREROUTING DROP [0:0]"),
    ],
)
def test_and_takes_here(table: str, rule: str) -> None:
    _, found = read(f"*{table}\n:user - [0:0]\n{rule}\nCOMMIT\n")
    assert not found


def test_an_option_of_a_match_is_no_abbreviation() -> None:
    """`--proto` is -p, but behind `-m policy` an option of its own, as strongSwan writes it."""
    lifted, found = read(
        "*filter\n-A INPUT --proto tcp --dport 22\n"
        "-A INPUT -p tcp -m policy --dir in --pol ipsec --reqid 1 --proto esp -j ACCEPT\nCOMMIT\n"
    )
    assert not found
    short, long = lifted.tables[0].chains[0].rules
    assert FieldIn(Field.PROTOCOL, IntervalSet.of(6)) in conjuncts(short.match)
    assert Opaque("iptables", "-m policy --dir in --pol ipsec --reqid 1 --proto esp", "policy") in conjuncts(long.match)


@pytest.mark.parametrize(
    "words",
    """
    -i eth0 -i eth1 -j DROP | -p tcp --dport 1 --dport 2 -j DROP | -j ACCEPT -j DROP | -m state -j DROP | -m icmp -j DROP
    -m string --string a -j DROP | -m string --algo bm -j DROP | -p tcp -m multiport --dports 1 --sports 2 -j DROP
    -m connlimit --connlimit-upto 1 --connlimit-above 2 -j DROP | -m hashlimit --hashlimit-upto 1/s -j DROP
    -m recent --name a -j DROP | -m recent --set --seconds 5 -j DROP | -m recent --rcheck --reap -j DROP
    -m statistic --mode nth --every 3 -j DROP | -m statistic --mode nth --every 3 --packet 3 -j DROP
    -m limit --limit 20000/s -j DROP | -m limit --limit-burst 10001 -j DROP | -m addrtype --dst-type HERE -j DROP
    s- 10.0.0.0/8 -j DROP
    -m pkttype --pkt-type some -j DROP | -m time --timestart 25:00 -j DROP | -m time --weekdays Foo -j DROP
    -m policy --pol ipsec -j DROP | -m hl --hl-eq 1 -j DROP | -j MARK | -j TEE | -j LOG --log-prefix "" | -i "" -j DROP
    """.replace("\n", "|").split("|"),
)
def test_options_that_do_not_load(words: str) -> None:
    if words.strip():
        lifted, found = read(f"*filter\n-A INPUT -s 10.0.0.1 {words.strip()}\nCOMMIT\n", "rules.v4")
        assert found == ["FW001"]
        assert lifted.tables[0].family == "ip"


@pytest.mark.parametrize(
    "text",
    [
        "*filter\n  :INPUT ACCEPT [0:0]\nCOMMIT\n",
        "  # comment\n*filter\nCOMMIT\n",
        "*filter\n   \nCOMMIT\n",
        "*filter\n-A INPUT -j DROP\nCOMMIT \n",
        "*filter\r\n-A INPUT -j DROP\r\nCOMMIT\r\n",
        "*filter\nCOMMIT\nend\n",
        "*filter\n:ACCEPT - [0:0]\nCOMMIT\n",
        "*filter\n:user - [0:0]\n-N user\nCOMMIT\n",
    ],
)
def test_lines_that_iptables_restore_refuses(text: str) -> None:
    _, found = read(text)
    assert found == ["FW001"]


def test_a_rule_may_be_indented() -> None:
    _, found = read("*filter\n:INPUT ACCEPT [0:0]\n  -A INPUT -j DROP\nCOMMIT\n")
    assert not found


def test_a_circle_that_nothing_reaches_loads() -> None:
    circle = "*filter\n:a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b -j a\n{}COMMIT\n"
    for more, severity in (("", Severity.WARNING), ("-A INPUT -j a\n", Severity.ERROR)):
        tree, _ = parse(SourceFile("rules.v4", circle.format(more)))
        _, found, _ = lift_with_share(tree)
        assert [(d.code, d.severity) for d in found] == [("FW016", severity)]


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


@pytest.mark.parametrize(
    ("head", "rule", "family"),
    [
        ("# works with iptables and ip6tables, for IPv6 too", "-j DROP", "ip"),
        ("# load with ip6tables-restore", "-j DROP", "ip6"),
        ("# Generated by ip6tables-save v1.8.7", "-p icmp -j ACCEPT", "ip6"),
        ("# Generated by iptables-save v1.8.7, see ip6tables", "-j DROP", "ip"),
        ("", '-m comment --comment "not for ipv6" -j DROP', "ip"),
        ("", "-s ::1/128 -j DROP", "ip6"),
    ],
)
def test_the_family_is_told_by_rules_and_not_by_prose(head: str, rule: str, family: str) -> None:
    lifted, _ = read(f"{head}\n*filter\n:INPUT DROP [0:0]\n-A INPUT {rule}\nCOMMIT\n", "dump")
    assert lifted.tables[0].family == family
