"""What pf rules do besides passing and blocking, and what they ask of the machine, as IR."""

from __future__ import annotations

import pytest

from fwc.diagnostics import has_errors
from fwc.dialects.pf.check import Environment
from fwc.dialects.pf.lift import lift
from fwc.dialects.pf.parse import parse
from fwc.ir.match import Field, FieldIn, NoRoute, Opaque
from fwc.ir.model import Rule
from fwc.ir.verdict import ClampMss, Duplicate, OpaqueAction, OpaqueVerdict, Via
from fwc.ir.walk import match_nodes
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.source import SourceFile


def filter_rules(text: str, environment: Environment | None = None) -> tuple[Rule, ...]:
    """The rules of the filter chain of packets that leave."""
    tree, found = parse(SourceFile("pf.conf", text + "\n"))
    assert not has_errors(found)
    ruleset, _ = lift(tree, environment)
    (chain,) = [
        c for c in ruleset.tables[0].chains if c.base and c.base.hook is Hook.PF_OUT and c.base.type is ChainType.FILTER
    ]
    return chain.rules


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        ("pass out quick on en0 route-to (en1 10.0.0.1) inet all", Via("route-to", "(en1 10.0.0.1)")),
        ("pass out quick on en0 route-to { (en1 10.0.0.1), (en2 10.0.0.2) } round-robin inet all",
         Via("route-to", "{ (en1 10.0.0.1), (en2 10.0.0.2) } round-robin")),
        ("pass out quick on en0 fastroute all", Via("fastroute")),
        ("pass out quick on en0 reply-to en1 all", Via("reply-to", "en1")),
        ("pass out quick on en0 dup-to (en1 10.0.0.1) inet all", Duplicate(Family.V4, 0x0A000001, "en1")),
        ("pass out quick on en0 dup-to en1 all", Via("dup-to", "en1")),
        ("pass out quick on en0 all rtable 3", Via("rtable", "3")),
        ('gate = "em0 10.0.0.1"\npass out quick on en0 all route-to ($gate)', Via("route-to", "(em0 10.0.0.1)")),
        ("match out on en0 scrub (no-df max-mss 1440)", ClampMss(1440, 1440)),
        ("match out on en0 scrub (set-tos lowdelay)",
         OpaqueAction("pf", "scrub (set-tos lowdelay)", "scrub")),
    ],
)  # fmt: skip
def test_actions(rule: str, action: object) -> None:
    assert filter_rules(rule)[0].actions == (action,)


def test_scrub_that_only_normalises_does_nothing_else() -> None:
    assert filter_rules("match out on en0 scrub (no-df random-id)")[0].actions == ()


def test_no_route_is_a_question_of_the_routing_table() -> None:
    (rule,) = filter_rules("block out quick from any to no-route")
    assert list(match_nodes(rule.match)) == [NoRoute(Field.DADDR)]
    (rule,) = filter_rules("block out quick from any to no-route", Environment({}))
    assert not [n for n in match_nodes(rule.match) if isinstance(n, Opaque)]  # XNU always says that there is a route


def test_tos_is_a_test_of_bits_on_macos_and_may_be_less_elsewhere() -> None:
    some = FieldIn(Field.DSCP, IntervalSet.of(*(v for v in range(64) if v & 4)))
    (rule,) = filter_rules("block out quick inet all tos 0x10", Environment({}))
    assert some in list(match_nodes(rule.match))
    assert not [n for n in match_nodes(rule.match) if isinstance(n, Opaque)]
    (rule,) = filter_rules("block out quick inet all tos 0x10")
    assert {some, Opaque("pf", "tos 0x10", "tos")} <= set(match_nodes(rule.match))


def test_rules_of_an_anchor_that_the_file_does_not_hold_may_decide_anything() -> None:
    before, anchor, after = filter_rules('pass out quick proto tcp to port 22\nanchor "miniupnpd"\nblock out all')
    assert isinstance(anchor.verdict, OpaqueVerdict)
    assert (anchor.verdict.dialect, anchor.verdict.kind, anchor.verdict.terminal) == ("", "anchor", None)
    assert before.verdict != after.verdict
