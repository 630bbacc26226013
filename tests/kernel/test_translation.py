"""NAT and MSS clamping on the real kernel, with replies, for every loader."""

from __future__ import annotations

import pytest
from tests.kernel.rulesets import LOADERS, load_policy
from tests.kernel.traffic import CLIENT, INSIDE, OUTSIDE, SERVER, ends, packet, reply, words

from fwc.project.kernel.frames import ACK, SYN
from fwc.project.kernel.laboratory import Laboratory

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("loader", LOADERS)
def test_masquerade_there_and_back(lab: Laboratory, loader: str) -> None:
    load_policy(lab, loader, "masquerade from lan to wan\nallow any from lan to wan\n")
    there = lab.send([packet("eth1", SERVER[4], CLIENT[4], "udp", 53)], dry=False)[0]
    assert ends(there) == (OUTSIDE[4], 40000, CLIENT[4], 53)
    back = lab.send([reply(there)], dry=False)[0]
    assert (words(back), ends(back)) == ("accept forward eth1", (CLIENT[4], 53, SERVER[4], 40000))


@pytest.mark.parametrize("loader", LOADERS)
def test_masquerade_is_v4_unless_v6_is_written(lab: Laboratory, loader: str) -> None:
    load_policy(lab, loader, "masquerade from lan to wan\nallow any from lan to wan\n")
    plain = lab.send([packet("eth1", SERVER[6], CLIENT[6], "udp", 53)])[0]
    assert ends(plain)[0] == SERVER[6]
    load_policy(lab, loader, "masquerade v6 from lan to wan\nallow any from lan to wan\n")
    hidden = lab.send([packet("eth1", SERVER[6], CLIENT[6], "udp", 53)])[0]
    assert ends(hidden)[0] == OUTSIDE[6]


@pytest.mark.parametrize("loader", LOADERS)
def test_snat_to_an_address_and_ports(lab: Laboratory, loader: str) -> None:
    load_policy(lab, loader, "snat udp from lan to wan -> 198.51.100.7 ports 20000-20009\nallow any from lan to wan\n")
    source, port, *_ = ends(lab.send([packet("eth1", SERVER[4], CLIENT[4], "udp", 53)])[0])
    assert source == "198.51.100.7"
    assert 20000 <= port <= 20009


@pytest.mark.parametrize("loader", LOADERS)
def test_a_forward_opens_only_what_it_translates(lab: Laboratory, loader: str) -> None:
    load_policy(lab, loader, "host web = 10.0.0.20\nforward tcp 8443 from wan to self -> web:443\n")
    there = lab.send([packet("eth0", CLIENT[4], OUTSIDE[4], "tcp", 8443)], dry=False)[0]
    assert (words(there), ends(there)) == ("accept forward eth1", (CLIENT[4], 40000, SERVER[4], 443))
    back = lab.send([reply(there)], dry=False)[0]
    assert (words(back), ends(back)) == ("accept forward eth0", (OUTSIDE[4], 8443, CLIENT[4], 40000))
    around, other = lab.send(
        [packet("eth0", CLIENT[4], SERVER[4], "tcp", 443), packet("eth0", CLIENT[4], OUTSIDE[4], "tcp", 443)]
    )
    assert (words(around), words(other)) == ("drop", "drop")


@pytest.mark.parametrize("loader", LOADERS)
def test_an_earlier_deny_wins_over_a_forward(lab: Laboratory, loader: str) -> None:
    body = f"host web = 10.0.0.20\ndeny any from {CLIENT[4]} to lan\nforward tcp 8443 from wan to self -> web:443\n"
    load_policy(lab, loader, body)
    denied, allowed = lab.send(
        [packet("eth0", CLIENT[4], OUTSIDE[4], "tcp", 8443), packet("eth0", "192.0.2.1", OUTSIDE[4], "tcp", 8443)]
    )
    assert (words(denied), words(allowed)) == ("drop", "accept forward eth1")


@pytest.mark.parametrize("loader", LOADERS)
def test_hairpin_comes_back_through_the_router(lab: Laboratory, loader: str) -> None:
    """A client of the server's own zone is translated on both sides, or the answer would not pass the router."""
    load_policy(lab, loader, "host web = 10.0.0.20\nforward tcp 443 from wan, lan to 198.51.100.1 -> web hairpin\n")
    there = lab.send([packet("eth1", "10.0.0.33", OUTSIDE[4], "tcp", 443)], dry=False)[0]
    assert words(there) == "accept forward eth1"
    assert ends(there)[0] == INSIDE[4]
    assert ends(there)[2] == SERVER[4]
    back = lab.send([reply(there)], dry=False)[0]
    assert ends(back)[:3] == (OUTSIDE[4], 443, "10.0.0.33")
    outside = lab.send([packet("eth0", CLIENT[4], OUTSIDE[4], "tcp", 443)])[0]
    assert ends(outside)[0] == CLIENT[4]


