"""iptables-save and ip6tables-save: rules.v4, rules.v6, ipset.conf and apply.sh."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.diagnostics import Diagnostic
from fwc.dialects.base import Capability, LowerOptions, OutputFile
from fwc.dialects.iptables.capabilities import CAPABILITIES
from fwc.dialects.iptables.lift import lift
from fwc.dialects.iptables.lower import lower
from fwc.dialects.iptables.parse import parse, parse_all
from fwc.dialects.iptables.printer import print_tree
from fwc.dialects.iptables.tree import IptablesTree
from fwc.ir.model import Ruleset
from fwc.source import SourceFile


class Iptables:
    """The dialect; see `fwc.dialects.base.Dialect`."""

    name = "iptables"
    capabilities: Sequence[Capability] = CAPABILITIES

    def parse(self, source: SourceFile) -> tuple[IptablesTree, list[Diagnostic]]:
        return parse(source)

    def parse_all(self, sources: list[SourceFile]) -> tuple[IptablesTree, list[Diagnostic]]:
        """The files of one machine (rules.v4, rules.v6, ipset.conf; apply.sh is no ruleset) as one tree."""
        return parse_all([s for s in sources if not s.path.endswith(".sh")])

    def print(self, tree: IptablesTree) -> list[OutputFile]:
        return print_tree(tree)

    def lift(self, tree: IptablesTree) -> tuple[Ruleset, list[Diagnostic]]:
        return lift(tree)

    def lower(self, ruleset: Ruleset, options: LowerOptions) -> tuple[IptablesTree | None, list[Diagnostic]]:
        return lower(ruleset, options)


dialect = Iptables()
