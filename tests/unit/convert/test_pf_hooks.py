"""A pf.conf in netfilter's hooks: what the random rulesets of tests/properties do not meet, and what is refused
where."""

from __future__ import annotations

import pytest
from tests.reference.nft_oracle import NftRules
from tests.reference.packet import Packet

from fwc.api import ReadRequest, convert
from fwc.diagnostics import Severity
from fwc.source import SourceFile

HOST, PEER, SERVER = 0xCB007101, 0xC6336407, 0x0A010005
SYN, SYN_ACK, ACK = 2, 18, 16


def nft(text: str) -> str:
    output, found = convert(SourceFile("pf.conf", text), ReadRequest("pf"), "nftables")
    assert output is not None, [d.message for d in found]
    return output.files[0].text


def said(text: str, severity: Severity) -> list[tuple[int, str]]:
    _, found = convert(SourceFile("pf.conf", text), ReadRequest("pf"), "nftables")
    return [(d.primary.span.line if d.primary else 0, d.message) for d in found if d.severity is severity]


class Machine:
    """The converted text and one connection, whose mark is carried from packet to packet."""

    def __init__(self, text: str) -> None:
        self.rules = NftRules(nft(text))
        self.mark = 0

    def decide(self, hook: str, flags: int, state: str = "new", reply: bool = False, **more: object) -> str:
        ends = (HOST, PEER) if hook == "output" else (PEER, SERVER if hook == "forward" else HOST)
        if reply and hook == "forward":
            ends = (ends[1], ends[0])
        ways = {
            "input": ("em0", ""),
            "output": ("", "em0"),
            "forward": ("em1", "em0") if reply else ("em0", "em1"),
        }
        fields: dict[str, object] = {
            "sport": 4000,
            "dport": 22,
            "flags": flags,
            "iif": ways[hook][0],
            "oif": ways[hook][1],
        }
        direction = "" if state == "invalid" else "reply" if reply else "original"
        fields |= {"state": state, "direction": direction, "ct_mark": self.mark, **more}
        protocol = fields.pop("protocol", 6)
        verdict, _ = self.rules.decide(Packet(hook, 4, protocol, *ends, **fields))  # type: ignore[arg-type]
        if direction:
            self.mark = self.rules.ct_mark
        return verdict


# ----- states ----------------------------------------------------------------------


def test_what_leaves_without_a_state_opens_nothing() -> None:
    """`pass out all` keeps state of SYN only; another tcp packet leaves by pf's pass at the end, and its answer meets
    the rules."""
    machine = Machine("block in all\npass out all\n")
    assert machine.decide("output", ACK) == "accept"
    assert machine.decide("input", ACK, "established", reply=True) == "drop"
    machine = Machine("block in all\npass out all\n")
    assert machine.decide("output", SYN) == "accept"
    assert machine.decide("input", SYN_ACK, "established", reply=True) == "accept"
    assert machine.decide("output", ACK, "established") == "accept"


def test_a_forwarded_connection_has_a_state_on_each_leg() -> None:
    """The leg coming in keeps no state, so the answer meets the rules where it leaves; the other leg knows it."""
    text = "block all\npass in on em0 proto tcp flags any no state\npass out on em1 proto tcp flags any\n"
    machine = Machine(text)
    assert machine.decide("forward", SYN) == "accept"
    assert machine.decide("forward", SYN_ACK, "established", reply=True) == "drop"
    machine = Machine(text + "pass out on em0 proto tcp flags SA/SA no state\n")
    assert machine.decide("forward", SYN) == "accept"
    assert machine.decide("forward", SYN_ACK, "established", reply=True) == "accept"
    assert machine.decide("forward", ACK, "established", reply=True) == "drop"


def test_errors_about_a_known_connection_pass() -> None:
    """An ICMP error belongs to the connection that it is about: conntrack gives it that connection's mark and
    direction."""
    machine = Machine("block in all\npass out all\n")
    assert machine.decide("input", 0, "related", reply=True, icmp=(3, 4)) == "drop"
    assert machine.decide("output", SYN) == "accept"
    assert machine.decide("input", 0, "related", reply=True, icmp=(3, 4)) == "accept"


