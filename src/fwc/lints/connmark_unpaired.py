"""A connection mark is saved and never read, or restored and never saved.

## Why is this bad?

Policy routing and traffic shaping need both: the mark of the first packet saved to the connection, and restored to the later
packets. With one half missing only some packets of a connection have the mark.

## Example

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j CONNMARK --restore-mark
COMMIT
```

## Use instead

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j CONNMARK --restore-mark
-A PREROUTING -i eth1 -m mark --mark 0x0 -j MARK --set-xmark 0x1/0xffffffff
-A POSTROUTING -j CONNMARK --save-mark
COMMIT
```

## Exceptions

A mark that a rule sets on the connection or asks for directly (`connmark`, `ct mark`). Other programs may do the other half
(`tc` restores connection marks, too), so this is for the pedantic.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.ir.match import Field, FieldIn, MaskedIn, Match, TupleIn
from fwc.ir.verdict import CopyMark, OpaqueAction, SetField
from fwc.ir.walk import match_nodes, rules
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint


@lint(
    "FW316", "connmark-unpaired", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"), needs=(CopyMark,)
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    written, read = _uses(context)
    if written and read:
        return
    for _, _, _, _, rule, span in authored(context):
        for action in rule.actions:
            if isinstance(action, CopyMark) and (action.direction == "save" if written else action.direction != "save"):
                yield lint.finding(
                    "the connection mark that is saved here is never restored or asked for"
                    if written
                    else "no rule saves a connection mark: this restores nothing", span,
                    help="add the other half, or delete this one",
                )  # fmt: skip


def _uses(context: LintContext) -> tuple[bool, bool]:
    """Whether any rule writes connection marks, and whether any reads them."""
    written = read = False
    for _, _, _, rule in rules(context.ruleset):
        for action in rule.actions:
            if isinstance(action, CopyMark):
                written, read = written or action.direction == "save", read or action.direction != "save"
            elif isinstance(action, SetField) and action.field is Field.CT_MARK:
                written = True
            elif isinstance(action, OpaqueAction):
                written = read = True
        read = read or any(_asks(node) for node in match_nodes(rule.match))
    return written, read


def _asks(node: Match) -> bool:
    if isinstance(node, FieldIn | MaskedIn):
        return node.field is Field.CT_MARK
    return isinstance(node, TupleIn) and Field.CT_MARK in node.fields
