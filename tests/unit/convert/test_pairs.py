"""Conditions and targets that convert knows in both languages of Linux: the words, and what has none.

That the kernel decides both alike is tested in tests/kernel/test_pairs.py and test_proxies.py."""

from __future__ import annotations

import pytest

from fwc.api import ReadRequest, convert
from fwc.diagnostics import Severity
from fwc.source import SourceFile

TRACKED = "-A INPUT -m conntrack --ctstate INVALID -j DROP\n"
FILTER = "*filter\n:INPUT ACCEPT [0:0]\n{rules}COMMIT\n"


def refusal(found: list[object]) -> str:
    return next(d.message for d in found if d.severity is Severity.ERROR)  # type: ignore[attr-defined]


def to_nft(text: str, version: int = 4) -> str:
    request = ReadRequest("iptables-save", family=f"v{version}")
    output, found = convert(SourceFile("rules", text), request, "nftables")
    return output.files[0].text if output is not None else refusal(found)  # type: ignore[arg-type]


def to_iptables(text: str, version: int = 4) -> str:
    output, found = convert(SourceFile("nftables.conf", text), ReadRequest("nft"), "iptables")
    if output is None:
        return refusal(found)  # type: ignore[arg-type]
    return "".join(f.text for f in output.files if f.name == f"rules.v{version}")


def lines(text: str, start: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith(start)]


PAIRS = [
    ("-p tcp -m tcpmss --mss 500:536", "meta l4proto tcp tcp option maxseg size 500-536"),
    ("-p tcp -m tcpmss --mss 500", "meta l4proto tcp tcp option maxseg size 500"),
    ("-p tcp -m tcp --tcp-option 8", "meta l4proto tcp tcp option timestamp exists"),
    ("-p tcp -m tcp --dport 80 -m tcp ! --tcp-option 77", "tcp dport 80 tcp option 77 missing"),
    ("-p tcp -m ecn --ecn-tcp-cwr", "tcp flags & cwr == cwr"),
    ("-p tcp -m ecn ! --ecn-tcp-ece", "tcp flags & 0x40 == 0x0"),
    ("-m ecn --ecn-ip-ect 2", "ip ecn ect0"),
    ("-m ecn ! --ecn-ip-ect 3", "ip ecn != ce"),
    ("-m connbytes --connbytes 5:9 --connbytes-mode packets --connbytes-dir both", "ct packets 5-9"),
    ("-m connbytes ! --connbytes 5:9 --connbytes-mode bytes --connbytes-dir reply", "ct reply bytes != 5-9"),
    ("-m connbytes --connbytes 1:9 --connbytes-mode avgpkt --connbytes-dir original", "ct original avgpkt 1-9"),
    ("-m conntrack --ctproto 6", "ct original protocol 6"),
    ("-m conntrack --ctdir REPLY", "ct direction reply"),
    ("-m conntrack --ctexpire 5:10", "ct expiration 5s-10s999ms"),
    ("-m conntrack --ctreplsrc 10.0.0.0/8", "ct reply ip saddr 10.0.0.0/8"),
    ("-m conntrack ! --ctrepldst 10.0.0.1", "ct reply ip daddr != 10.0.0.1"),
    ("-p udp -m conntrack --ctorigsrcport 80:90", "meta l4proto udp ct original proto-src 80-90"),
    ("-p udp -m conntrack ! --ctrepldstport 80", "meta l4proto udp ct reply proto-dst != 80"),
    ("-p esp -m esp --espspi 5:7", "meta l4proto esp esp spi 5-7"),
    ("-p ah -m ah ! --ahspi 5", "meta l4proto ah ah spi != 5"),
    ("-m cpu ! --cpu 0", "meta cpu != 0"),
]


@pytest.mark.parametrize(("iptables", "nft"), PAIRS)
def test_both_ways(iptables: str, nft: str) -> None:
    there = to_nft(FILTER.format(rules=f"{TRACKED}-A INPUT {iptables} -j DROP\n"))
    assert f"{nft} drop" in there
    assert f"-A INPUT {iptables} -j DROP" in to_iptables(there)


CHAIN = "table ip t {{ chain c {{ type filter hook input priority filter; ct state invalid drop; {rule}; }} }}\n"


