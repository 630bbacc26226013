"""What every dialect offers, and the capability table that says what its target can express."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from fwc.diagnostics import Diagnostic
from fwc.ir.model import Ruleset
from fwc.records import Record
from fwc.source import SourceFile

Tree = TypeVar("Tree")


class Lossy(StrEnum):
    """What a compile may give up: nothing, only what cannot widen what is allowed, or anything that is listed."""

    NONE = "none"
    NARROW = "narrow"
    WIDE = "wide"


class LowerOptions(Record):
    """`header` lines are printed as comments at the top of the output (without comment sign). `ipset` asks iptables for
    ipsets also where they are not needed."""

    lossy: Lossy = Lossy.NONE
    ipset: bool = False
    header: tuple[str, ...] = ()


class OutputFile(Record):
    """One file of a target: its usual name (`rules.v4`) and whole text, ending in a newline. `executable` for scripts."""

    name: str
    text: str
    executable: bool = False


class Support(StrEnum):
    YES = "yes"
    PARTIAL = "partial"
    NO = "no"


class Capability(Record):
    """One row of `fwc targets`: `feature` is the key that diagnostics name, `note` says how it is expressed or what to do
    instead."""

    feature: str
    support: Support
    note: str


class Dialect(Protocol[Tree]):
    """text and tree are syntax, tree and IR are meaning; each pair of methods is inverse."""

    name: str
    capabilities: Sequence[Capability]

    def parse(self, source: SourceFile) -> tuple[Tree, list[Diagnostic]]: ...

    def parse_all(self, sources: Sequence[SourceFile]) -> tuple[Tree, list[Diagnostic]]:
        """One tree of files that are loaded together (rules.v4, rules.v6 and ipset.conf)."""
        ...

    def print(self, tree: Tree) -> list[OutputFile]: ...

    def lift(self, tree: Tree) -> tuple[Ruleset, list[Diagnostic]]: ...

    def lower(self, ruleset: Ruleset, options: LowerOptions) -> tuple[Tree | None, list[Diagnostic]]: ...

    def proof_terms(self, policy: Ruleset, lifted: Ruleset) -> tuple[Ruleset, Ruleset]:
        """Policy and lifted output brought to the same hooks: a compile is right when the two are equal."""
        ...
