"""`native TARGET at PLACE`: verbatim text, checked only for belonging to the target that is compiled."""

from __future__ import annotations

from fwc.elaborate.builder import Builder
from fwc.elaborate.expanded import Placed
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import NOT_EXPRESSIBLE, PLACE
from fwc.ir.model import NativeText
from fwc.lang import ast

_TARGETS = {"nft": "nft", "nftables": "nft", "iptables": "iptables", "pf": "pf"}

PLACES = (
    "options",
    "table",
    *(
        f"{hook}-{end}"
        for hook in ("prerouting", "input", "forward", "output", "postrouting")
        for end in ("start", "end")
    ),
)
"""Where native text can stand; the first two are before all chains."""


def native(builder: Builder, placed: Placed) -> NativeText | None:
    """The text for the back end; None after an error."""
    statement = placed.statement
    assert isinstance(statement, ast.Native)
    word = statement.target.text
    place = "table" if statement.place is None else statement.place.text
    if word not in _TARGETS:
        builder.out.append(
            mistake(PLACE, f"`{word}` is no target", statement.target.span, help="write nft, iptables or pf")
        )
        return None
    if place not in PLACES:
        span = statement.place.span if statement.place is not None else statement.span
        builder.out.append(
            mistake(PLACE, f"`{place}` is no place for native text", span, help="write " + ", ".join(PLACES))
        )
        return None
    target = builder.program.settings.target
    if target and _TARGETS.get(target, target) != _TARGETS[word]:
        builder.out.append(
            mistake(
                NOT_EXPRESSIBLE,
                f"native {word} text cannot be compiled for {target}",
                statement.target.span,
                help=f"put it into `when target {word} {{ ... }}`",
            )
        )
        return None
    return NativeText(_TARGETS[word], place, statement.text, placed.origin)
