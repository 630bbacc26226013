"""From the parts of a grammar rule to a statement: translation, packet changes, placement and tests; the companion of
statements.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fwc.lang import ast
from fwc.lang.nodes import NODES, Part, first, node, part, value_of
from fwc.lang.options import clauses, twice
from fwc.lang.statements import headed
from fwc.lang.values import Builder
from fwc.net.hooks import Family
from fwc.source import Span

Kids = Sequence[Any]

# ----- translation -----------------------------------------------------------


@node
def target(b: Builder, kids: Kids, s: int, e: int) -> Any:
    kid = kids[0]
    return kid if isinstance(kid, ast.NatEndpoint) else ast.NatEndpoint(kid, None, Span(b.file, s, e))


@node
def masquerade(b: Builder, kids: Kids, s: int, e: int) -> Any:
    family, traffic, rest = headed(kids)
    return ast.Masquerade(family, traffic, clauses(b, rest), Span(b.file, s, e))


def _translated(b: Builder, kids: Kids) -> tuple[Family | None, Any, ast.Clauses, tuple[ast.NatEndpoint, ...]]:
    family, traffic, rest = headed(kids)
    targets = tuple(kid for kid in rest if isinstance(kid, ast.NatEndpoint))
    return family, traffic, clauses(b, [kid for kid in rest if not isinstance(kid, ast.NatEndpoint)]), targets


@node
def snat(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Snat(*_translated(b, kids), Span(b.file, s, e))


@node
def forward(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Forward(*_translated(b, kids), Span(b.file, s, e))


@node
def redirect(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Redirect(*_translated(b, kids), Span(b.file, s, e))


@node
def map(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Map(kids[0], kids[1], kids[2], clauses(b, kids[3:]), Span(b.file, s, e))


@node
def nonat(b: Builder, kids: Kids, s: int, e: int) -> Any:
    family, traffic, rest = headed(kids)
    return ast.NoNat(family, traffic, clauses(b, rest), Span(b.file, s, e))


# ----- packet changes --------------------------------------------------------


def _changed(b: Builder, kids: Kids) -> tuple[Family | None, Any, ast.Clauses]:
    family, traffic, rest = headed(kids)
    return family, traffic, clauses(b, rest)


@node
def mark_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Mark(kids[0], *_changed(b, kids[1:]), Span(b.file, s, e))


@node
def rewrite_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Rewrite(kids[0], kids[1], *_changed(b, kids[2:]), Span(b.file, s, e))


@node
def clamp_pmtu(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return "pmtu"


@node
def clamp_mtu(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ("mtu", kids[0].value)


@node
def clamp_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    to = ("mss", kids[0].value) if isinstance(kids[0], ast.Number) else kids[0]
    if to != "pmtu" and not 1 <= to[1] <= 65535:
        b.error("FW040", f"{to[1]} is not a segment size", s, e, "write a number from 1 to 65535")
    _, traffic, found = _changed(b, kids[1:])
    return ast.Clamp(to, traffic, found, Span(b.file, s, e))


@node
def notrack_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Notrack(*_changed(b, kids), Span(b.file, s, e))


@node
def helper_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    _, traffic, found = _changed(b, kids[1:])
    return ast.Helper(kids[0], traffic, found, Span(b.file, s, e))


# ----- placement -------------------------------------------------------------


@node
def chain_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.ChainDecl(kids[0], kids[1], Span(b.file, s, e))


NODES["hook_type"] = part("type")


@node
def hook_policy(b: Builder, kids: Kids, s: int, e: int) -> Any:
    kid = kids[0]
    if isinstance(kid, str):
        kid = ast.Name(kid, Span(b.file, e - len(kid), e))
    return Part("policy", kid, Span(b.file, s, e))


@node
def hook_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    middle = [kid for kid in kids[1:-2] if not isinstance(kid, Part)]
    base, offset = first(middle, ast.Name), first(middle, ast.Number)
    return ast.HookDecl(
        kids[0],
        base,
        offset.value if offset else 0,
        value_of(kids, "type"),
        value_of(kids, "policy"),
        kids[-2],
        kids[-1],
        Span(b.file, s, e),
    )


NODES["native_at"] = part("at")


@node
def native_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Native(kids[0], value_of(kids, "at"), kids[-1], Span(b.file, s, e))


# ----- tests -----------------------------------------------------------------

NODES["on_host"] = part("on")
for _kind in ("in", "out", "state", "mark", "mac", "user", "at"):
    NODES[f"p_{_kind}"] = part(_kind)
for _kind in ("by", "snat", "dnat"):
    NODES[f"e_{_kind}"] = part(_kind)


@node
def p_l4(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.L4(kids[0], None, None, Span(b.file, s, e))


NODES["p_icmp"] = NODES["t_icmp"]
NODES["p_icmpv6"] = NODES["t_icmpv6"]


@node
def pep(b: Builder, kids: Kids, s: int, e: int) -> Any:
    kid = kids[0]
    span = Span(b.file, s, e)
    if not isinstance(kid, ast.NatEndpoint):
        return ast.PacketEndpoint(kid, None, span)
    if isinstance(kid.host, ast.Variable) or not isinstance(kid.ports, ast.Ports) or kid.ports.low != kid.ports.high:
        b.error("FW052", f"`{span.text}` is not one address and one port", s, e, "a test packet is one packet")
        return ast.PacketEndpoint(ast.Self(span), None, span)
    return ast.PacketEndpoint(kid.host, kid.ports.low, span)


@node
def expect(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return Part("expect", kids, Span(b.file, s, e))


@node
def packet(b: Builder, kids: Kids, s: int, e: int) -> Any:
    found: dict[str, Part] = {}
    for kid in kids[3:-1]:
        if kid.kind in found:
            twice(b, f"`{kid.kind}`", kid.span, found[kid.kind].span)
        found.setdefault(kid.kind, kid)
    get = {kind: each.value for kind, each in found.items()}.get
    verdict, *rest = kids[-1].value
    return ast.TestPacket(
        protocol=kids[0],
        source=kids[1],
        destination=kids[2],
        in_zone=get("in"),
        out_zone=get("out"),
        state=get("state"),
        mark=get("mark"),
        mac=get("mac"),
        user=get("user"),
        at=get("at"),
        verdict=verdict,
        by=value_of(rest, "by"),
        snat=value_of(rest, "snat"),
        dnat=value_of(rest, "dnat"),
        span=Span(b.file, s, e),
    )


@node
def test_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Test(kids[0], value_of(kids[1:-1], "on"), tuple(kids[-1]), Span(b.file, s, e))


NODES["unless"] = part("unless")


@node
def assert_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    host = value_of(kids[:1], "on")
    rest = kids[1:] if host is not None else kids
    strict = rest[0] == "strict"
    quantifier, *rest = rest[1:] if strict else rest
    family, traffic, tail = headed(rest)
    unless = value_of(tail, "unless")
    found = clauses(b, [kid for kid in tail if not (isinstance(kid, Part) and kid.kind == "unless")])
    span = Span(b.file, s, e)
    taken = (unless.kind, unless.value) if unless is not None else None
    assert traffic is not None
    return ast.Assert(host, strict, quantifier, family, traffic, found, taken, span)
