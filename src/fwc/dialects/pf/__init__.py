"""macOS pf.conf, and what older and later OpenBSD and FreeBSD write."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.diagnostics import Diagnostic
from fwc.dialects.base import Capability, LowerOptions, OutputFile
from fwc.dialects.pf.capabilities import CAPABILITIES
from fwc.dialects.pf.tree import PfFile
from fwc.ir.model import Ruleset
from fwc.source import SourceFile


class PfDialect:
    """text and tree are syntax, tree and IR are meaning."""

    name = "pf"
    capabilities: Sequence[Capability] = CAPABILITIES

    def parse(self, source: SourceFile) -> tuple[PfFile, list[Diagnostic]]:
        from fwc.dialects.pf.parse import parse

        return parse(source)

    def parse_all(self, sources: Sequence[SourceFile]) -> tuple[PfFile, list[Diagnostic]]:
        """pf has one file."""
        (source,) = sources
        return self.parse(source)

    def print(self, tree: PfFile) -> list[OutputFile]:
        from fwc.dialects.pf.printer import to_text

        return [OutputFile(tree.name, to_text(tree))]

    def lift(self, tree: PfFile) -> tuple[Ruleset, list[Diagnostic]]:
        from fwc.dialects.pf.lift import lift

        return lift(tree)

    def lower(self, ruleset: Ruleset, options: LowerOptions) -> tuple[PfFile | None, list[Diagnostic]]:
        from fwc.dialects.pf.lower import lower

        return lower(ruleset, options)

    def proof_terms(self, policy: Ruleset, lifted: Ruleset) -> tuple[Ruleset, Ruleset]:
        """Policy and lifted output, from end to end: a compile is right when the two are equal."""
        from fwc.dialects.pf.proof import expected, whole

        return expected(policy, lifted), whole(lifted)


dialect = PfDialect()
