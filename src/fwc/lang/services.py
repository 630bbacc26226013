"""The services that every policy knows, read one by one when a policy names them.

The text is that of policies/std/services.fw, copied into the package by `make grammar`; each service is one line, so a
policy that names five services pays for five lines.
"""

from __future__ import annotations

import re
from functools import cache

from fwc.lang import ast
from fwc.lang.parse import parse_statement
from fwc.source import SourceFile


@cache
def standard_source() -> SourceFile:
    """The library as a source, so that spans can point into it."""
    from fwc.lang._services import TEXT

    return SourceFile("std:services", TEXT)


@cache
def standard_service(name: str) -> ast.Service | None:
    """The shipped service of that name, or None."""
    source = standard_source()
    start = source.text.find(f"\nservice {name} = ") + 1
    if not start:
        return None
    statement, _ = parse_statement(source, start, source.text.index("\n", start))
    assert isinstance(statement, ast.Service)
    return statement


@cache
def standard_names() -> tuple[str, ...]:
    """The names of all shipped services, sorted."""
    return tuple(sorted(re.findall(r"(?m)^service (\S+) = ", standard_source().text)))
