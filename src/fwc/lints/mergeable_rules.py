"""Rules in a row that differ in one value could be one rule.

## Why is this bad?

Two rules to read, to compare packets with and to keep alike.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
```

```nft
table inet web
delete table inet web
table inet web {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { mld-listener-query, nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    tcp dport 22 accept
    tcp dport 80 ct count over 20 drop
    ip saddr 192.0.2.1 udp dport 161 accept
    ip saddr 192.0.2.9 udp dport 161 accept
  }
}
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp -m multiport --dports 80,443 -j ACCEPT
COMMIT
```

```nft
table inet web
delete table inet web
table inet web {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { mld-listener-query, nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    tcp dport 22 accept
    tcp dport 80 ct count over 20 drop
    ip saddr { 192.0.2.1, 192.0.2.9 } udp dport 161 accept
  }
}
```

## Exceptions

Rules with a log, counter, comment or another trace; fields that are compared bit by bit (TCP flags), where a set means something
else; what the target cannot say in one rule: more than 15 ports, or two addresses, in iptables without an ipset. Long runs
are FW820.

## Fix safety

Safe: the engine compares the ruleset before and after over all packets, and a fix that is not proved is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from fwc.diagnostics import Applicability, Diagnostic, Edit, Fix, Label, Persona, Severity
from fwc.ir.match import Field, Values
from fwc.ir.model import Rule
from fwc.ir.verdict import Accept, Drop, Reject
from fwc.lints._alike import Run, runs
from fwc.lints._conditions import required
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, delete_lines, lint
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet

MOST_PORTS = 15
"""What `-m multiport` takes; a range counts twice (xt_multiport.h)."""

_FIELDS = {
    "iptables-save": frozenset({Field.SPORT, Field.DPORT, Field.SADDR, Field.DADDR}),
    "nft": frozenset({Field.SPORT, Field.DPORT, Field.SADDR, Field.DADDR, Field.IIF, Field.OIF}),
}
_WORDS = re.compile(r"\{[^{}]*\}|\"[^\"]*\"|\S+")


@lint("FW118", "mergeable-rules", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for table in context.ruleset.tables:
        for chain in table.chains:
            if context.is_foreign(chain):
                continue
            for run in runs(chain):
                if run.field not in _FIELDS[context.kind] or len(run.spans) != len(run.rules):
                    continue
                if len(run.spans) >= max(2, context.settings.linear_run) or not _is_plain(run.rules[0]):
                    continue
                values = [required(rule.match, run.field) for rule in run.rules]
                if any(rule.comment or rule.label for rule in run.rules) or _overlap(values):
                    continue  # one of those is needless: other lints say so
                if not _fits(context.kind, values):
                    continue
                yield lint.finding(
                    f"{len(run.spans)} rules in a row differ only in {run.field.value}: one rule can say the same",
                    run.spans[0], secondary=[Label(span, "the same otherwise") for span in run.spans[1:8]],
                    help=_HELP[context.kind], affects=run.spans, fixes=_fixes(context.kind, run),
                )  # fmt: skip


_HELP = {
    "iptables-save": "list the ports with `-m multiport --dports`, or write the network that holds both",
    "nft": "write the values as a set, `{ a, b }`",
}


def _is_plain(rule: Rule) -> bool:
    return isinstance(rule.verdict, Accept | Drop | Reject) and not rule.actions


def _overlap(values: list[Values | None]) -> bool:
    """Whether two rules next to each other hold a value in common."""
    for left, right in pairwise(values):
        if isinstance(left, IntervalSet) and isinstance(right, IntervalSet) and not left.isdisjoint(right):
            return True
        if isinstance(left, AddressSet) and isinstance(right, AddressSet) and left & right:
            return True
    return False


def _fits(kind: str, values: list[Values | None]) -> bool:
    """Whether one rule of the target can hold the union."""
    if kind == "nft":
        return True
    ports = [v for v in values if isinstance(v, IntervalSet)]
    if len(ports) == len(values):
        return sum(1 if low == high else 2 for v in ports for low, high in v.runs) <= MOST_PORTS
    return _joined(values) is not None


def _joined(values: list[Values | None]) -> str | None:
    """The one network that holds exactly these addresses."""
    union = AddressSet()
    for each in values:
        if not isinstance(each, AddressSet):
            return None
        union = union | each
    families = [family for family in Family if union.family(family)]
    texts = [text for family in families for text in union.cidrs(family)]
    return texts[0] if len(texts) == 1 else None


def _fixes(kind: str, run: Run) -> list[Fix]:
    """The first rule rewritten to hold all values, the others deleted; none where the texts differ in more than the value."""
    lines = [_WORDS.findall(span.text) for span in run.spans]
    if len({len(words) for words in lines}) != 1 or any("\n" in span.text for span in run.spans):
        return []
    differ = [k for k in range(len(lines[0])) if len({words[k] for words in lines}) > 1]
    if len(differ) != 1:
        return []
    at = differ[0]
    items = [words[at] for words in lines]
    words = list(lines[0])
    if kind == "nft":
        words[at] = "{ " + ", ".join(item.strip("{} ") for item in items) + " }"
    elif words[at - 1] in ("--dport", "--sport"):
        words[at - 1 : at + 1] = ["-m", "multiport", words[at - 1] + "s", ",".join(items)]
    else:
        network = _joined([required(rule.match, run.field) for rule in run.rules])
        if words[at - 1] not in ("-s", "-d") or network is None:
            return []
        words[at] = network
    text = " ".join(words)
    deleted = delete_lines("", run.spans[1:], Applicability.SAFE)
    return [Fix(Applicability.SAFE, f"write `{text}`", (Edit(run.spans[0], text), *deleted.edits))]