def test_answers_leave_without_asking_a_rule() -> None:
    machine = Machine("block return all\n")
    assert machine.decide("input", SYN) == "reject"
    assert machine.decide("output", 4, "related", reply=True) == "accept"
    assert machine.decide("output", 4, "invalid") == "reject"
    machine = Machine("block drop all\n")
    assert machine.decide("input", SYN) == "drop"
    assert machine.decide("output", 4, "related", reply=True) == "drop"


def test_block_return_answers_tcp_and_udp() -> None:
    rules = NftRules(nft("block return all\n"))
    answers = [rules.decide(Packet("input", 4, p, PEER, HOST, iif="em0")) for p in (6, 17, 47)]
    assert answers == [("reject", "tcp-reset"), ("reject", "port-unreachable"), ("drop", "")]
    rules = NftRules(nft("block return-icmp(host-prohib) all\n"))
    assert rules.decide(Packet("input", 4, 6, PEER, HOST, iif="em0")) == ("reject", "host-prohibited")


def test_plain_states_where_everything_that_passes_keeps_them() -> None:
    plain = nft("set skip on lo0\nblock all\npass in proto tcp to port 22\npass out all\n")
    assert "ct state established,related goto ip_options" in plain and "ct mark" not in plain
    for loose in ("block in all\n", "block all\npass out no state\n", "block all\npass proto igmp allow-opts\n"):
        assert "ct mark" in nft("set skip on lo0\n" + loose + "pass in proto tcp to port 22\n"), loose
    assert "ct mark" in nft("block all\npass in proto tcp to port 22\n"), (
        "both legs of lo0 are asked, one after the other"
    )


# ----- translations and tags --------------------------------------------------------


def test_the_filter_going_out_sees_the_new_source() -> None:
    text = "nat on em0 inet from 10.0.0.0/8 to any -> 192.0.2.1\nblock out on em0 from 10.0.0.0/8\n"
    chain = nft(text).partition("chain translated_out {")[2].partition("}")[0]
    assert "drop" not in chain and "goto keep_out" in chain
    chain = nft(text.replace("from 10.0.0.0/8\n", "from 192.0.2.0/24\n")).partition("chain translated_out {")[2]
    assert chain.split("\n")[1].strip() == 'oifname "em0" drop'
    found = said(text.replace("-> 192.0.2.1", "-> (em0)"), Severity.ERROR)
    assert found == [(2, "this tests the source of packets to which nat gives another that is not known here")]
    text = "nat on em0 inet from 10.0.0.0/8 to any -> em0\nblock out on em0\npass out on em0 from (em0)\n"
    chain = nft(text).partition("chain translated_out {")[2].partition("}")[0]
    assert chain.strip().splitlines()[0].strip() == 'oifname "em0" meta l4proto != tcp goto keep_out'


def test_a_source_that_is_one_of_several_is_not_known() -> None:
    text = "nat on em0 inet from 10.0.0.0/8 to any -> 192.0.2.0/30\nblock out on em0 from SOURCE\npass out on em1 from 10.0.0.1\n"
    assert (
        "drop" in nft(text.replace("SOURCE", "192.0.2.0/24")).partition("chain translated_out {")[2].partition("}")[0]
    )
    assert [at for at, _ in said(text.replace("SOURCE", "192.0.2.1"), Severity.ERROR)] == [2]
    assert [at for at, _ in said(text.replace("from SOURCE", "proto tcp from any port 22"), Severity.ERROR)] == [2]
    own = "nat on em0 inet from 10.0.0.0/8 to any -> (em0)\nblock out on em0\npass out on em0 from ! (em0)\n"
    assert nft(own).partition("chain translated_out {")[2].split("\n")[1].strip() == 'oifname "em0" drop'


