"""Converted dumps on the kernel: every random packet fares under nftables, and under iptables again, as under the original."""

from __future__ import annotations

import random
import time

import pytest
from tests.kernel.convert_campaign import Figures, judge, laboratory

from fwc.api import ReadRequest, convert
from fwc.net.hooks import Family
from fwc.project.kernel.frames import TCP, UDP, Probe
from fwc.project.kernel.laboratory import Laboratory
from fwc.source import SourceFile

pytestmark = pytest.mark.kernel
OUTSIDE = 0xC6336401  # 198.51.100.1

ROUTER = """*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 10.0.0.7/32 -j MARK --set-xmark 0x7/0xff
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.20:80
-A POSTROUTING -s 10.0.0.0/24 -o other0 -j SNAT --to-source 198.51.100.1
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ports - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -m addrtype --dst-type BROADCAST,MULTICAST -j DROP
-A INPUT -f -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -p tcp -g ports
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -j LOG --log-prefix "in " --log-tcp-options --log-uid
-A FORWARD -s 10.0.0.0/24 -p udp -m multiport --dports 53,123,5000:5100 -j ACCEPT
-A FORWARD -d 10.0.0.20/32 -p tcp -m tcp --dport 80 ! --tcp-flags FIN,SYN,RST,ACK ACK -j ACCEPT
-A FORWARD ! -i eth0 -s 10.0.0.0/24 -m mark --mark 0x7/0xff -j ACCEPT
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
-A ports -s 203.0.113.0/24 -p tcp -m tcp --dport 3306 -m comment --comment "database" -j ACCEPT
-A ports -s 203.0.113.9/32 -j REJECT --reject-with icmp-admin-prohibited
COMMIT
"""

HOST6 = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -s 2001:db8:77::/64 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -s 2001:db8:77::9/128 -j ACCEPT
-A INPUT -p udp -m udp ! --sport 53 -j REJECT --reject-with icmp6-port-unreachable
-A FORWARD -d 2001:db8:77::/64 -i eth0 -j ACCEPT
COMMIT
"""


BALANCED = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SEP-A - [0:0]
:KUBE-SEP-B - [0:0]
:KUBE-SEP-C - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-WEB - [0:0]
-A PREROUTING -m comment --comment "service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-SEP-A -s 203.0.113.10/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-A -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 203.0.113.10:8080
-A KUBE-SEP-B -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 203.0.113.11:8080
-A KUBE-SEP-C -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 203.0.113.12:8080
-A KUBE-SERVICES -d 203.0.113.77/32 -p tcp -m comment --comment "default/web" -m tcp --dport 80 -j KUBE-SVC-WEB
-A KUBE-SVC-WEB ! -s 203.0.113.0/28 -d 203.0.113.77/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-WEB -m statistic --mode random --probability 0.33333333349 -j KUBE-SEP-A
-A KUBE-SVC-WEB -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-B
-A KUBE-SVC-WEB -j KUBE-SEP-C
COMMIT
"""

ODDITIES = """*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8000:9000 -j MARK --set-xmark 0x2a5/0xffffffff
-A PREROUTING -m mark --mark 0x2a5 -j CONNMARK --save-mark --nfmask 0x1f0 --ctmask 0x1f0
-A PREROUTING -p tcp -m tcp --dport 9000 -j MARK --set-xmark 0x13/0xffffffff
-A PREROUTING -m connmark ! --mark 0x0 -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:owners - [0:0]
-A INPUT -p udp -m statistic --mode nth --every 3 --packet 1 -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -m statistic --mode nth ! --every 2 --packet 0 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j NFLOG --nflog-prefix "web " --nflog-group 7 --nflog-size 64 --nflog-threshold 2
-A INPUT -m u32 ! --u32 0x4&0x3fff=0x0 -j DROP
-A INPUT -p tcp -j TEE --gateway 198.51.100.99
-A INPUT -p tcp -j ACCEPT
-A OUTPUT -j owners
-A OUTPUT -p tcp -m owner ! --uid-owner 1337 -j DROP
-A OUTPUT -j DROP
-A owners -p udp -m owner ! --gid-owner 1337 -j RETURN
-A owners -p icmp -m owner ! --uid-owner 0 -j RETURN
-A owners -j ACCEPT
COMMIT
"""

