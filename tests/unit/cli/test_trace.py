"""`fwc trace`: packets as people and findings write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.run_fwc import POLICY, fwc


@pytest.mark.parametrize(
    "packet",
    [
        "tcp 192.168.1.9:4000 -> 192.0.2.1:22 in lan",
        "tcp 192.168.1.9:4000 -> 192.0.2.1:22 in eth1",
        "tcp 192.168.1.9:4000 -> 192.0.2.1:22 in eth1 new",
        "icmp type 8 code 0 192.168.1.9 -> 192.0.2.1 in eth1 mark 0x1 established",
    ],
)
def test_a_policy_takes_zones_interfaces_and_witnesses(packet: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.fw"
    policy.write_text(POLICY)
    ran = fwc("trace", policy, packet)
    assert ran.code == 0, ran.err
    assert "decided by" in ran.out


def test_an_interface_that_no_zone_has_is_no_place_for_a_test_packet(tmp_path: Path) -> None:
    policy = tmp_path / "policy.fw"
    policy.write_text(POLICY + 'test "t" { packet tcp 192.168.1.9 -> self:22 in eth99 expect allow }\n')
    ran = fwc("test", policy)
    assert ran.code == 1
    assert "there is no zone named `eth99`" in ran.err