@pytest.mark.parametrize(
    ("nft", "iptables"),
    [
        (
            "tcp option maxseg size != { 1-5, 9 }",
            ["-p tcp -m tcp --tcp-option 2 -m tcpmss ! --mss 1:5 -m tcpmss ! --mss 9"],
        ),
        ("tcp option maxseg size < 500", ["-p tcp -m tcpmss --mss 0:499"]),
        ("meta l4proto tcp tcp option maxseg missing", ["-p tcp -m tcp ! --tcp-option 2"]),
        ("tcp option maxseg missing", ["! -p tcp", "-p tcp -m tcp ! --tcp-option 2"]),
        ("iifgroup != 5", ["-m devgroup ! --src-group 5"]),
        ("esp spi { 5, 7-9 }", ["-p esp -m esp --espspi 5", "-p esp -m esp --espspi 7:9"]),
        ("ct direction != original", ["-m conntrack --ctdir REPLY"]),
        ("ct original protocol != udp", ["-m conntrack ! --ctproto 17"]),
        (
            "ct bytes > 100",
            ["-m connbytes --connbytes 101:18446744073709551615 --connbytes-mode bytes --connbytes-dir both"],
        ),
        ("ct expiration 1m-1h999ms", ["-m conntrack --ctexpire 60:3600"]),
        ("meta cpu { 0, 2 }", ["-m cpu --cpu 0", "-m cpu --cpu 2"]),
    ],
)
def test_from_nft(nft: str, iptables: list[str]) -> None:
    found = lines(to_iptables(CHAIN.format(rule=f"{nft} accept")), "-A INPUT")
    assert found[1:] == [f"-A INPUT {each} -j ACCEPT" for each in iptables]


def test_an_option_that_is_not_there_is_not_excluded() -> None:
    """`! --mss` holds without the option, `!=` does not."""
    there = to_nft(FILTER.format(rules=f"{TRACKED}-A INPUT -p tcp -m tcpmss ! --mss 1:536 -j DROP\n"))
    assert lines(there, "meta l4proto") == [
        "meta l4proto tcp tcp option maxseg missing drop",
        "meta l4proto tcp tcp option maxseg size != 1-536 drop",
    ]
    assert lines(to_iptables(there), "-A INPUT")[1:] == [
        "-A INPUT -p tcp -m tcp ! --tcp-option 2 -j DROP",
        "-A INPUT -p tcp -m tcp --tcp-option 2 -m tcpmss ! --mss 1:536 -j DROP",
    ]


@pytest.mark.parametrize(
    "rule",
    [
        "-p tcp -m tcpmss --mss 500",  # xt_tcpmss reads later pieces of a packet, which are not put together here
        "-p tcp -m tcp ! --tcp-option 8",
        "-p tcp -m tcp --tcp-option 1",  # nft does not look at the last byte
        "-m ecn --ecn-ip-ect 1 -m esp --espspi 5",  # no -p esp: any packet's bytes
        "-m conntrack --ctorigsrcport 80",  # nft wants one protocol
        "-m connbytes --connbytes 0:9 --connbytes-mode avgpkt --connbytes-dir both",  # what is not counted is 0 to nft
        "-m connbytes ! --connbytes 5:5 --connbytes-mode bytes --connbytes-dir both",  # the kernel takes it for 5:5
        "-m conntrack ! --ctstate NEW --ctproto 6",  # a packet without connection is asked for its state alone
        "-p tcp -m socket",  # nft's `socket` does not put packets together
        "-m cgroup --cgroup 5",  # answers of a listening socket: no socket to xt_cgroup, the listening one to nft
        "-m quota --quota 100",
    ],
)
def test_refused(rule: str) -> None:
    assert "nftables cannot express" in to_nft(FILTER.format(rules=f"-A INPUT {rule} -j DROP\n"))


@pytest.mark.parametrize(
    "rule",
    [
        "oifgroup 5",
        "ct avgpkt < 9",
        "ct bytes != 5",
        "ct expiration 5s",
        "ct expiration 5s-10s",
        "meta cgroup 5",
        "socket wildcard 0",
    ],
)
def test_refused_back(rule: str) -> None:
    assert "iptables cannot express" in to_iptables(CHAIN.format(rule=f"{rule} accept"))


def test_traffic_class() -> None:
    rules = "-A INPUT -m tos --tos 0x10/0x3f -j DROP\n-A INPUT -m tos ! --tos 0x11/0xff -j DROP\n"
    assert lines(to_nft(FILTER.format(rules=rules)), "ip ") == [
        "ip dscp { 4, 20, 36, 52 } ip ecn not-ect drop",
        "ip dscp != 4 drop",
        "ip ecn != ect1 drop",
    ]
    text = to_nft("*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -j TOS --set-tos 0x12\nCOMMIT\n")
    assert "meta l4proto tcp ip dscp set 0x04 ip ecn set ect0" in text
    assert lines(to_iptables(text), "-A actions") == [
        "-A actions -j DSCP --set-dscp 0x04",
        "-A actions -j TOS --set-tos 0x2/0x3",
    ]
    assert "nftables cannot express" in to_nft(
        "*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j TOS --set-tos 0x10/0x3f\nCOMMIT\n"
    )


