"""An interface name belongs to another operating system.

## Why is this bad?

Linux names its interfaces `eth0`, `enp3s0`, `lo`; macOS `en0`, `lo0`, `utun3`. A rule for a name that the target
never has loads and never matches: what it should allow is blocked, what it should block is open.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i en0 -p udp -m udp --dport 137 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p udp -m udp --dport 137 -j DROP
COMMIT
```

## Exceptions

Names that several systems use (`ppp0`, `tun0`, `wg0`) are never reported, nor names that `interfaces` of the
configuration lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._conditions import interfaces
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span

# What names begin with tells nearly all of them apart before an expression has to be compiled.
_ONLY_MACOS = ("en", "lo0", "utun", "awdl", "llw", "anpi"), r"en\d+|lo0|utun\d+|awdl\d+|llw\d+|anpi\d+"
_ONLY_LINUX = (
    ("eth", "enp", "eno", "ens", "wlp", "docker0", "virbr", "br-"),
    r"eth\d+|enp\d+s\d+\w*|eno\d+|ens\d+|wlp\d+s\d+\w*|docker0|virbr\d+|br-[0-9a-f]{12}",
)

_NOWHERE = {
    "any": "leave the interface out to match every one",
    "all": "leave the interface out to match every one",
    "l0": "the loopback interface is `lo` on Linux and `lo0` elsewhere",
}


@lint("FW701", "interface-not-for-target", Severity.WARNING, reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    os = context.ruleset.settings.os if context.kind == "fwc" else "macos" if context.kind == "pf" else "linux"
    (begins, foreign), system, other = (
        (_ONLY_MACOS, "Linux", "macOS")
        if os == "linux"
        else (_ONLY_LINUX, "macOS" if context.kind == "fwc" else "pf", "Linux")
    )
    known = {name for each in context.settings.interfaces for name in each.names}
    for name, spans in _used(context).items():
        nowhere = name in _NOWHERE and not (context.kind == "pf" and name == "any")  # `on any` is a word of OpenBSD
        if name in known or not (nowhere or (name.startswith(begins) and re.fullmatch(foreign, name))):
            continue
        first, *more = spans
        if nowhere:
            yield lint.finding(
                f"no system has an interface named {name}",
                first,
                label="never matches",
                help=_NOWHERE[name],
                affects=spans,
            )
            continue
        yield lint.finding(
            f"{name} is the name of an interface of {other}; this is for {system}, where nothing matches it",
            first,
            label="never matches",
            secondary=[Label(span, "nor this") for span in more[:7]],
            help=f"write the name that the interface has on {system} (`{'ip link' if os == 'linux' else 'ifconfig'}` lists them)",
            severity=Severity.ERROR if context.kind == "fwc" else None,
            affects=spans,
        )


def _used(context: LintContext) -> dict[str, list[Span]]:
    """Each interface name with the rules (in a policy the zones) that name it."""
    out: dict[str, dict[Span, None]] = {}
    if context.kind == "fwc":
        for zone in context.ruleset.zones:
            if zone.origin.span is not None:
                for name in zone.ifaces.names:
                    out.setdefault(name, {})[zone.origin.span] = None
    elif context.kind == "pf":
        from fwc.dialects.pf.tree import Filter, Scrub, Translation
        from fwc.lints._pf import every_statement

        for statement in every_statement(context):
            if isinstance(statement, Filter | Translation | Scrub) and statement.span is not None:
                for iface in statement.ifaces:
                    out.setdefault(iface.name, {})[statement.span] = None
    else:
        for _, _, rule in context.by_interface():
            if rule.origin.span is not None:
                for _, values in interfaces(rule):
                    for name in values.names:
                        out.setdefault(name, {})[rule.origin.span] = None
    return {name: list(out[name]) for name in sorted(out)}
