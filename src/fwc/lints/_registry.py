"""The lints by code: what a lint is, how a file declares one, and how one or all are found."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import fwc.lints
from fwc.diagnostics import Applicability, Confidence, Diagnostic, Edit, Fix, Label, Persona, Severity
from fwc.lints._contents import Need, name_of
from fwc.lints._context import LintContext
from fwc.lints._table import ROWS
from fwc.records import Record
from fwc.source import Span

CATEGORIES = {
    "FW0": "validity",
    "FW1": "reachability",
    "FW2": "conntrack",
    "FW3": "nat",
    "FW4": "icmp",
    "FW5": "exposure",
    "FW6": "pf",
    "FW7": "interfaces",
    "FW8": "hygiene",
    "FW9": "deployment",
}

HELP_URL = "https://fwc.readthedocs.io/en/latest/lints/{name}/"


class Lint(Record):
    """One lint. `persona` is the first that sees it by default; `formats` are the kinds of input it reads, `reads_tree` those of
    which it reads the tree; `needs` are words for what it is about, none for everything. `documentation` is the docstring of its
    module."""

    code: str
    name: str
    severity: Severity
    persona: Persona
    formats: tuple[str, ...]
    summary: str
    documentation: str
    check: Callable[[LintContext], Iterator[Diagnostic]]
    module: str = ""  # empty: reported by reading the input; the entry is its documentation
    reads_tree: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def front_end(self) -> bool:
        return not self.module

    @property
    def category(self) -> str:
        return CATEGORIES[self.code[:3]]

    @property
    def url(self) -> str:
        return HELP_URL.format(name=self.name)

    def finding(
        self,
        message: str,
        span: Span | None,
        *,
        label: str = "",
        secondary: Iterable[Label] = (),
        notes: Iterable[str] = (),
        help: str = "",
        severity: Severity | None = None,
        confidence: Confidence = Confidence.HIGH,
        affects: Iterable[Span] = (),
        witness: dict[str, object] | None = None,
        fixes: Iterable[Fix] = (),
    ) -> Diagnostic:
        """A diagnostic of this lint at `span`."""
        primary = Label(span, label) if span else None
        return Diagnostic(
            self.code, severity or self.severity, message, primary, tuple(secondary), tuple(notes), help, self.name,
            confidence, self.category, tuple(fixes), tuple(affects) or ((span,) if span else ()), witness,
        )  # fmt: skip


ALL_FORMATS = ("fwc", "iptables-save", "nft", "pf")

Check = Callable[[LintContext, Lint], Iterator[Diagnostic]]

_found: dict[str, Lint] = {}


def lint(
    code: str,
    name: str,
    severity: Severity,
    persona: Persona = Persona.REGULAR,
    formats: tuple[str, ...] = ALL_FORMATS,
    reads_tree: tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
) -> Callable[[Check], Check]:
    """Declare the decorated generator `(context, lint) -> diagnostics` as a lint; the module's docstring is its page.

    In the formats of `reads_tree` it may look at `context.tree`; the tree is gone before the others run. Where nothing of what
    is in `needs` occurs, the lint is neither imported nor run: it must be plain from the check that it finds nothing there.
    """

    def declare(check: Check) -> Check:
        documentation = importlib.import_module(check.__module__).__doc__ or ""
        summary = documentation.strip().split("\n", 1)[0]
        declared: Lint

        def bound(context: LintContext) -> Iterator[Diagnostic]:
            return check(context, declared)

        module = check.__module__.rsplit(".", 1)[-1]
        declared = Lint(
            code,
            name,
            severity,
            persona,
            formats,
            summary,
            documentation,
            bound,
            module,
            reads_tree,
            tuple(map(name_of, needs)),
        )
        if code in _found:
            raise ValueError(f"{code} is declared twice: {_found[code].name} and {name}")
        _found[code] = declared
        return check

    return declare


class Listed(Record):
    """What the table says of a lint without importing it; `module` is empty for what reading the input reports."""

    code: str
    name: str
    persona: Persona
    formats: tuple[str, ...]
    module: str
    reads_tree: tuple[str, ...]
    needs: tuple[str, ...]


_PERSONAS = {each.value: each for each in Persona}  # to call the enumeration takes as long as all the rest of this

LISTED = {row[0]: Listed(row[0], row[1], _PERSONAS[row[2]], *row[3:]) for row in ROWS}
"""Every lint by code, in the order of codes."""


def load_lint(code: str) -> Lint:
    """One lint: only its own module is imported. KeyError when no lint has this code."""
    module = LISTED[code].module
    if not module:
        return load_lints()[code]
    importlib.import_module(f"fwc.lints.{module}")
    return _found[code]


@cache
def load_lints() -> dict[str, Lint]:
    """Every lint of this package, by code, in the order of codes."""
    import pkgutil

    for module in pkgutil.iter_modules(fwc.lints.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"fwc.lints.{module.name}")
    for entry in importlib.import_module("fwc.lints._front_end").front_end_lints():
        _found.setdefault(entry.code, entry)
    return dict(sorted(_found.items()))


def find_lint(word: str) -> Lint | None:
    """A lint by code or name; a name of the language that stands for several gives the first."""
    from fwc.lints._aliases import ALIASES

    lints = load_lints()
    if word in ALIASES:
        return lints[ALIASES[word][0]]
    return lints.get(word.upper()) or next((each for each in lints.values() if each.name == word), None)


def delete_lines(message: str, spans: Iterable[Span], applicability: Applicability) -> Fix:
    """A fix that deletes the whole lines in which `spans` stand."""
    edits = []
    for span in spans:
        first, _ = span.file.position(span.start)
        last, _ = span.file.position(max(span.start, span.end - 1))
        starts = span.file.line_starts
        end = starts[last] if last < len(starts) else len(span.file.text)
        edits.append(Edit(Span(span.file, starts[first - 1], end), ""))
    return Fix(applicability, message, tuple(dict.fromkeys(edits)))
