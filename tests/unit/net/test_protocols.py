"""Tables of protocols, and ports as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwc.net import protocols
from fwc.net.hooks import Family
from fwc.net.ports import format_ports, parse_ports


@pytest.mark.parametrize("family", list(Family))
def test_icmp_names_are_types_and_codes_of_a_byte(family: Family) -> None:
    for name, (kind, code) in protocols.icmp_types(family).items():
        assert name == name.lower() and 0 <= kind <= 255 and (code is None or 0 <= code <= 255)


def test_well_known_values() -> None:
    assert protocols.ICMP_TYPES["fragmentation-needed"] == (3, 4)
    assert protocols.ICMPV6_TYPES["packet-too-big"] == (2, None)
    assert (
        protocols.ICMPV6_TYPES["nd-neighbor-solicit"] == protocols.ICMPV6_TYPES["neighbour-solicitation"] == (135, None)
    )
    assert protocols.DSCP["af41"] == 34 and protocols.DSCP["cs6"] == 48 and protocols.DSCP["ef"] == 46
    assert sum(protocols.TCP_FLAGS.values()) == 255


def test_every_protocol_has_one_name_to_show() -> None:
    for number in protocols.PROTOCOLS.values():
        assert protocols.PROTOCOLS[protocols.PROTOCOL_NAMES[number]] == number
    assert {protocols.PROTOCOLS[n] for n in ("tcp", "udp", "udplite", "sctp", "dccp")} == protocols.PORT_PROTOCOLS


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_ports_read_back(a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert parse_ports(format_ports(low, high)) == (low, high)


@pytest.mark.parametrize(
    "text", ["", "-", "1-", "-1", "9-1", "65536", "1-65536", "+1", "1 2", "٣", "1-2-3", "0x10", "100000"]
)
def test_what_is_no_port(text: str) -> None:
    assert parse_ports(text) is None
