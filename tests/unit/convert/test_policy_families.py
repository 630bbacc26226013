"""A jump for one family: it has no family word, so the addresses of the family stand for `any`."""

from __future__ import annotations

from fwc.api import ReadRequest, convert
from fwc.source import SourceFile


def policy(rule: str) -> str:
    text = f"set skip on lo0\nblock all\npass out flags any\n{rule}\n"
    output, found = convert(SourceFile("pf.conf", text), ReadRequest("pf"), "fwc")
    return output.files[0].text if output is not None else found[-1].message


def test_every_address_of_the_family_for_any() -> None:
    assert "for udp from 0.0.0.0/0 in em0 to self except 10.2.0.0/24" in policy(
        "pass in on em0 proto udp to ! 10.2.0.0/24"
    )
    assert "for udp from 0.0.0.0/0 except 10.2.0.0/24 to self" in policy("pass in proto udp from ! 10.2.0.0/24")
    assert "for udp 53 from 0.0.0.0/0 in em0 to self" in policy("pass in on em0 inet proto udp to port 53")
    assert "for udp 53 from ::/0 to self" in policy("pass in inet6 proto udp to port 53")
    assert "for udp 53 from em0 to self" in policy("pass in on em0 proto udp to port 53")