@pytest.mark.parametrize(
    ("iptables", "nft"),
    [
        ("--queue-num 3", "queue to 3"),
        ("--queue-num 5 --queue-bypass", "queue flags bypass to 5"),
        ("--queue-balance 1:4 --queue-bypass --queue-cpu-fanout", "queue flags bypass,fanout to 1-4"),
    ],
)
def test_queues(iptables: str, nft: str) -> None:
    there = to_nft(FILTER.format(rules=f"-A INPUT -p tcp -j NFQUEUE {iptables}\n"))
    assert f"meta l4proto tcp {nft}" in there
    assert f"-A INPUT -p tcp -j NFQUEUE {iptables}" in to_iptables(there)
    assert "-j NFQUEUE --queue-balance 1:3 --queue-bypass" in to_iptables(CHAIN.format(rule="queue num 1-3 bypass"))


def test_a_trace_stands_in_raw() -> None:
    there = to_nft("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j TRACE\nCOMMIT\n")
    assert "meta l4proto tcp meta nftrace set 1" in there
    assert "-A PREROUTING -p tcp -j TRACE" in to_iptables(there)
    assert "iptables cannot express" in to_iptables(CHAIN.format(rule="meta nftrace set 1"))


PROXY = """*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m socket --transparent --nowildcard -j MARK --set-xmark 0x1/0x1
-A PREROUTING -p tcp -m socket -j ACCEPT
-A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 3129 --on-ip {ip} --tproxy-mark 0x1/0x1
COMMIT
"""


def test_a_proxy_drops_what_has_no_socket() -> None:
    there = to_nft(PROXY.format(ip="127.0.0.1"))
    assert "meta l4proto tcp socket transparent 1 meta mark set" in there
    assert "meta l4proto tcp socket transparent <= 1 jump PREROUTING_unless" in there
    assert lines(there, "socket wildcard") == ["socket wildcard 1 return"]
    assert "tcp dport 80 jump PREROUTING_proxy" in there
    rule = "meta l4proto tcp tproxy to 127.0.0.1:3129 meta mark set meta mark & 0xfffffffe ^ 0x1 accept"
    assert f"{rule}\n\t\tdrop\n" in there
    back = to_iptables(there)
    assert "-A PREROUTING_proxy -p tcp -j TPROXY --on-port 3129 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1\n" in back
    assert "-A PREROUTING -p tcp -m socket --transparent --nowildcard -j MARK --set-xmark 0x1/0x1\n" in back
    assert "tproxy to [::1]:3129 meta mark" in to_nft(PROXY.format(ip="::1"), 6)
    assert "iptables cannot express" in to_iptables(there.replace("accept\n\t\tdrop\n", "accept\n\t\treturn\n"))


def test_connections_are_tracked_for_all_tables_of_a_family() -> None:
    """Not those of the other one: each family is a ruleset of its own."""
    hook = "type filter hook input priority"
    other = "table {family} u {{ chain c {{ " + hook + " filter; {rule}; }} }}\n"
    text = f"table ip t {{ chain c {{ {hook} mangle; tcp flags & cwr == cwr drop; }} }}\n"
    for family, rule, converts in (
        ("ip", "ct state new drop", True),
        ("inet", "ct state new drop", True),
        ("inet", "meta nfproto ipv4 ct mark 5 drop", True),
        ("ip6", "ct state new drop", False),
        ("inet", "meta nfproto ipv6 ct state new drop", False),
        ("inet", "ip6 saddr 2001:db8::1 ct state new drop", False),
    ):
        found = to_iptables(text + other.format(family=family, rule=rule))
        assert ("-m ecn --ecn-tcp-cwr -j DROP" in found) is converts, (family, rule, found)


def test_both_families() -> None:
    """In a table of both a drop of the same family counts; what is asked of one family is asked in its file only."""
    rules = """ct state untracked drop
  tcp dport 80 tproxy ip to 127.0.0.1:3129 meta mark set 1 accept
  tcp dport 80 tproxy ip6 to [::1]:3129 meta mark set meta mark | 1 accept
  tcp dport 80 drop
  ip ecn ce drop"""
    text = f"table inet t {{\n chain c {{\n  type filter hook prerouting priority mangle;\n  {rules}\n }}\n}}\n"
    target = "-A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 3129"
    assert f"{target} --on-ip 127.0.0.1 --tproxy-mark 0x1/0xffffffff\n" in to_iptables(text, 4)
    assert f"{target} --on-ip ::1 --tproxy-mark 0x1/0x1\n" in to_iptables(text, 6)
    assert "--ecn-ip-ect 3" in to_iptables(text, 4)
    assert "--ecn-ip-ect 3" not in to_iptables(text, 6)


def test_what_stands_behind_tproxy_is_part_of_it() -> None:
    """A packet without such a socket is not accepted by this rule."""
    text = CHAIN.replace("input priority filter", "prerouting priority mangle").format(
        rule="tcp dport 80 tproxy to :3129 accept; tcp dport 80 accept"
    )
    assert "tproxy" in to_iptables(text)