def test_a_translation_makes_a_state_whatever_rule_passes() -> None:
    text = nft("set skip on lo0\nrdr on em0 inet proto tcp to port 80 -> 10.1.0.5\npass in no state\n")
    assert "ct mark & 0x20 == 0x20 ct direction original goto keep_in" in text
    assert 'iifname "em0" tcp dport 80 ct mark set ct mark & 0xffffffdf | 0x00000020 dnat ip to 10.1.0.5' in text


def test_what_rdr_exempts_or_passes() -> None:
    rules = "set skip on lo0\nno rdr on em0 inet proto tcp from 192.0.2.9 to port 80\n"
    rules += "rdr pass on em0 inet proto tcp to port 80 -> 10.1.0.5\nblock in\n"
    text = nft(rules)
    assert 'iifname "em0" tcp dport 80 ip saddr 192.0.2.9 accept' in text
    assert "ct mark & 0x40 == 0x40 ct direction original goto keep_in" in text


def test_a_tag_goes_from_leg_to_leg() -> None:
    """What comes in with a tag meets the rules going out that ask for it; other packets do not."""
    text = (
        "block all\npass in on em0 proto tcp to port 22 tag SSH\npass in on em0 proto udp\npass out on em1 tagged SSH\n"
    )
    machine = Machine(text)
    assert machine.decide("forward", SYN) == "accept"
    machine = Machine(text)
    assert machine.decide("forward", SYN, protocol=17) == "drop"
    machine = Machine(text.replace("tagged SSH", "! tagged SSH"))
    assert machine.decide("forward", SYN) == "drop"
    assert machine.decide("output", SYN, oif="em1") == "accept"


def test_the_tag_of_rdr_goes_to_both_legs() -> None:
    text = "set skip on lo0\nrdr on em0 inet proto tcp to port 80 tag WEB -> 10.1.0.5\n"
    text += "block all\npass in on em0 tagged WEB\npass out on em1 tagged WEB\n"
    shown = nft(text)
    assert "ct mark set ct mark & 0xffffffbf | 0x00000040 dnat ip to 10.1.0.5" in shown
    machine = Machine(text)
    assert machine.decide("forward", SYN, status=("dnat",)) == "drop"
    machine = Machine(text)
    machine.mark = 0x40
    assert machine.decide("forward", SYN, status=("dnat",)) == "accept"


def test_a_state_remembers_its_tag() -> None:
    """The leg going out keeps no state, so it asks again, and the packet has the tag of the state that let it in."""
    text = "block all\npass in on em0 proto tcp tag T\npass out on em1 proto tcp flags any tagged T no state\n"
    machine = Machine(text)
    assert machine.decide("forward", SYN) == "accept"
    assert machine.decide("forward", ACK) == "accept"
    machine = Machine(text)
    assert machine.decide("forward", ACK) == "drop"


def test_a_tag_that_several_give_to_rdr_pass() -> None:
    text = "set skip on lo0\nrdr pass on em0 inet proto tcp to port 80 tag T -> 10.1.0.5\npass in tag T\n"
    assert [(at, m[:10]) for at, m in said(text, Severity.ERROR)] == [(2, "`rdr pass`")]


def test_what_cannot_be_translated_does_not_go_on() -> None:
    """A packet of no connection, which netfilter does not translate; and an answer to what passed without a state."""
    text = "nat on em0 inet from 203.0.113.0/24 to any -> 192.0.2.1\nblock out quick on em0 from 192.0.2.1 to any port 22\n"
    machine = Machine(text)
    assert machine.decide("output", 4, "invalid", dport=80) == "drop"
    assert machine.decide("output", 4, "invalid", dport=80, oif="em1") == "accept"
    assert machine.decide("output", SYN_ACK, "established", reply=True, dport=80) == "accept"
    assert machine.decide("output", SYN_ACK, "established", reply=True, dport=22) == "drop"
    assert machine.mark == 0
    text = "set skip on lo0\nno rdr on em0 inet proto tcp from 192.0.2.9 to port 22\n"
    text += "rdr on em0 inet proto tcp to port 22 -> 10.1.0.5\n"
    machine = Machine(text)
    assert machine.decide("input", 4, "invalid") == "drop"
    assert machine.decide("input", 4, "invalid", dport=80) == "accept"
    assert (
        machine.rules.decide(
            Packet("input", 4, 6, 0xC0000209, HOST, 4000, 22, iif="em0", state="invalid", direction="")
        )[0]
        == "accept"
    )


