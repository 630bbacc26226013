"""Converted dumps on the kernel: every random packet fares under nftables, and under iptables again, as under the original."""

from __future__ import annotations

import pytest
from tests.kernel.convert_campaign import Figures, judge

pytestmark = pytest.mark.kernel

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


@pytest.mark.parametrize(("text", "version"), [(ROUTER, 4), (HOST6, 6)], ids=["router", "host6"])
def test_a_dump_means_the_same_after_conversion(text: str, version: int, _possible: None) -> None:
    figures = Figures()
    judge(text, version, 250, 7, figures)
    assert figures.converted == 1, figures.refused
    assert figures.judged == 1, figures.skipped
    assert not figures.differences, figures.differences[:3]
    assert figures.packets > 200
    assert {"accept", "drop"} <= set(figures.fates)


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
