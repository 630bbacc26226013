"""Filtering on the real kernel: verdicts, replies, reject kinds, logs and limits, for every loader and family."""

from __future__ import annotations

import pytest
from tests.kernel.rulesets import LOADERS, load_policy
from tests.kernel.traffic import CLIENT, INSIDE, OUTSIDE, SERVER, more, packet, ping, reply, words

from fwc.project.kernel.frames import RST
from fwc.project.kernel.laboratory import Laboratory

pytestmark = pytest.mark.kernel
VERSIONS = (4, 6)

BASIC = """
allow tcp 22, udp 53, ping from any to self
allow any from lan to wan
reject tcp 113, udp 113 from wan to self
default input deny
"""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("loader", LOADERS)
def test_first_packets_and_replies(lab: Laboratory, loader: str, version: int) -> None:
    """What is allowed gets in or through, its replies come back, everything else is dropped."""
    load_policy(lab, loader, BASIC)
    client, outside, server = CLIENT[version], OUTSIDE[version], SERVER[version]
    probes = [
        packet("eth0", client, outside, "tcp", 22),
        packet("eth0", client, outside, "udp", 53),
        packet("eth0", client, outside, ping(version)),
        packet("eth1", server, client, "tcp", 443),
        packet("eth1", server, client, ping(version)),
        packet(None, outside, client, "udp", 123),
        packet("eth0", client, outside, "tcp", 23),
        packet("eth0", client, server, "tcp", 22),
        packet("eth0", client, outside, "tcp", 22, flags=RST),
        packet("eth0", client, outside, "tcp", 113),
        packet("eth0", client, outside, "udp", 113),
    ]
    first = lab.send(probes, dry=False)
    assert [words(fate) for fate in first] == [
        "accept input",
        "accept input",
        "accept input",
        "accept forward eth0",
        "accept forward eth0",
        "accept output eth0",
        "drop",
        "drop",
        "drop",
        "reject tcp-reset",
        "reject port-unreachable",
    ]
    back = lab.send([reply(fate) for fate in first[:6]], dry=False)
    assert [words(fate) for fate in back] == [
        "accept output eth0",
        "accept output eth0",
        "accept output eth0",
        "accept forward eth1",
        "accept forward eth1",
        "accept input",
    ]
    lab.flush_connections()
    stray = lab.send([reply(fate) for fate in first[3:6]])
    assert [words(fate) for fate in stray] == ["drop", "drop", "drop"]


KINDS = {
    "tcp-reset": ("tcp-reset", "tcp-reset"),
    "port-unreachable": ("port-unreachable", "port-unreachable"),
    "admin-prohibited": ("admin-prohibited", "admin-prohibited"),
    "host-unreachable": ("host-unreachable", "address-unreachable"),
    "net-unreachable": ("net-unreachable", "no-route"),
}