def test_names_in_tables_are_not_empty_sets() -> None:
    for hosts in ("self", "em0, 10.0.0.1", "10.0.0.1, www.example.com"):
        text = f"table <t> {{ {hosts} }}\nblock in from <t>\n"
        assert [at for at, m in said(text, Severity.ERROR) if "holds names" in m] == [1], hosts
        assert nft(f"table <t> {{ {hosts} }}\nblock in\n"), "nobody asks for the table"


def test_the_loopback_addresses_are_known() -> None:
    text = nft("antispoof quick for lo0\nblock in on lo0 from ! (lo0)\n")
    assert 'ip saddr 127.0.0.0/8 iifname != "lo" drop' in text or 'iifname != "lo" ip saddr 127.0.0.0/8 drop' in text
    assert said("block in from ! lo0\n", Severity.ERROR)


# ----- names, options, scrub --------------------------------------------------------


@pytest.mark.parametrize("name", ["lo0", "lo"])
def test_the_loopback_interface_is_called_lo(name: str) -> None:
    text = nft(f"set skip on {name}\nblock in on ! lo0 all\nblock out on em0 all\n")
    assert 'iif "lo" return' in text and 'oif "lo" return' in text and "lo0" not in text


def test_options_pass_by_allow_opts_only() -> None:
    text = nft("block all\npass in proto igmp allow-opts\npass in proto udp\n")
    assert "meta l4proto igmp goto keep_in_options" in text and "meta l4proto udp goto keep_in\n" in text
    assert "ip hdrlength > 5 drop" in text and "exthdr rt exists drop" in text
    kept = text[text.index("chain keep_in_options") :].partition("}")[0]
    assert "0x00000009" in kept and "ip_options" not in kept
    assert "ct mark & 0x9 == 0x9 ct direction original return" in text


@pytest.mark.parametrize(
    ("flags", "passes"),
    [(f, True) for f in (2, 18, 16, 4, 3, 24)] + [(f, False) for f in (6, 0, 1, 41, 8)],
)
def test_scrub_drops_what_makes_no_sense(flags: int, passes: bool) -> None:
    """pf_normalize_tcp, before states and rules; `no scrub` exempts."""
    machine = Machine("scrub in all\npass all flags any\n")
    assert (machine.decide("input", flags) == "accept") is passes
    machine = Machine("no scrub in on em0\nscrub in all\npass all flags any\n")
    assert machine.decide("input", flags) == "accept"
    machine = Machine("scrub out all\npass all flags any\n")
    assert machine.decide("input", flags) == "accept"


def test_run_time_tables_stay_and_empty_ones_match_nothing() -> None:
    text = nft(
        "table <bad> persist\ntable <none> { }\nblock in quick from <bad>\nblock in from <none>\nblock in to ! <none>\n"
    )
    assert "set bad4" in text and "set bad6" in text and "none" not in text
    assert "drop" in text[text.index("chain pf_in") :]


