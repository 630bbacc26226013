"""Rulesets as Docker, libvirt, ufw with fail2ban, firewalld, Shorewall, csf and two routers make them, written for these tests:
read without a finding, converted to nftables and back, and judged by the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kernel.convert_campaign import Figures, judge

from fwc.api import ReadRequest, convert, import_ruleset
from fwc.source import SourceFile

DUMPS = {path.stem: path for path in sorted((Path(__file__).parent / "dumps").glob("*.v4"))}
REFUSED = {"libvirt": ["nftables cannot express the iptables target `-j CHECKSUM --checksum-fill`"]}


@pytest.mark.parametrize("name", DUMPS)
def test_read_without_a_finding(name: str) -> None:
    _, _, found = import_ruleset(SourceFile(DUMPS[name].name, DUMPS[name].read_text()), "iptables-save")
    assert not found


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_the_line_that_stands_in_the_way(name: str) -> None:
    text = DUMPS[name].read_text()
    output, found = convert(SourceFile(f"{name}.v4", text), ReadRequest("iptables-save"), "nftables")
    assert output is None
    assert [d.message for d in found] == REFUSED[name]
    span = found[0].primary.span
    assert span is not None
    assert span.text == next(line for line in text.splitlines() if "--checksum-fill" in line)


@pytest.mark.kernel
@pytest.mark.parametrize("name", [name for name in DUMPS if name not in REFUSED])
def test_no_packet_notices(name: str, _possible: None) -> None:
    figures = Figures()
    judge(DUMPS[name].read_text(), 4, 150, 3, figures, name)
    assert (figures.loaded, figures.converted, figures.judged) == (1, 1, 1), figures
    assert not figures.differences, figures.differences[:3]
    assert len(figures.fates) > 1
