"""A router forwards ICMPv6 messages that belong to one link.

## Why is this bad?

Neighbour discovery (133 to 137) is not valid behind a router: the hop limit must be 255, so the rule accepts forgeries only.
Router renumbering (138) and node information queries (139, 140) tell strangers about the network: RFC 4890 4.3.3 and 4.3.4.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 133 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 134 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 133 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 134 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT
COMMIT
```

## Exceptions

Rules that accept ICMPv6 as a whole; chains of bridges, which do carry neighbour discovery.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.ir.match import Field
from fwc.ir.verdict import Accept
from fwc.lints._conditions import required
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._hooks import hooks_of
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.net.intervals import IntervalSet

_TYPES = {**dict.fromkeys(range(133, 138), "neighbour discovery"), 138: "router renumbering",
          139: "node information", 140: "node information"}  # fmt: skip
_MOST_TYPES = 16


@lint(
    "FW413",
    "forwarded-icmpv6",
    Severity.INFO,
    Persona.PEDANTIC,
    formats=("iptables-save", "nft"),
    needs=(Field.ICMPV6,),
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, table, chain, _, rule, span in authored(context):
        types = required(rule.match, Field.ICMPV6)
        if not isinstance(rule.verdict, Accept) or not isinstance(types, IntervalSet) or table.family == "bridge":
            continue
        if types.size() > _MOST_TYPES << 8 or hooks_of(table).get(chain.name) != frozenset({Hook.FORWARD}):
            continue
        found = [(number, name) for number, name in _TYPES.items() if number << 8 in types]
        if found:
            names = ", ".join(dict.fromkeys(name for _, name in found))
            numbers = ", ".join(str(number) for number, _ in found)
            yield lint.finding(
                f"FORWARD accepts ICMPv6 {numbers} ({names}), which no router should pass on", span,
                help="leave these types out of FORWARD",
            )  # fmt: skip
