"""Conditions that nftables cannot deny become calls of chains, in which a translation still knows its protocol."""

from __future__ import annotations

import pytest

from fwc.api import ReadRequest, convert
from fwc.source import SourceFile


@pytest.mark.parametrize(
    ("table", "done", "written"),
    [
        ("nat", "REDIRECT --to-ports 15001", "meta l4proto tcp redirect to :15001"),
        ("filter", "REJECT --reject-with tcp-reset", "meta l4proto tcp reject with tcp reset"),
        ("filter", "DROP", "drop"),
    ],
)
def test_the_protocol_stays_where_it_matters(table: str, done: str, written: str) -> None:
    rule = f"-A OUTPUT -p tcp -m owner ! --uid-owner 1337 -j {done}"
    output, found = convert(SourceFile("x.v4", f"*{table}\n{rule}\nCOMMIT\n"), ReadRequest("iptables-save"), "nftables")
    assert output is not None, [d.message for d in found]
    chain = output.files[0].text.split("chain OUTPUT_unless {")[1].split("}")[0]
    assert [line.strip() for line in chain.splitlines()[1:3]] == ["meta skuid 1337 return", written]
