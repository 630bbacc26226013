"""Chains and variables of other files are no findings; those of a whole file are."""

from __future__ import annotations

import pytest
from tests.lint_pages import run

from fwc.diagnostics import Persona
from fwc.lints._settings import LintSettings
from fwc.source import SourceFile

TABLE = "table inet f {\n chain input {\n  type filter hook input priority 0;\n  jump rest\n }\n}\n"


@pytest.mark.parametrize(
    ("path", "text", "codes"),
    [
        ("rules.nft", TABLE, ["FW015"]),
        ("rules.nft", "#!/usr/sbin/nft -f\n" + TABLE, ["FW015"]),
        ("nftables.d/rules.nft", TABLE, []),
        ("rules.nft", 'include "rest.nft"\n' + TABLE, []),
        ("rules.nft", "add table ip f\nadd chain ip f c\nadd rule ip f c jump rest\n", ["FW015"]),
        ("rules.nft", "add rule ip f c jump rest\n", []),
        ("rules.nft", "add table f\nadd chain f c\nadd rule f c ip saddr $lan accept\n", []),
        ("rules.nft", "define wan = eth0\nadd table f\nadd chain f c\nadd rule f c ip saddr $lan accept\n", ["FW028"]),
    ],
)
def test_what_is_missing_may_be_elsewhere(path: str, text: str, codes: list[str]) -> None:
    outcome = run(SourceFile(path, text), "nft", LintSettings(), Persona.REGULAR, None, ("FW015", "FW028"))
    assert [d.code for d in outcome.findings if d.code in ("FW015", "FW028")] == codes
