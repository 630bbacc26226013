"""Syntax of iptables-save, ip6tables-save and ipset-save text.

A rule keeps its words as iptables would receive them (quotes taken off), so that whatever was read is printed again and
what fwc does not know is not lost. What the words mean is in `extensions`.
"""

from __future__ import annotations

import dataclasses

from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import NO_ORIGIN, Origin, Span

Words = tuple[str, ...]
Counters = tuple[int, int]


class ChainLine(Record):
    """`:INPUT DROP [0:0]`; `policy` is "-" for a user chain. A `-N` or `-P` line of a script gives one as well."""

    name: str
    policy: str = "-"
    counters: Counters | None = None
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class RuleLine(Record):
    """`command` is -A, -I, -D or -R and `position` the number after -I, -D, -R. `words` are the rest of the line.

    `note` is printed as a comment line above the rule; it is no part of the rule.
    """

    chain: str
    words: Words
    command: str = "-A"
    position: int | None = None
    counters: Counters | None = None
    note: str = dataclasses.field(default="", compare=False)
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)
    origin: Origin = dataclasses.field(default=NO_ORIGIN, compare=False, repr=False)


class TableBlock(Record):
    """One `*filter ... COMMIT`. `rules` of all chains are in file order. `family` is None when the text does not tell."""

    name: str
    family: Family | None
    chains: tuple[ChainLine, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class SetLine(Record):
    """`create NAME TYPE options...` or `add NAME element options...` of `ipset save`; `words` follow the name (or type)."""

    command: str
    name: str
    words: Words
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class SaveFile(Record):
    """The tables of one file. `header` lines are comments without their sign."""

    name: str
    family: Family | None
    tables: tuple[TableBlock, ...] = ()
    header: tuple[str, ...] = ()
    noflush: bool = False


class Hook(Record):
    """A jump that `apply.sh` puts into a chain of somebody else; `first` inserts at the top, otherwise it is appended."""

    table: str
    family: Family
    chain: str
    target: str
    first: bool = True


class IptablesTree(Record):
    """Everything that is loaded together: the save files of both families, the sets they refer to, and the hook-up."""

    files: tuple[SaveFile, ...] = ()
    sets: tuple[SetLine, ...] = ()
    set_header: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()
    script_header: tuple[str, ...] = ()
