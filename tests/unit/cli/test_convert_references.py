"""What is kept as text and names something outside of it is refused: the output would not load, or would mean something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.run_fwc import fwc

TABLE = """table ip t {{
 map m {{
  type ipv4_addr : mark
 }}
 ct timeout slow {{
  protocol tcp
  policy = {{ established : 60 }}
 }}
 quota q {{
  over 10 mbytes
 }}
 chain c {{
  type filter hook input priority 0
  {rule}
 }}
}}
"""


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("meta mark set ip saddr map @m", "`@m`"),
        ('ct timeout set "slow"', "an object of its table"),
        ('quota name "q" drop', "an object of its table"),
    ],
)
def test_refused(rule: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.nft"
    path.write_text(TABLE.format(rule=rule))
    ran = fwc("convert", path, "--to", "nftables")
    assert (ran.code, ran.out) == (1, "")
    assert f"it refers to {what}, which would be missing" in ran.err
    assert f"{path}:14:3" in ran.err


@pytest.mark.parametrize("rule", ["@th,16,16 22 drop", 'log prefix "mail @home"', "quota over 5 mbytes drop"])
def test_what_stands_for_itself_is_kept(rule: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.nft"
    path.write_text(TABLE.format(rule=rule))
    ran = fwc("convert", path, "--to", "nftables")
    assert ran.code == 0, ran.err
    assert rule in ran.out