ROUTING6 = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m rt --rt-type 0 -j DROP
-A INPUT -m rt --rt-type 2 --rt-segsleft 1 -j DROP
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j TEE --gateway 2001:db8:100::9
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p ipv6-icmp -m statistic --mode nth --every 4 --packet 3 -j ACCEPT
COMMIT
"""

NETWORKS = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 203.0.113.0/24 -i eth0 -j NETMAP --to 10.9.0.0/16
-A PREROUTING -d 198.18.0.0/16 -p tcp -j NETMAP --to 10.8.7.0/24
-A PREROUTING -i eth0 -p udp -j NETMAP --to 10.7.0.0/20
-A POSTROUTING -s 203.0.113.0/24 -j NETMAP --to 10.6.5.0/24
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -d 10.9.113.128/25 -j DROP
COMMIT
"""

CASES = {
    "networks": (NETWORKS, 4),
    "router": (ROUTER, 4),
    "host6": (HOST6, 6),
    "balanced": (BALANCED, 4),
    "oddities": (ODDITIES, 4),
    "routing6": (ROUTING6, 6),
}


@pytest.mark.parametrize(("text", "version"), CASES.values(), ids=CASES)
def test_a_dump_means_the_same_after_conversion(text: str, version: int, _possible: None) -> None:
    figures = Figures()
    judge(text, version, 250, 7, figures)
    assert figures.converted == 1, figures.refused
    assert figures.judged == 1, figures.skipped
    assert not figures.differences, figures.differences[:3]
    assert figures.packets > 200
    assert {"accept", "drop"} <= set(figures.fates) or text is BALANCED
    assert (figures.random > 10) is (text is BALANCED)


def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch, _possible: None) -> None:
    """The judge is not blind: a conversion that loses a rule is found."""
    from tests.kernel import convert_campaign

    right = convert_campaign.forms

    def wrong(text: str, version: int, name: str = "dump") -> tuple[str, str] | str:
        return right(text.replace("-A INPUT -p tcp -g ports\n", "-A INPUT -p tcp -j ACCEPT\n"), version, name)

    monkeypatch.setattr(convert_campaign, "forms", wrong)
    figures = Figures()
    judge(ROUTER, 4, 250, 7, figures)
    assert figures.differences


