"""From the parts of a grammar rule to a statement; the companion of nodes.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fwc.lang import ast
from fwc.lang.nodes import NODES, Part, as_iface, first, node, part, value_of
from fwc.lang.options import clauses, twice
from fwc.lang.values import Builder, ports
from fwc.net.hooks import Family
from fwc.source import Span

Kids = Sequence[Any]


@node
def block(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Block(tuple(kids[0]), Span(b.file, s, e))


# ----- file level ------------------------------------------------------------


@node
def syntax_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Syntax(kids[0], Span(b.file, s, e))


@node
def policy_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    found = clauses(b, kids[1:])
    written = [kid for kid in (value_of(kids[1:], "block") or ()) if isinstance(kid, Part)]
    for kid in written:
        b.error("FW052", f"`{kid.kind}` says nothing about a policy", kid.span.start, kid.span.end)
    return ast.PolicyInfo(kids[0], found.options, Span(b.file, s, e))


@node
def include_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Include(kids[0], Span(b.file, s, e))


@node
def value(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return kids[0]


@node
def let_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Let(kids[0], kids[1], Span(b.file, s, e))


@node
def settings_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.SettingsBlock(tuple(kids[0]), Span(b.file, s, e))


@node
def setting(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Setting(kids[0], tuple(kids[1:]), Span(b.file, s, e))


@node
def lint_ignore(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.LintIgnore(kids[0], kids[1], Span(b.file, s, e))


@node
def lint_level(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.LintLevel(kids[0], kids[1], Span(b.file, s, e))


# ----- declarations ----------------------------------------------------------

NODES["within"] = part("within")


@node
def zone_iface(b: Builder, kids: Kids, s: int, e: int) -> Any:
    os = kids[0] if isinstance(kids[0], ast.Name) else None
    ifaces = tuple(as_iface(b, kid) for kid in kids if not isinstance(kid, ast.Name))
    return ast.ZoneIfaces(os, ifaces, Span(b.file, s, e))


@node
def zone_net(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.ZoneNets(tuple(kids), Span(b.file, s, e))


@node
def zone_address(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.ZoneAddresses(tuple(kids), Span(b.file, s, e))


@node
def zone_mtu(b: Builder, kids: Kids, s: int, e: int) -> Any:
    if not 68 <= kids[0].value <= 65535:
        message = f"{kids[0].value} is not an MTU"
        b.error("FW040", message, kids[0].span.start, kids[0].span.end, "an MTU is 68 to 65535")
    return ast.ZoneMtu(kids[0], Span(b.file, s, e))


@node
def zone_overlaps(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.ZoneOverlaps(tuple(kids), Span(b.file, s, e))


@node
def zone_comment(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.ZoneComment(kids[0], Span(b.file, s, e))


@node
def zone_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Zone(kids[0], value_of(kids, "within"), tuple(kids[-1]), Span(b.file, s, e))


@node
def members(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return tuple(kids)


@node
def host_addr(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.HostAddress(kids[0], kids[1], Span(b.file, s, e))


@node
def host_os(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.HostOs(kids[0], Span(b.file, s, e))


@node
def host_target(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.HostTarget(kids[0], Span(b.file, s, e))


@node
def host_address(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.HostOwnAddress(tuple(kids), Span(b.file, s, e))


@node
def host_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.ManagedHost(kids[0], tuple(kids[1]), Span(b.file, s, e))


@node
def group_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Group(kids[0], kids[1], kids[2] if len(kids) > 2 else (), Span(b.file, s, e))


@node
def set_dynamic(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return Part("dynamic", True, Span(b.file, s, e))


@node
def set_counters(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return Part("counters", True, Span(b.file, s, e))


NODES["set_timeout"] = part("timeout")
NODES["set_size"] = part("size")
NODES["set_src"] = part("source")
NODES["set_members"] = members


@node
def set_file(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.SetFile(kids[0], Span(b.file, s, e))


_SET_MEMBERS: dict[str, tuple[Any, ...]] = {
    "addresses": (ast.Address, ast.Dns, ast.Name, ast.Variable),
    "networks": (ast.Address, ast.Dns, ast.Name, ast.Variable),
    "ports": (ast.Ports, ast.Number, ast.Variable),
    "macs": (ast.Mac,),
    "ifaces": (ast.Iface, ast.Name, ast.Text),
}


def _set_member(b: Builder, kind: str, member: Any) -> Any:
    if member.__class__ not in _SET_MEMBERS[kind]:
        b.error("FW050", f"`{member.span.text}` cannot be in a set of {kind}", member.span.start, member.span.end)
        return None
    if kind == "ports":
        return ports(b, member)
    return as_iface(b, member) if kind == "ifaces" else member


@node
def set_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    found: dict[str, Part] = {}
    for kid in kids[2:]:
        if kid.kind in found:
            twice(b, f"`{kid.kind}`", kid.span, found[kid.kind].span)
        found.setdefault(kid.kind, kid)
    values = {kind: found_part.value for kind, found_part in found.items()}
    source = values.get("source")
    if isinstance(source, tuple):
        source = tuple(m for m in (_set_member(b, kids[1], member) for member in source) if m is not None)
    return ast.SetDecl(
        kids[0],
        kids[1],
        "dynamic" in values,
        values.get("timeout"),
        values.get("size"),
        "counters" in values,
        source,
        Span(b.file, s, e),
    )


@node
def service_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Service(kids[0], kids[1], Span(b.file, s, e))


@node
def param(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Param(kids[0], kids[1] if len(kids) > 1 else None, Span(b.file, s, e))


@node
def template_decl(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Template(kids[0], tuple(kids[1:-1]), kids[-1], Span(b.file, s, e))


@node
def arg_l4(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.L4(kids[0], ports(b, kids[1]), None, Span(b.file, s, e))


@node
def use_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Use(kids[0], tuple(kids[1:]), Span(b.file, s, e))


# ----- rules -----------------------------------------------------------------


def headed(kids: Kids) -> tuple[Family | None, ast.Traffic | None, Kids]:
    """Family and traffic in front of the clauses, as far as written, and the clauses."""
    family, rest = (kids[0], kids[1:]) if kids and isinstance(kids[0], Family) else (None, kids)
    if rest and isinstance(rest[0], ast.Traffic):
        return family, rest[0], rest[1:]
    return family, None, rest


@node
def rule(b: Builder, kids: Kids, s: int, e: int) -> Any:
    family, traffic, rest = headed(kids[1:])
    assert traffic is not None
    found = clauses(b, rest)
    if kids[0] != "allow":
        for option in found.options:
            if isinstance(option, ast.LimitOption | ast.MaxOption):
                _limited_refusal(b, kids[0], traffic, option)
    return ast.Rule(kids[0], family, traffic, found, Span(b.file, s, e))


def _limited_refusal(b: Builder, action: str, traffic: ast.Traffic, option: ast.LimitOption | ast.MaxOption) -> None:
    word = "limit" if isinstance(option, ast.LimitOption) else "max"
    if action in ("deny", "reject"):
        what = f"`{word}` says how much may pass, so it belongs to `allow`, not to `{action}`"
        text = option.span.text
        tail = "" if " else " in text else f" else {action}"
        help = f"say what may pass, the rest is refused here: `allow {traffic.span.text} ... {text}{tail}`"
    else:
        what = f"`{word}` belongs to `allow`; `{action}` refuses nothing"
        help = "write `log rate 5/minute` to log less"
    b.error("FW045", what, option.span.start, option.span.end, help)


@node
def default_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Default(kids[0], kids[1], clauses(b, kids[2:]).options, Span(b.file, s, e))


@node
def scope_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    found = clauses(b, kids[:-1])
    return ast.Scope(found.source, found.destination, found.conditions, kids[-1], Span(b.file, s, e))


@node
def early_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return ast.Early(kids[0], Span(b.file, s, e))


@node
def wcond(b: Builder, kids: Kids, s: int, e: int) -> Any:
    negated = kids[0] == "not"
    key, *values = kids[1:] if negated else kids
    return ast.WhenTest(negated, key, tuple(values), Span(b.file, s, e))


NODES["else_block"] = part("else")


@node
def when_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    tests = tuple(kid for kid in kids if isinstance(kid, ast.WhenTest))
    return ast.When(tests, first(kids, ast.Block), value_of(kids, "else"), Span(b.file, s, e))


def _jump(b: Builder, kind: str, chain: ast.Name | None, kids: Kids, s: int, e: int) -> ast.Jump:
    _, traffic, rest = headed(kids)
    return ast.Jump(kind, chain, traffic, clauses(b, rest), Span(b.file, s, e))


@node
def jump_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return _jump(b, "jump", kids[0], kids[1:], s, e)


@node
def goto_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return _jump(b, "goto", kids[0], kids[1:], s, e)


@node
def return_stmt(b: Builder, kids: Kids, s: int, e: int) -> Any:
    return _jump(b, "return", None, kids, s, e)


@node
def family_word(b: Builder, kids: Kids, s: int, e: int) -> Any:
    """`v4` or `v6` where a name stands: `settings { family v4 }`, `when family v6`."""
    return ast.Name(b.file.text[s:e], Span(b.file, s, e))
