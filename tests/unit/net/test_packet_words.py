"""Packets as text: what is printed can be typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwc.net.hooks import Family
from fwc.net.packet import Packet
from fwc.net.packet_words import BadPacket, packet_text, parse_packet


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    family = draw(st.sampled_from(list(Family)))
    protocol = draw(st.sampled_from((6, 17, 47, 200, 1 if family is Family.V4 else 58)))
    address = st.integers(0, (1 << family.bits) - 1)
    port = st.integers(0, 65535) if protocol in (6, 17) else st.just(0)
    icmp = draw(st.integers(0, 65535)) if protocol in (1, 58) else None
    sport = draw(port) if protocol in (6, 17) else 40000
    return Packet(
        family, protocol, draw(address), draw(address), sport, draw(port),
        icmp or 0,
        iif=draw(st.sampled_from(("", "eth0"))), oif=draw(st.sampled_from(("", "wg0"))),
        mark=draw(st.sampled_from((0, 1, 0xFFFFFFFF))), state=draw(st.sampled_from(("new", "established"))),
    )  # fmt: skip


@given(packets())
def test_what_is_printed_can_be_typed(packet: Packet) -> None:
    assert parse_packet(packet_text(packet)) == packet


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a packet"),
        ("tcp 1.2.3.4", "expected a packet"),
        ("tpc 1.2.3.4 -> 1.2.3.5", "'tpc' is no protocol"),
        ("tcp 1.2.3.4 -> 2001:db8::1", "not of one family"),
        ("tcp 1.2.3.4 -> 1.2.3.5:70000", "above 65535"),
        ("tcp 1.2.3.400 -> 1.2.3.5", "no address"),
        ("icmp 300 1.2.3.4 -> 1.2.3.5", "up to 255"),
        ("tcp 1.2.3.4 -> 1.2.3.5 via eth0", "unexpected 'via'"),
        ("tcp 1.2.3.4 -> 1.2.3.5 state old", "no state"),
    ],
)
def test_mistakes_are_named(text: str, says: str) -> None:
    with pytest.raises(BadPacket, match=says):
        parse_packet(text)
