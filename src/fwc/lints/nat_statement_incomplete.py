"""A translation of ports lacks a protocol that has ports.

## Why is this bad?

nft refuses the whole file: "transport protocol mapping is only valid after transport protocol match".

## Example

```nft
table ip translate
delete table ip translate
table ip translate {
        chain arriving {
                type nat hook prerouting priority dstnat; policy accept;
                iifname "eth0" dnat to 192.0.2.10:80
        }
}
```

## Use instead

```nft
table ip translate
delete table ip translate
table ip translate {
        chain arriving {
                type nat hook prerouting priority dstnat; policy accept;
                iifname "eth0" tcp dport 8080 dnat to 192.0.2.10:80
        }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import Field, FieldIn, MaskedIn, Match, Opaque, SetRef, TupleIn
from fwc.ir.verdict import Dnat, Masquerade, Redirect, Snat, Verdict
from fwc.ir.walk import match_nodes
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint

_TRANSPORT = frozenset({Field.PROTOCOL, Field.SPORT, Field.DPORT, Field.TCP_FLAGS})


@lint("FW025", "nat-statement-incomplete", Severity.ERROR, formats=("nft",), needs=(Dnat, Snat, Redirect, Masquerade))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, _, rule in context.rules():
        if _ports(rule.verdict) and not any(_transport(node) for node in match_nodes(rule.match)):
            yield lint.finding(
                "ports are translated, and nothing says of which protocol: nft refuses the file",
                rule.origin.span,
                help="name the protocol in the rule, as `tcp dport 8080` or `meta l4proto { tcp, udp }`",
            )


def _ports(verdict: Verdict) -> bool:
    match verdict:
        case Dnat(targets):
            return any(t.ports is not None for t in targets)
        case Snat(target):
            return target.ports is not None
        case Redirect(ports) | Masquerade(ports):
            return ports is not None
        case _:
            return False


def _transport(node: Match) -> bool:
    """Whether a condition says something about the transport protocol, or may."""
    if isinstance(node, FieldIn | MaskedIn):
        return node.field in _TRANSPORT
    if isinstance(node, TupleIn | SetRef):
        return bool(_TRANSPORT & set(node.fields))
    return isinstance(node, Opaque)
