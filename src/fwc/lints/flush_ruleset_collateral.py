"""`flush ruleset` also removes the tables of Docker, Kubernetes, fail2ban and libvirt.

## Why is this bad?

Until those programs are restarted, containers have no network and banned addresses are let in.

## Example

```nft
flush ruleset
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                iifname "docker0" udp dport 53 drop
        }
}
```

## Use instead

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                iifname "docker0" udp dport 53 drop
        }
}
```

## Exceptions

It is a warning where the ruleset or the profile shows that such a program runs, and otherwise only shown to the
pedantic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Confidence, Diagnostic, Severity
from fwc.dialects.nft import tree as nft
from fwc.lints._conditions import interfaces
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint

_THEIRS = re.compile(r"docker\d+|br-[0-9a-f]{12}|cni\d+|cali.*|flannel.*|virbr\d+|lxdbr\d+")


@lint("FW903", "flush-ruleset-collateral", Severity.WARNING, formats=("nft",), reads_tree=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    tree = context.tree
    if not isinstance(tree, nft.Tree):
        return
    flush = next(
        (i for i in tree.items if isinstance(i, nft.Command) and (i.verb, i.object) == ("flush", "ruleset")), None
    )
    if flush is None:
        return
    program = _program(context)
    yield lint.finding(
        f"this also removes the rules of {program or 'every other program'}",
        tree.span(flush.start, flush.end),
        help="empty only your own table: `table inet NAME` and `delete table inet NAME` before its definition",
        severity=Severity.WARNING if program else Severity.INFO,
        confidence=Confidence.HIGH if program else Confidence.MEDIUM,
    )


def _program(context: LintContext) -> str:
    """Who else has rules here, as far as the settings and the interfaces of the rules tell."""
    by_profile = {"docker-host": "Docker", "k8s-node": "Kubernetes"}.get(context.settings.profile)
    if by_profile:
        return by_profile
    for _, _, rule in context.by_interface():
        for _, values in interfaces(rule):
            for name in sorted(values.names | values.prefixes):
                if _THEIRS.fullmatch(name):
                    return f"whoever made {name}"
    return ""
