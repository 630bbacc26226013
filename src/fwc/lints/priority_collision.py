"""Two chains of the same hook and priority translate the same packets.

## Why is this bad?

The first chain that translates a connection decides, the other is not asked. Which chain is first follows from the order in which
they were loaded, so it may change with a reload; one of the two translations never happens.

## Example

```nft
table ip one
delete table ip one
table ip one {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" snat to 192.0.2.1
  }
}
table ip two
delete table ip two
table ip two {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" ip saddr 10.0.0.0/8 masquerade
  }
}
```

## Use instead

```nft
table ip one
delete table ip one
table ip one {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" ip saddr 10.0.0.0/8 masquerade
    oifname "eth0" snat to 192.0.2.1
  }
}
```

## Exceptions

Chains that filter: their order changes no verdict. Chains whose translations have no packet in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from fwc.analysis.firstmatch import Region
from fwc.analysis.program import base_chains
from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.model import Chain
from fwc.ir.verdict import Dnat, Masquerade, Netmap, Redirect, Snat
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import ChainType, Family
from fwc.source import Span

_NAT = (Dnat, Masquerade, Netmap, Redirect, Snat)
MOST_RULES = 500
"""Translations of one chain that are compared."""


@lint("FW709", "priority-collision", Severity.WARNING, formats=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[tuple[Span, Span]] = set()
    for family in context.facts.families:
        for chains in base_chains(context.ruleset, family).values():
            nat = [(t, c) for t, c in chains if c.base is not None and c.base.type is ChainType.NAT and c.rules]
            for one, two in combinations(nat, 2):
                if one[1].base is None or two[1].base is None or one[1].base.priority != two[1].base.priority:
                    continue
                pair = _both(context, family, one, two)
                if pair is None or pair in seen:
                    continue
                seen.add(pair)
                yield lint.finding(
                    f"chain {two[1].name} and another one of the same hook and priority translate the same packets", pair[1],
                    label="one of the two is never asked", secondary=[Label(pair[0], "translates them too")],
                    help="put both rules into one chain, in the order that is meant, or give the chains priorities",
                )  # fmt: skip


def _both(
    context: LintContext, family: Family, one: tuple[int, Chain], two: tuple[int, Chain]
) -> tuple[Span, Span] | None:
    """The rules of two chains that translate a packet in common."""
    dimensions = context.facts.dimensions(family)
    for first in _translations(context, family, *one):
        for second in _translations(context, family, *two):
            if dimensions.meet(first.box, second.box) is not None:
                left, right = context.facts.rule(first.place), context.facts.rule(second.place)
                if left and right and left.origin.span is not None and right.origin.span is not None:
                    return left.origin.span, right.origin.span
    return None


def _translations(context: LintContext, family: Family, table: int, chain: Chain) -> list[Region]:
    regions = context.facts.chain_regions(family, table, chain) or []
    return [r for r in regions if isinstance(r.outcome.verdict, _NAT) or _writes(r)][:MOST_RULES]


def _writes(region: Region) -> bool:
    return any(isinstance(effect, _NAT) for effect in region.outcome.effects)
