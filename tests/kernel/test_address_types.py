"""What an address says of its type before the routing table is asked: the kernel never says otherwise."""

from __future__ import annotations

import re
import socket
from contextlib import closing
from ipaddress import ip_address

import pytest

from fwc.ir.match import ADDRESS_TYPES
from fwc.net.address_types import MULTICAST, possibly, surely
from fwc.net.hooks import Family
from fwc.project.kernel.namespaces import Namespace

pytestmark = pytest.mark.kernel

ADDRESSES = {
    Family.V4: [
        "0.0.0.1", "0.255.255.255", "1.0.0.0", "127.0.0.1", "192.0.2.1", "192.0.2.77", "192.0.2.255", "198.51.100.9",
        "223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255",
    ],
    Family.V6: ["::1", "2001:db8::1", "2001:db8::77", "2001:db8:1::9", "fe80::9", "ff02::1", "ff0e::1"],
}  # fmt: skip
TYPES = (*ADDRESS_TYPES, "multicast")


def _ruleset(family: Family) -> str:
    word = "ip" if family is Family.V4 else "ip6"
    lines = [f"table {word} types {{"]
    for kind in TYPES:
        lines += [f"set {kind}s {{", f"type ipv{family.value}_addr", "flags dynamic", "}"]
    lines += ["chain out {", "type filter hook output priority 0"]
    lines += [f"udp dport 9 fib daddr type {kind} add @{kind}s {{ {word} daddr }}" for kind in TYPES]
    return "\n".join([*lines, "}", "}"]) + "\n"


@pytest.mark.parametrize("family", list(Family))
def test_no_address_has_another_type(family: Family) -> None:
    with closing(Namespace()) as machine:
        machine.must(["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1"])
        machine.sysctl("net/ipv6/conf/eth0/accept_dad", 0)
        for name in ("eth0", "eth1", "lo"):
            machine.must(["ip", "link", "set", name, "up"])
        for address in ("192.0.2.1/24", "2001:db8::1/64"):
            machine.must(["ip", "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else [])])
        for version, gateway in (("-4", "192.0.2.2"), ("-6", "2001:db8::2")):
            machine.must(["ip", version, "route", "add", "default", "via", gateway])
        machine.must(["nft", "-f", "-"], _ruleset(family))
        with machine.entered():
            scope = socket.if_nametoindex("eth0")
            sender = socket.socket(socket.AF_INET if family is Family.V4 else socket.AF_INET6, socket.SOCK_DGRAM)
        with closing(sender):
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if family is Family.V6:
                sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, scope)
            for text in ADDRESSES[family]:
                sender.sendto(b"x", (text, 9) if family is Family.V4 else (text, 9, 0, scope * text.startswith("f")))
        listed = machine.must(["nft", "list", "ruleset"])
    met = 0
    for kind in TYPES:
        body = re.search(rf"set {kind}s \{{(.*?)\n\t\}}", listed, re.DOTALL)
        assert body is not None
        members = {int(ip_address(a)) for a in re.findall(r"[0-9a-f:.]*[0-9a-f][.:][0-9a-f:.]*|::1", body[1])}
        met += len(members)
        for text in ADDRESSES[family]:
            address = int(ip_address(text))
            if kind == "multicast":
                assert (address in members) is (address in MULTICAST.family(family)), text
                continue
            assert address not in surely(kind, family) or address in members, (kind, text)
            assert address not in members or address in possibly(kind, family), (kind, text)
    assert met == len(ADDRESSES[family])  # each has one type
