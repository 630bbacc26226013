"""Native conditions: what the target's reader models is modelled, the rest is opaque, what is no condition is an error."""

from __future__ import annotations

import pytest
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy, load_policy
from fwc.diagnostics import Severity
from fwc.elaborate.program import ElaborateOptions
from fwc.ir.match import FieldIn, Opaque, Recent, WithinRate
from fwc.ir.walk import match_nodes
from fwc.source import SourceFile


def nodes(condition: str) -> list[object]:
    source = SourceFile("p.fw", f"syntax 1\ndeny tcp 22 from any to self if {condition}\n")
    policy, found = load_policy(source, NoFiles(), ElaborateOptions())
    assert policy is not None, [d.message for d in found]
    chain = policy.ruleset.tables[0].chain("input")
    assert chain is not None
    return [n for rule in chain.rules for n in match_nodes(rule.match)]


def problems(condition: str) -> list[str]:
    source = SourceFile("p.fw", f"syntax 1\ndeny tcp 22 from any to self if {condition}\n")
    outputs, found = compile_policy(source, NoFiles(), CompileOptions(("iptables",), lint=False))
    assert not outputs
    assert all(d.primary is not None and d.primary.span.line == 2 for d in found if d.severity is Severity.ERROR)
    return [d.message for d in found if d.severity is Severity.ERROR]


def test_what_is_known_is_modelled() -> None:
    assert any(isinstance(n, Recent) for n in nodes('native iptables """-m recent --update --seconds 60 --name x"""'))
    assert any(isinstance(n, WithinRate) for n in nodes('native iptables """-m limit --limit 5/min"""'))
    assert any(isinstance(n, FieldIn) for n in nodes('native nft """ip ttl 5"""'))


@pytest.mark.parametrize(
    "text", ["-m owner --socket-exists", "-m socket", "-m devgroup --dst-group 1", "-m rpfilter --invert"]
)
def test_conditions_of_every_hook_are_read(text: str) -> None:
    source = SourceFile("p.fw", f'syntax 1\nallow ssh from self to any if native iptables """{text}"""\n')
    policy, found = load_policy(source, NoFiles(), ElaborateOptions())
    assert policy is not None, [d.message for d in found]


def test_what_is_not_known_is_opaque() -> None:
    found = [n for n in nodes('native iptables """-m string --string x --algo bm"""') if isinstance(n, Opaque)]
    assert [(n.dialect, n.kind) for n in found] == [("iptables", "string")]


@pytest.mark.parametrize(
    "text",
    [
        'native iptables """-m limit --limit 5/min -j DROP"""',
        'native iptables """--dport"""',
        'native nft """drop } chain x { type filter hook input priority 0; accept"""',
        'native nft """counter log prefix "x" """',
        'native nft """no such thing {"""',
    ],
)
def test_what_is_no_condition_is_an_error(text: str) -> None:
    """Nothing gets out of the condition into the rules around it."""
    assert problems(text)


@pytest.mark.parametrize(
    ("target", "text", "words"),
    [
        ("iptables", "-m owner --uid-owner 0 -j ACCEPT", "-m owner cannot be used in INPUT"),
        ("iptables", "-4 -j nowhere", "there is no chain"),
        ("nft", "nonsense accept", "unexpected `nonsense`"),
        ("nft", "jump nowhere", "does not exist"),
    ],
)
def test_native_rules_are_refused_where_they_stand(target: str, text: str, words: str) -> None:
    policy = f'syntax 1\nallow ssh from any to self\nnative {target} at input-start """\n    {text}\n"""\n'
    target = {"nft": "nftables"}.get(target, target)
    outputs, found = compile_policy(SourceFile("p.fw", policy), NoFiles(), CompileOptions((target,), lint=False))
    assert not outputs
    (problem,) = (d for d in found if d.severity is Severity.ERROR)
    assert words in problem.message
    assert problem.primary is not None and problem.primary.span.line == 3


def test_other_targets_have_none() -> None:
    assert problems('native pf """proto tcp"""')
    assert problems('native iptables """ """')
