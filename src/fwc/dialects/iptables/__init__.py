"""iptables-save and ip6tables-save: rules.v4, rules.v6, ipset.conf and apply.sh."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.diagnostics import Diagnostic
from fwc.dialects.base import Capability, LowerOptions, OutputFile
from fwc.dialects.iptables.capabilities import CAPABILITIES
from fwc.dialects.iptables.tree import IptablesTree
from fwc.ir.model import Ruleset
from fwc.source import SourceFile


class Iptables:
    """The dialect; see `fwc.dialects.base.Dialect`."""

    name = "iptables"
    capabilities: Sequence[Capability] = CAPABILITIES

    def parse(self, source: SourceFile) -> tuple[IptablesTree, list[Diagnostic]]:
        from fwc.dialects.iptables.parse import parse

        return parse(source)

    def parse_all(self, sources: Sequence[SourceFile]) -> tuple[IptablesTree, list[Diagnostic]]:
        """The files of one machine (rules.v4, rules.v6, ipset.conf; apply.sh is no ruleset) as one tree."""
        from fwc.dialects.iptables.parse import parse_all

        return parse_all([s for s in sources if not s.path.endswith(".sh")])

    def print(self, tree: IptablesTree) -> list[OutputFile]:
        from fwc.dialects.iptables.printer import print_tree

        return print_tree(tree)

    def lift(self, tree: IptablesTree) -> tuple[Ruleset, list[Diagnostic]]:
        from fwc.dialects.iptables.lift import lift

        return lift(tree)

    def lower(self, ruleset: Ruleset, options: LowerOptions) -> tuple[IptablesTree | None, list[Diagnostic]]:
        from fwc.dialects.iptables.lower import lower

        return lower(ruleset, options)

    def proof_terms(self, policy: Ruleset, lifted: Ruleset) -> tuple[Ruleset, Ruleset]:
        """Linux has the policy's own hooks; sets that the compile made hold what their file says."""
        from fwc.dialects.iptables.set_content import as_loaded

        return policy, as_loaded(lifted, policy)


dialect = Iptables()
