"""A rule asks a list of recent addresses that no rule ever adds to.

## Why is this bad?

`-m recent --update` and `--rcheck` match only what some rule put into the list of that name with `--set`. Without one (often a
misspelt `--name`) the check never matches, and the protection does nothing.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 60 --hitcount 4 --name SSH -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
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
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name SSH
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 60 --hitcount 4 --name SSH -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.match import Opaque, Recent
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_USE = re.compile(r"-m recent\b((?:(?! -m | -j | -g ).)*)")
_NAME = re.compile(r"--name\s+(\"[^\"]*\"|\S+)")
_DEFAULT = "DEFAULT"


@lint("FW519", "recent-unpaired", Severity.WARNING, formats=("iptables-save",), needs=(Recent, Opaque))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    filled: dict[str, Span] = {}
    asked: dict[str, list[Span]] = {}
    for _, _, rule in context.rules():
        span = rule.origin.span
        for use in _USE.finditer(span.text) if span is not None else ():
            named = _NAME.search(use[1])
            name = named[1].strip('"') if named else _DEFAULT
            assert span is not None
            if "--set" in use[1]:
                filled.setdefault(name, span)
            elif "--remove" not in use[1] and "! --" not in use[1]:
                asked.setdefault(name, []).append(span)
    authors = {span for *_, span in authored(context)}
    for name, spans in asked.items():
        if name in filled or _elsewhere(context, name):
            continue
        mine = [span for span in spans if span in authors]
        if mine:
            near = next((n for n in filled if n.lower() == name.lower()), None)
            other = [Label(filled[near], f"fills the list {near}")] if near is not None else []
            yield lint.finding(
                f"no rule adds to the recent list {name}, so this never matches", mine[0], label="asks the list",
                secondary=other, help=f"add `-m recent --set --name {name}` where the address is first seen",
                affects=mine,
            )  # fmt: skip


def _elsewhere(context: LintContext, name: str) -> bool:
    """Whether a chain of another program, which the rules above leave out, fills the list."""
    return re.search(rf"--set\b[^\n]*--name\s+\"?{re.escape(name)}\b", context.source.text) is not None
