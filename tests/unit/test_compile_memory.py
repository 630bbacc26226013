"""What a compile lets go before its proof."""

from __future__ import annotations

import gc

import pytest
from tests.properties.memory_files import NoFiles

import fwc.roundtrip
from fwc.api.compiling import CompileOptions, compile_policy
from fwc.lang import ast
from fwc.source import SourceFile

POLICY = """syntax 1
zone lan { iface eth1 }
host a = 10.0.0.1
allow tcp 22 from a in lan to self
default input deny
default forward deny
"""


@pytest.mark.parametrize("lint", [False, True])
@pytest.mark.parametrize("target", ["nftables", "iptables"])
def test_the_tree_is_gone_when_the_proof_begins(monkeypatch: pytest.MonkeyPatch, target: str, lint: bool) -> None:
    """By itself: the collector of cycles runs rarely."""
    source = SourceFile("policy.fw", POLICY)
    left: list[int] = []

    def prove(*_: object) -> None:
        left.append(sum(isinstance(o, ast.Rule) and o.span.file is source for o in gc.get_objects()))

    monkeypatch.setattr(fwc.roundtrip, "prove", prove)
    gc.disable()
    try:
        outputs, found = compile_policy(source, NoFiles(), CompileOptions((target,), lint=lint))
    finally:
        gc.enable()
    assert outputs and not found and left == [0]