@pytest.mark.parametrize("loader", LOADERS)
def test_a_port_range_keeps_each_offset(lab: Laboratory, loader: str) -> None:
    load_policy(lab, loader, "forward tcp 8000-8010 from wan to self -> 10.0.0.20:9000-9010\n")
    probes = [packet("eth0", CLIENT[4], OUTSIDE[4], "tcp", 8000 + n, sport=5000 + n) for n in (0, 4, 10)]
    assert [ends(fate)[3] for fate in lab.send(probes)] == [9000, 9004, 9010]


@pytest.mark.parametrize("loader", LOADERS)
def test_load_balancing_reaches_every_server(lab: Laboratory, loader: str) -> None:
    load_policy(lab, loader, "forward tcp 443 from wan to self -> 10.0.0.21, 10.0.0.22, 10.0.0.23 random\n")
    probes = [packet("eth0", CLIENT[4], OUTSIDE[4], "tcp", 443, sport=2000 + n) for n in range(300)]
    fates = lab.send(probes)
    reached = [ends(fate)[2] for fate in fates]
    assert set(reached) == {"10.0.0.21", "10.0.0.22", "10.0.0.23"}
    assert min(reached.count(server) for server in set(reached)) > 50


@pytest.mark.parametrize("loader", LOADERS)
def test_redirect_to_a_local_port(lab: Laboratory, loader: str) -> None:
    load_policy(lab, loader, "redirect tcp 80 from lan to any -> self:3128\n")
    there = lab.send([packet("eth1", SERVER[4], CLIENT[4], "tcp", 80)], dry=False)[0]
    assert (words(there), ends(there)) == ("accept input", (SERVER[4], 40000, INSIDE[4], 3128))
    back = lab.send([reply(there)], dry=False)[0]
    assert ends(back)[:2] == (CLIENT[4], 80)
    assert words(lab.send([packet("eth1", SERVER[4], INSIDE[4], "tcp", 3128)])[0]) == "drop"


@pytest.mark.parametrize("loader", LOADERS)
def test_one_to_one_map_both_ways(lab: Laboratory, loader: str) -> None:
    load_policy(
        lab,
        loader,
        "map 203.0.113.16/28 <-> 10.0.0.16/28 on wan\nallow any from lan to wan\nallow tcp 80 from wan to lan\n",
    )
    inward = lab.send([packet("eth0", CLIENT[4], "203.0.113.20", "tcp", 80)], dry=False)[0]
    assert (words(inward), ends(inward)[2]) == ("accept forward eth1", "10.0.0.20")
    outward = lab.send([packet("eth1", "10.0.0.21", CLIENT[4], "udp", 53)], dry=False)[0]
    assert ends(outward)[0] == "203.0.113.21"


@pytest.mark.parametrize("version", (4, 6))
@pytest.mark.parametrize("loader", LOADERS)
def test_mss_is_clamped_on_syn_and_syn_ack(lab: Laboratory, loader: str, version: int) -> None:
    """`to mtu 1420`: 1380 in IPv4, 1360 in IPv6, in both directions, never raised."""
    load_policy(lab, loader, "clamp mss to mtu 1420 for tcp from any to vpn\nallow any from lan to vpn\n")
    peer = "10.8.0.9" if version == 4 else "2001:db8:8::9"
    wanted = 1380 if version == 4 else 1360
    there = lab.send([packet("eth1", SERVER[version], peer, "tcp", 80, mss=1460, flags=SYN)], dry=False)[0]
    assert there.packet.mss == wanted
    back = lab.send([reply(there, SYN | ACK, mss=8960)], dry=False)[0]
    assert (words(back), back.packet.mss) == ("accept forward eth1", wanted)
    small = lab.send([packet("eth1", SERVER[version], peer, "tcp", 81, mss=536, flags=SYN)])[0]
    assert small.packet.mss == 536


@pytest.mark.parametrize("loader", LOADERS)
def test_many_forwards(lab: Laboratory, loader: str) -> None:
    """So many that nftables gets a map of them: each leads where it says, and a port beside them nowhere."""
    body = "".join(f"forward tcp {8000 + n} from wan to self -> 10.0.0.{20 + n}:{80 + n}\n" for n in range(24))
    load_policy(lab, loader, body + "forward udp 53 from wan to self -> 10.0.0.20\n")
    probes = [packet("eth0", CLIENT[4], OUTSIDE[4], "tcp", 8000 + n, sport=5000 + n) for n in range(25)]
    fates = lab.send([*probes, packet("eth0", CLIENT[4], OUTSIDE[4], "udp", 53)])
    assert [ends(fate)[2:] for fate in fates[:24]] == [(f"10.0.0.{20 + n}", 80 + n) for n in range(24)]
    assert {words(fate) for fate in fates[:24]} == {"accept forward eth1"}
    assert words(fates[24]) == "drop"
    assert ends(fates[25])[2:] == ("10.0.0.20", 53)
    around = packet("eth0", CLIENT[4], "10.0.0.20", "tcp", 80)
    assert words(lab.send([around])[0]) == "drop"