# ----- what is said ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("pass in from (em0)", "only the machine itself knows"),
        ("pass in on em0 from (em1)", "only the machine itself knows"),
        ("pass in on { em0 em1 } to (em0)", "only the machine itself knows"),
        ("pass in from em0:network", "only the machine itself knows"),
        ("antispoof for em0", "only the machine itself knows"),
        ("pass in on egress all", "is a group of interfaces"),
        ("set skip on tun", "is a group of interfaces"),
        ("scrub in on tun all", "is a group of interfaces"),
        ("scrub in from <bad> to any", "tables and names"),
        ("match in all scrub (no-df random-id)", "don't-fragment"),
        ('anchor "x"', "are not in this file"),
        ('nat-anchor "x"', "are not in this file"),
        ("nat on em0 inet from any to any -> 192.0.2.0/30 source-hash", "by the old one"),
        ("nat on em0 inet from any to any -> www.example.com", "known to the machine only"),
        ("rdr on em0 inet proto tcp to port 80 -> 127.0.0.1", "Linux drops"),
        ("rdr inet proto tcp to port 80 -> 10.0.0.1", "sends to itself"),
        ("nat log on em0 inet from any to any -> 192.0.2.1", ""),
        ("pass in proto tcp to port 22 synproxy state", "answers the handshake"),
        ("pass in proto tcp to port 22 modulate state", "new sequence numbers"),
        ("pass in proto tcp to port 22 keep state (max 10)", "counts the states"),
        ("pass in proto tcp to port 22 keep state (max-src-conn-rate 3/5, overload <bad>)", "overload <bad>"),
        ("pass in route-to (em1 10.0.0.1) inet all", "chooses the way"),
        ("pass in dup-to (em1 10.0.0.1) inet all", "chooses the way"),
        ("pass out proto tcp user root", "asks for the socket"),
        ('pass in proto tcp from any os "Linux"', "(os)"),
        ("pass in inet tos 0x10", "(tos)"),
        ("pass in inet from 10.0.0.1 - 10.0.0.9", "another byte order"),
        ("block in fragment", "puts fragments together"),
        ("block in from urpf-failed", "asks the routing table"),
        ("block in from no-route", "asks the routing table"),
        ("pass in tag X", ""),
        ("pass out tagged X", ""),
        ("block return-icmp(net-unk) in", "no answer with the code 6"),
        ("block return-icmp(host-unr, 1) in", ""),
        ("pass in received-on em0", "no equivalent"),
        ("pass in inet proto tcp to port 22 once", "no equivalent"),
        ("pass in to ! self", "only the machine itself knows"),
        ("pass in set prio 6", ""),
        ("scrub in all max-mss 1400", "lowers the MSS"),
        ("scrub in all no-df random-id", "don't-fragment"),
        ("scrub in all min-ttl 15", "raises the TTL"),
        ('include "/etc/other"', "are not in this file"),
        ("match in all scrub (max-mss 1400)", "lowers the MSS"),
    ],
)
def test_refused_at_its_line(line: str, part: str) -> None:
    text = "# pf.conf\n" + line + "\n"
    if not part:
        assert nft(text)
        return
    found = said(text, Severity.ERROR)
    assert found and all(at == 2 for at, _ in found), found
    assert any(part in message for _, message in found), found


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("set timeout tcp.established 3600", "sysctls on Linux"),
        ("set limit states 1000", "sysctls on Linux"),
        ("pass in proto tcp to port 22 keep state (tcp.established 60)", "timeout"),
        ("pass in log (all) proto tcp to port 22", "first packet only"),
        ("pass in proto tcp to port 22 queue web", "queue is left out"),
        ("pass in set prio 6", "the order in which packets are sent"),
        ("block return-rst(ttl 5) in proto tcp", "with its own"),
        ("altq on em0 cbq bandwidth 10Mb queue { a, b }", "altq"),
    ],
)
def test_left_out_with_a_warning(line: str, part: str) -> None:
    assert nft(line + "\n")
    assert any(at == 1 and part in message for at, message in said(line + "\n", Severity.WARNING))


def test_rules_that_join_an_anchor() -> None:
    text = 'anchor "a" {\n\tpass in proto tcp\n}\nload anchor "a" from "/etc/a"\n'
    assert [at for at, _ in said(text, Severity.ERROR)] == [4]
    assert nft(text.replace('load anchor "a"', 'load anchor "b"'))


def test_every_reason_is_told() -> None:
    found = said("pass in quick from (em0)\nblock all\npass in proto tcp user root synproxy state\n", Severity.ERROR)
    assert [at for at, _ in found] == [1, 3, 3]
