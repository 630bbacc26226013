"""A pf.conf as its author wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.dialects.pf.tree import Filter, Host, PfFile, Scrub, SetOption, Statement, Translation
from fwc.lints._context import LintContext

_MACOS = re.compile(r"com\.apple|\b(?:en\d+|utun\d+|awdl\d+|llw\d+|bridge100)\b")


def statements(context: LintContext) -> tuple[Statement, ...]:
    """The statements of the file, those in braces behind an anchor left out."""
    return context.tree.statements if isinstance(context.tree, PfFile) else ()


def every_statement(context: LintContext) -> Iterator[Statement]:
    """All statements, those of inline anchors behind their anchor."""
    for statement in statements(context):
        yield statement
        if isinstance(statement, Filter) and statement.body:
            yield from statement.body


def is_main(context: LintContext) -> bool:
    """Whether this is a main ruleset, not the content of an anchor: only those have options, scrub and translations, or the
    name."""
    if context.source.path.rsplit("/", 1)[-1] == "pf.conf":
        return True
    return any(isinstance(s, SetOption | Scrub | Translation) for s in statements(context))


def is_macos(context: LintContext) -> bool:
    """Whether this pf.conf is for macOS: by the settings, or by names that only macOS has."""
    if context.settings.profile == "mac" or context.settings.target == "pf":
        return True
    return _MACOS.search(context.source.text) is not None


def skipped(context: LintContext) -> Iterator[tuple[str, SetOption]]:
    """Interfaces of `set skip on`."""
    for statement in statements(context):
        if isinstance(statement, SetOption) and statement.name == "skip":
            for value in statement.values:
                yield value[-1], statement


def hosts(statement: Statement) -> tuple[Host, ...]:
    if isinstance(statement, Filter | Scrub | Translation):
        pool = statement.pool.hosts if isinstance(statement, Translation) and statement.pool else ()
        return (*statement.source.hosts, *statement.dest.hosts, *pool)
    return ()


def is_default_block(statement: Statement) -> bool:
    """A block that limits neither addresses nor ports: the ground that passes stand on."""
    return (
        isinstance(statement, Filter)
        and statement.action == "block"
        and not statement.source.hosts
        and not statement.dest.hosts
        and not statement.source.ports
        and not statement.dest.ports
    )
