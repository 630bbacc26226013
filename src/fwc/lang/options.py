"""From the parts of a grammar rule to an option, and the tail of clauses that statements share; the companion of nodes.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fwc.lang import ast
from fwc.lang.nodes import NODES, Handler, Part, first, node, part, value_of
from fwc.lang.values import Builder, ports
from fwc.source import Span

# ----- options ---------------------------------------------------------------

NODES["burst"] = part("burst")
NODES["log_level"] = part("level")
NODES["log_nflog"] = part("nflog")


@node
def log_rate(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return Part("rate", (kids[0], value_of(kids, "burst")), Span(b.file, s, e))


@node
def o_log(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    found: dict[str, Part] = {}
    for kid in kids:
        if isinstance(kid, Part):
            if kid.kind in found:
                twice(b, f"`{kid.kind}` of `log`", kid.span, found[kid.kind].span)
            found.setdefault(kid.kind, kid)
    rate, burst = found["rate"].value if "rate" in found else (None, None)
    level = found["level"].value if "level" in found else None
    nflog = found["nflog"].value if "nflog" in found else None
    if nflog is not None and nflog.value > 65535:
        b.error("FW040", f"nflog group {nflog.value} is larger than 65535", nflog.span.start, nflog.span.end)
    return ast.LogOption(first(kids, ast.Text), level, rate, burst, nflog, Span(b.file, s, e))


@node
def per(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    masks = [*kids[1:], None, None]
    for mask, top in zip(kids[1:], (32, 128), strict=False):
        if mask.value > top:
            message = f"the mask {mask.value} is longer than {top}"
            b.error("FW040", message, mask.span.start, mask.span.end, "`mask 24 64` is IPv4 first, then IPv6")
    return ast.PerPart(kids[0], masks[0], masks[1], Span(b.file, s, e))


@node
def add(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.AddPart(kids[0], kids[1], kids[2] if len(kids) > 2 else None, Span(b.file, s, e))


@node
def else_part(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.ElsePart(kids[0], kids[1] if len(kids) > 1 else None, Span(b.file, s, e))


@node
def o_limit(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    rest = kids[1:]
    return ast.LimitOption(
        kids[0], value_of(rest, "burst"), first(rest, ast.PerPart), first(rest, ast.ElsePart), Span(b.file, s, e)
    )


@node
def o_max(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.MaxOption(kids[0], first(kids, ast.PerPart), first(kids, ast.ElsePart), Span(b.file, s, e))


@node
def o_with(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.WithOption(kids[0], Span(b.file, s, e))


@node
def o_count(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.CountOption(kids[0] if kids else None, Span(b.file, s, e))


@node
def o_label(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.LabelOption(kids[0], Span(b.file, s, e))


@node
def o_comment(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.TextOption("comment", kids[0], Span(b.file, s, e))


@node
def o_owner(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.TextOption("owner", kids[0], Span(b.file, s, e))


@node
def o_ticket(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.TextOption("ticket", kids[0], Span(b.file, s, e))


@node
def o_expires(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.ExpiresOption(kids[0], Span(b.file, s, e))


@node
def o_ignore(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.IgnoreOption(kids[0], kids[1], Span(b.file, s, e))


@node
def o_add(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.AddOption(kids[0], Span(b.file, s, e))


@node
def o_disabled(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.DisabledOption(kids[0], Span(b.file, s, e))


@node
def o_ports(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.PortsOption(ports(b, kids[0]), Span(b.file, s, e))  # type: ignore[arg-type]


def _flag(kind: str) -> Handler:
    return lambda b, kids, s, e: ast.FlagOption(kind, Span(b.file, s, e))


NODES["o_stateless"] = _flag("stateless")
NODES["o_hairpin"] = _flag("hairpin")
NODES["o_noaccept"] = _flag("without-accept")
NODES["o_random"] = _flag("random")
NODES["o_persistent"] = _flag("persistent")
NODES["optblock"] = part("block")

# ----- the tail of a statement -------------------------------------------------

_KEYWORDS: dict[type, str] = {
    ast.LogOption: "log", ast.LimitOption: "limit", ast.MaxOption: "max", ast.WithOption: "with",
    ast.CountOption: "count", ast.LabelOption: "as", ast.ExpiresOption: "expires", ast.DisabledOption: "disabled",
    ast.PortsOption: "ports",
}  # fmt: skip


def twice(b: Builder, what: str, span: Span, earlier: Span) -> None:
    help = "write it once; a list is joined with commas, conditions with `and`"
    b.error("FW042", f"{what} is written twice", span.start, span.end, help, (earlier, "first here"))


def clauses(b: Builder, kids: Iterable[Any]) -> ast.Clauses:
    """Collect `from`, `to`, `if` and the options, those of an option block included; each at most once."""
    parts: dict[str, Part] = {}
    options: list[ast.Option] = []
    seen: dict[str, Span] = {}
    pending = list(kids)
    pending.reverse()
    while pending:
        kid = pending.pop()
        if not isinstance(kid, Part):
            _note_option(b, kid, seen)
            options.append(kid)
        elif kid.kind == "block":
            pending.extend(reversed(kid.value))
        elif kid.kind in parts:
            twice(b, f"`{kid.kind}`", kid.span, parts[kid.kind].span)
        else:
            parts[kid.kind] = kid
    source, destination, conditions = (parts[k].value if k in parts else None for k in ("from", "to", "if"))
    return ast.Clauses(source, destination, conditions or (), tuple(options))


def _note_option(b: Builder, option: ast.Option, seen: dict[str, Span]) -> None:
    if isinstance(option, ast.AddOption | ast.IgnoreOption):
        return
    key = option.kind if isinstance(option, ast.TextOption | ast.FlagOption) else _KEYWORDS[type(option)]
    if key in seen:
        twice(b, f"`{key.replace('without-', 'without ')}`", option.span, seen[key])
    seen.setdefault(key, option.span)