IPSETS = """create bad hash:net family inet
add bad 203.0.113.0/28
add bad 203.0.113.66
create web hash:ip,port family inet
add web 10.0.0.20,tcp:80
add web 10.0.0.20,tcp:443
add web 10.0.0.21,udp:53
create ways hash:ip,port,net family inet
add ways 203.0.113.40,tcp:22,10.0.0.0/28
add ways 203.0.113.41,udp:22,10.0.0.16/28
"""
WITH_SETS = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m set --match-set bad src -j REJECT --reject-with icmp-host-prohibited
-A INPUT -p tcp -m set ! --match-set bad src -m tcp --dport 22 -j ACCEPT
-A FORWARD -m set --match-set bad src -p icmp -j ACCEPT
-A FORWARD -m set --match-set web dst,dst -j ACCEPT
-A FORWARD -m set --match-set ways src,dst,dst -j ACCEPT
COMMIT
"""


def test_ipsets_become_nft_sets_and_ipsets_again(_possible: None) -> None:
    output, found = convert(SourceFile("all.v4", IPSETS + WITH_SETS), ReadRequest("iptables-save"), "nftables")
    assert output is not None, found
    nft = output.files[0].text
    back, found = convert(SourceFile("nftables.conf", nft), ReadRequest("nft"), "iptables")
    assert back is not None, found
    again = {f.name: f.text for f in back.files}
    draw = random.Random(9)
    sent = []
    for number in range(300):
        source = 0xCB007100 | draw.choice((3, 15, 16, 40, 41, 66, 99))
        target = draw.choice((OUTSIDE, 0x0A000000 | draw.choice((5, 14, 20, 21, 30, 99))))
        port = draw.choice((22, 53, 80, 443, 444))
        sent.append(Probe("eth0", Family.V4, source, target, draw.choice((TCP, TCP, UDP, 1)), 20000 + number, port))
    fates = []
    with laboratory(["eth0", "lan0"]) as lab:
        for rulesets in (
            [("ipset", IPSETS), ("iptables-nft", WITH_SETS)],
            [("nft", nft)],
            [("ipset", again["ipset.conf"]), ("iptables-legacy", again["rules.v4"])],
        ):
            lab.load(*rulesets)
            fates.append([(fate.verdict, fate.path, fate.reject) for fate in lab.send(sent)])
    assert fates[0] == fates[1] == fates[2]
    assert {verdict for verdict, _, _ in fates[0]} == {"accept", "drop", "reject"}


RECENT = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:knock - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m recent --set --name ssh --rsource
-A INPUT -p tcp -m tcp --dport 22 -m recent --update --seconds 2 --hitcount 3 --name ssh --rsource -j REJECT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 23 -m recent --rcheck --seconds 5 --hitcount 5 --name ssh --rsource -j ACCEPT
-A INPUT -p tcp -m recent --update --seconds 4 --name seen --rsource -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -m recent --set --name door --rsource -m tcp --dport 1000 -j DROP
-A INPUT -p udp -j knock
-A knock -p udp -m recent ! --rcheck --seconds 4 --hitcount 2 --name door --rsource -j RETURN
-A knock -p udp -m udp --dport 9 -m recent --remove --name door --rsource
-A knock -p udp -m recent --set --name seen --rsource -j ACCEPT
COMMIT
"""
TICK, LATE = 1.5, 0.4
"""Seconds from one burst to the next, half a second off any time that a list remembers; and how late one may be."""


def test_lists_of_recent_forget_as_the_sets_do(_possible: None) -> None:
    """The same packets at the same pace: what the kernel remembers of their senders decides, for some seconds."""
    output, found = convert(SourceFile("rules.v4", RECENT), ReadRequest("iptables-save"), "nftables")
    assert output is not None, found
    nft = output.files[0].text
    back, found = convert(SourceFile("nftables.conf", nft), ReadRequest("nft"), "iptables")
    assert back is not None, found
    assert [f.name for f in back.files] == ["rules.v4"]
    draw = random.Random(4)
    kinds = ((TCP, 22), (TCP, 22), (TCP, 23), (TCP, 1000), (TCP, 1000), (UDP, 9), (UDP, 10), (UDP, 10))
    bursts: list[list[Probe]] = []
    for turn in range(7):
        chosen = [(*draw.choice(kinds), draw.randrange(3)) for _ in range(10)]
        bursts.append(
            [
                Probe("eth0", Family.V4, 0xCB007109 + who, OUTSIDE, kind, 20000 + 20 * turn + at, port)
                for at, (kind, port, who) in enumerate(chosen)
            ]
        )
    with laboratory(["eth0", "lan0"]) as lab:
        want, new, again = (
            paced(lab, form, bursts)
            for form in (("iptables-nft", RECENT), ("nft", nft), ("iptables-legacy", back.files[0].text))
        )
    assert new == want
    assert again == want
    assert {verdict for burst in want for verdict, _ in burst} == {"accept", "drop", "reject"}


def paced(lab: Laboratory, form: tuple[str, str], bursts: list[list[Probe]]) -> list[list[tuple[str, str]]]:
    """The fates of all bursts, once every one was sent on time: a busy machine is asked again."""
    for _ in range(6):
        lab.load(form)
        fates = []
        began = time.monotonic()
        for turn, probes in enumerate(bursts):
            time.sleep(max(0.0, began + turn * TICK - time.monotonic()))
            fates.append([(fate.verdict, fate.reject) for fate in lab.send(probes)])
            if time.monotonic() > began + turn * TICK + LATE:
                break
        else:
            return fates
    raise AssertionError("the machine is too busy to send packets at a pace")