@pytest.mark.parametrize("loader", LOADERS)
def test_reject_kinds_per_family(lab: Laboratory, loader: str) -> None:
    """One word of the language is the right code in either family, towards the machine and through it."""
    rules = "\n".join(
        f"reject tcp {100 + n} from wan to self with {kind}\nreject tcp {100 + n} from wan to lan with {kind}"
        for n, kind in enumerate(KINDS)
    )
    load_policy(lab, loader, rules)
    for index, version in enumerate(VERSIONS):
        for destination in (OUTSIDE[version], SERVER[version]):
            probes = [packet("eth0", CLIENT[version], destination, "tcp", 100 + n) for n in range(len(KINDS))]
            assert [fate.reject for fate in lab.send(probes)] == [kinds[index] for kinds in KINDS.values()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("loader", LOADERS)
def test_a_limit_fails_closed(lab: Laboratory, loader: str, version: int) -> None:
    """What exceeds a limit is refused by that rule; a later rule does not see it. Each source has its own bucket."""
    load_policy(
        lab,
        loader,
        "allow tcp 22 from any to self limit 1/hour burst 3 per source\nallow tcp 22 from wan to self\n",
    )
    client, other = CLIENT[version], "192.0.2.77" if version == 4 else "2001:db8:78::1"
    probes = [packet("eth0", client, OUTSIDE[version], "tcp", 22, sport=1000 + n) for n in range(8)]
    verdicts = [fate.verdict for fate in lab.send(probes)]
    assert verdicts[:3] == ["accept"] * 3
    assert set(verdicts[4:]) == {"drop"}
    assert lab.send([packet("eth0", other, OUTSIDE[version], "tcp", 22)])[0].verdict == "accept"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("loader", LOADERS)
def test_log_prefixes_reach_the_log(lab: Laboratory, loader: str, version: int) -> None:
    load_policy(lab, loader, 'deny tcp 99 from wan to self log "door: " nflog 7\nallow tcp 22 from wan to self\n')
    denied, allowed = lab.send(
        [
            packet("eth0", CLIENT[version], OUTSIDE[version], "tcp", 99),
            packet("eth0", CLIENT[version], OUTSIDE[version], "tcp", 22),
        ]
    )
    assert (denied.verdict, denied.logs) == ("drop", ["door: "])
    assert (allowed.verdict, allowed.logs) == ("accept", [])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("loader", LOADERS)
def test_a_set_is_filled_by_a_rule(lab: Laboratory, loader: str, version: int) -> None:
    """Who knocks at the trap is banned from then on."""
    load_policy(
        lab,
        loader,
        "set banned of addresses dynamic timeout 1h\n"
        "deny any from @banned in wan to self\n"
        "deny tcp 23 from wan to self add source to @banned\n"
        "allow tcp 22 from wan to self\n",
    )
    door = packet("eth0", CLIENT[version], OUTSIDE[version], "tcp", 22)
    trap = packet("eth0", CLIENT[version], OUTSIDE[version], "tcp", 23)
    assert [lab.send([each])[0].verdict for each in (door, trap, door)] == ["accept", "drop", "drop"]
    other = packet("eth0", "192.0.2.5" if version == 4 else "2001:db8:79::5", OUTSIDE[version], "tcp", 22)
    assert lab.send([other])[0].verdict == "accept"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("loader", LOADERS)
def test_early_bans_cut_established_flows(lab: Laboratory, loader: str, version: int) -> None:
    """The same connection goes on under the first policy and is cut when the ban is added before connection tracking."""
    load_policy(lab, loader, "allow tcp 22 from wan to self\n")
    opening = packet("eth0", CLIENT[version], OUTSIDE[version], "tcp", 22)
    first = lab.send([opening], dry=False)
    answered = lab.send([reply(first[0])], dry=False)
    assert words(answered[0]) == "accept output eth0"
    going_on = more(first[0], answered[0])
    assert lab.send([going_on])[0].verdict == "accept"
    plain = f"deny any from {CLIENT[version]} to any\nallow tcp 22 from wan to self\n"
    load_policy(lab, loader, plain, keep=True)
    assert lab.send([going_on])[0].verdict == "accept"
    banned = f"early {{ deny any from {CLIENT[version]} to any }}\nallow tcp 22 from wan to self\n"
    load_policy(lab, loader, banned, keep=True)
    cut = lab.send([going_on], detail=True)[0]
    assert (cut.verdict, cut.stage) == ("drop", "prerouting")


@pytest.mark.parametrize("loader", LOADERS)
def test_loopback_and_own_addresses(lab: Laboratory, loader: str) -> None:
    load_policy(lab, loader, "default output deny\n")
    here = lab.send([packet(None, "127.0.0.1", "127.0.0.1", "tcp", 80), packet(None, INSIDE[4], INSIDE[4], "tcp", 80)])
    assert [words(fate) for fate in here] == ["accept loopback", "accept loopback"]
    assert words(lab.send([packet(None, OUTSIDE[4], CLIENT[4], "tcp", 80)])[0]) == "drop"
