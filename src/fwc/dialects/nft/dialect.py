"""The nftables dialect as one object; its parts are imported when they are first needed."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.diagnostics import Diagnostic
from fwc.dialects.base import Capability, LowerOptions, OutputFile
from fwc.dialects.nft.capabilities import CAPABILITIES
from fwc.dialects.nft.tree import Tree
from fwc.ir.model import Ruleset
from fwc.source import SourceFile


class NftDialect:
    name = "nftables"
    capabilities: Sequence[Capability] = CAPABILITIES

    def parse(self, source: SourceFile) -> tuple[Tree, list[Diagnostic]]:
        from fwc.dialects.nft.parse import parse

        return parse(source)

    def parse_all(self, sources: Sequence[SourceFile]) -> tuple[Tree, list[Diagnostic]]:
        """nftables has one file."""
        (source,) = sources
        return self.parse(source)

    def print(self, tree: Tree) -> list[OutputFile]:
        from fwc.dialects.nft.printer import print_tree

        return print_tree(tree)

    def lift(self, tree: Tree) -> tuple[Ruleset, list[Diagnostic]]:
        from fwc.dialects.nft.lift import lift

        return lift(tree)

    def lower(self, ruleset: Ruleset, options: LowerOptions) -> tuple[Tree | None, list[Diagnostic]]:
        from fwc.dialects.nft.lower import lower

        return lower(ruleset, options)

    def proof_terms(self, policy: Ruleset, lifted: Ruleset) -> tuple[Ruleset, Ruleset]:
        """Linux has the policy's own hooks: both sides as they are."""
        return policy, lifted


dialect = NftDialect()
