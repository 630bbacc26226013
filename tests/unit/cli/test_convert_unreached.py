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
-A deeper -m string --string "seen" --algo bm
-A deeper -j ACCEPT
COMMIT
"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    return tmp_path / "rules.v4"


def refusal(text: str, dump: Path) -> str:
    dump.write_text(text)
    ran = fwc("convert", dump, "--to", "nftables")
    assert ran.code == 1
    assert ran.out == ""
    return ran.err


def test_a_rule_that_nothing_leads_to_is_left_out_with_a_warning(dump: Path) -> None:
    dump.write_text(DUMP.format(jump=""))
    ran = fwc("convert", dump, "--to", "nftables")
    assert ran.code == 0
    assert "string" not in ran.out and "chain deeper" in ran.out and "tcp dport 22 accept" in ran.out
    assert "this rule is left out: nothing leads to its chain deeper" in ran.err
    assert f"{dump}:9:1" in ran.err


@pytest.mark.parametrize("jump", ["-A INPUT -j asleep\n", "-A INPUT -s 198.51.100.1/32 -g deeper\n"])
def test_a_rule_that_a_packet_may_meet_is_refused(jump: str, dump: Path) -> None:
    assert "nftables cannot express the iptables condition `-m string" in refusal(DUMP.format(jump=jump), dump)


BEHIND = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:trap - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
{last}
-A INPUT -m string --string "open" --algo bm -j ACCEPT
-A INPUT -j trap
-A trap -m string --string "seen" --algo bm -j LOG
-A trap -j DROP
COMMIT
"""


@pytest.mark.parametrize("verdict", ["-j ACCEPT", "-j DROP", "-j REJECT", "-j RETURN", "-g other"])
def test_a_rule_behind_one_that_ends_every_way_is_left_out(verdict: str, dump: Path) -> None:
    text = BEHIND.format(last=f"-A INPUT {verdict}").replace(":trap", ":other - [0:0]\n:trap")
    dump.write_text(text)
    ran = fwc("convert", dump, "--to", "nftables")
    assert ran.code == 0
    assert "tcp dport 22 accept" in ran.out
    assert "this rule is left out: no packet gets past the rule on line 8, and the target cannot express it" in ran.err
    assert "this rule is left out: nothing leads to its chain trap" in ran.err


@pytest.mark.parametrize(
    "last",
    [
        "-A INPUT -p tcp -j ACCEPT",
        "-A INPUT -m limit --limit 1/s -j ACCEPT",
        "-A INPUT -j LOG",
        "-A INPUT",
        "-A OUTPUT -j DROP",
    ],
)
def test_a_rule_behind_one_that_some_packet_gets_past_is_refused(last: str, dump: Path) -> None:
    assert "nftables cannot express the iptables condition `-m string" in refusal(BEHIND.format(last=last), dump)
