"""Ranges of protocols are written as numbers: nft reads `igmp-16` as a name and refuses it."""

from __future__ import annotations

from fwc.dialects.nft.sets import run_text
from fwc.ir.match import Field
from fwc.net.hooks import Family


def test_ranges_have_no_names() -> None:
    assert run_text(Field.PROTOCOL, Family.V4, (2, 16)) == "2-16"
    assert run_text(Field.PROTOCOL, Family.V4, (6, 6)) == "tcp"
