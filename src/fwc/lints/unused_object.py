"""Something is defined and never used.

## Why is this bad?

Either it can go, or the rule that should use it is missing or names something else.

## Example

```nft
define office = 192.0.2.0/24
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 198.51.100.0/24 drop
        }
}
```

## Use instead

```nft
define office = 192.0.2.0/24
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr $office drop
        }
}
```

## Exceptions

Names that begin with `_`, zones, sets that other programs fill, files that include others or hold definitions only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lang import ast
from fwc.lints._context import LintContext
from fwc.lints._policy import policy_file
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_WORD = r"[A-Za-z_][\w-]*"
_PIECE = 1 << 16
_USE = r"\$\{?([A-Za-z_][\w-]*)"
_COMMENT = r"#[^\n]*"
_ONLY_WORDS = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) in "_-")}


@lint("FW840", "unused-object", Severity.WARNING, formats=("fwc", "nft", "pf"), reads_tree=("fwc", "nft", "pf"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = {"fwc": _of_policy, "nft": _of_nft, "pf": _of_pf}[context.kind]
    for what, name, span in found(context):
        if not name.startswith("_"):
            yield lint.finding(f"{what} {name} is never used", span, help="remove it, or use it where it was meant")


def _of_policy(context: LintContext) -> Iterator[tuple[str, str, Span]]:
    tree = policy_file(context)
    if tree.broken or not any(table.chains for table in context.ruleset.tables):
        return
    kinds = {
        ast.HostAddress: "host", ast.Group: "group", ast.Service: "service", ast.Template: "template", ast.Let: "value",
    }  # fmt: skip
    declared = []
    rules = False
    for statement in tree.statements:
        if isinstance(statement, ast.Include) and not statement.path.value.startswith("std:"):
            return
        kind = kinds.get(type(statement))
        if kind is not None:
            assert isinstance(statement, ast.HostAddress | ast.Group | ast.Service | ast.Template | ast.Let)
            declared.append((kind, statement.name.text, statement.name.span))
        else:
            rules = rules or not isinstance(statement, ast.Zone | ast.Include | ast.PolicyInfo | ast.SetDecl)
    if rules:
        once = _once(context.source.text, {name for _, name, _ in declared})
        yield from (each for each in declared if each[1] in once)


def _without_comments(text: str) -> str:
    return re.sub(_COMMENT, "", text) if "#" in text else text


def _once(text: str, names: set[str]) -> set[str]:
    """The names that are a word of the text only once. Most are soon met again, so it is read in pieces, until all are."""
    counts: Counter[str] = Counter()
    left = names
    start = 0
    while start < len(text) and left:
        end = text.find("\n", start + _PIECE)
        end = len(text) if end < 0 else end
        counts.update(_counts(_without_comments(text[start:end]), left))
        left = {name for name in left if counts[name] < 2}
        start = end
    return {name for name in left if counts[name] == 1}


def _counts(text: str, names: set[str]) -> Counter[str]:
    """How often each of the names is a word of the text."""
    if not text.isascii():
        return Counter(filter(names.__contains__, re.findall(_WORD, text)))
    # the same, several times as fast: a word begins with the first letter of a run, and few runs that have one begin with
    # anything else
    runs = text.translate(_ONLY_WORDS).split()
    counts = Counter(filter(names.__contains__, runs))
    for run in set(runs):
        if not (run[0].isalpha() or run[0] == "_" or run.replace("-", "").isdigit()):
            counts.update({word: runs.count(run) for word in re.findall(_WORD, run) if word in names})
    return counts


def _of_nft(context: LintContext) -> Iterator[tuple[str, str, Span]]:
    from fwc.dialects.nft import tree as nft

    tree = context.tree
    if not isinstance(tree, nft.Tree) or tree.file is None or any(isinstance(i, nft.Include) for i in tree.items):
        return
    if not any(chain.rules for table in context.ruleset.tables for chain in table.chains):
        return
    used = set(re.findall(_USE, _without_comments(tree.file.text)))
    for define in (*tree.items, *tree.inner_defines):
        if isinstance(define, nft.Define) and define.verb == "define" and define.name not in used:
            span = tree.span(define.start, define.end)
            if span is not None:
                yield "the variable", define.name, span


def _of_pf(context: LintContext) -> Iterator[tuple[str, str, Span]]:
    from fwc.dialects.pf.tree import Include, Macro
    from fwc.lints._pf import every_statement

    every = list(every_statement(context))
    if any(isinstance(s, Include) for s in every):
        return
    used = set(re.findall(_USE, _without_comments(context.source.text)))
    for statement in every:
        if isinstance(statement, Macro) and statement.name not in used and statement.span is not None:
            yield "the macro", statement.name, statement.span
