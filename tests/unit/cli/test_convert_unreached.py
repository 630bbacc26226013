"""What a target cannot say is left out where no packet gets, and refused everywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.run_fwc import fwc

DUMP = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:asleep - [0:0]
:deeper - [0:0]
{jump}-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A asleep -s 192.0.2.0/24 -g deeper
-A deeper -m recent --set --name seen --rsource
-A deeper -j ACCEPT
COMMIT
"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    return tmp_path / "rules.v4"


def test_a_rule_that_nothing_leads_to_is_left_out_with_a_warning(dump: Path) -> None:
    dump.write_text(DUMP.format(jump=""))
    ran = fwc("convert", dump, "--to", "nftables")
    assert ran.code == 0
    assert "recent" not in ran.out and "chain deeper" in ran.out and "tcp dport 22 accept" in ran.out
    assert "this rule is left out: nothing leads to its chain deeper" in ran.err
    assert f"{dump}:9:1" in ran.err


@pytest.mark.parametrize("jump", ["-A INPUT -j asleep\n", "-A INPUT -s 198.51.100.1/32 -g deeper\n"])
def test_a_rule_that_a_packet_may_meet_is_refused(jump: str, dump: Path) -> None:
    dump.write_text(DUMP.format(jump=jump))
    ran = fwc("convert", dump, "--to", "nftables")
    assert ran.code == 1
    assert ran.out == ""
    assert "nftables cannot express `recent`" in ran.err
