"""What a lint sees: the IR, the facts about it, and what is known about the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fwc.analysis.facts import Facts
from fwc.elaborate.elaborated import Elaborated
from fwc.errors import InternalError
from fwc.ir.match import Field, Match
from fwc.ir.model import Chain, Role, Rule, Ruleset, Table
from fwc.ir.walk import conjuncts
from fwc.lints._conditions import interfaces
from fwc.lints._contents import Contents, Feature, asking, conditions_of, contents_of
from fwc.lints._settings import LintSettings
from fwc.net.hooks import Hook
from fwc.source import SourceFile, Span

Authored = tuple[int, Table, Chain, int, Rule, Span]
"""A rule that somebody wrote: the number of its table, table, chain, index in the chain, and its text."""


class LintContext:
    """One input under lint.

    `kind` is "fwc", "iptables-save", "nft" or "pf"; `tree` is the input's own tree for lints about spelling (an `ast.File` for
    a policy). `facts` holds every reachability question, computed once, on demand. `undecided` takes what a lint could not ask
    within its budget.
    """

    def __init__(
        self,
        kind: str,
        source: SourceFile,
        ruleset: Ruleset,
        settings: LintSettings,
        elaborated: Elaborated | None = None,
        tree: object = None,
    ) -> None:
        self.kind = kind
        self.source = source
        self.ruleset = ruleset
        self.settings = settings
        self.elaborated = elaborated
        self._tree = tree
        self._has_tree = True
        self.undecided: list[str] = []  # what a lint's budget left open
        self._facts: Facts | None = None
        self._contents: Contents | None = None
        self._authored: list[Authored] | None = None
        self._authored_conditions: dict[int, Match] | None = None
        self._by_interface: list[tuple[Table, Chain, Rule]] | None = None

    @property
    def tree(self) -> object:
        """For lints that say of this kind of input that they read it."""
        if not self._has_tree:
            raise InternalError("a lint looks at the tree and does not say so in `reads_tree`")
        return self._tree

    def forget_tree(self) -> None:
        self._tree, self._has_tree = None, False

    @property
    def facts(self) -> Facts:
        if self._facts is None:
            self._facts = Facts(self.ruleset)
        return self._facts

    @property
    def computed_facts(self) -> Facts | None:
        """The facts if a lint asked for any."""
        return self._facts

    @property
    def is_part(self) -> bool:
        """Whether this is a part of a ruleset, as ufw's before.rules: rules, but none in a chain that the kernel calls."""
        if self.kind != "iptables-save":
            return False
        chains = [chain for table in self.ruleset.tables for chain in table.chains if chain.rules]
        return bool(chains) and all(chain.base is None for chain in chains)

    def rules(self) -> Iterator[tuple[Table, Chain, Rule]]:
        """Every rule that the user wrote or that came from a file, foreign chains left out (unless the file is a part, which
        somebody edits)."""
        part = self.is_part
        for table in self.ruleset.tables:
            for chain in table.chains:
                if part or not self.is_foreign(chain):
                    for rule in chain.rules:
                        yield table, chain, rule

    def authored(self) -> Sequence[Authored]:
        """The rules that an author wrote in chains that are not another program's."""
        if self._authored is None:
            self._authored = [
                (number, table, chain, index, rule, span)
                for number, table in enumerate(self.ruleset.tables)
                for chain in table.chains
                if not self.is_foreign(chain)
                for index, rule in enumerate(chain.rules)
                if rule.role in (Role.USER, Role.IMPORTED) and (span := rule.origin.span) is not None
            ]
        return self._authored

    def authored_asking(self, *fields: Field) -> Sequence[Authored]:
        """Those of `authored` that have a condition on one of the fields."""
        every = self.authored()
        if self._authored_conditions is None:
            self._authored_conditions = conditions_of(each[4].match for each in every)
        wanted = asking(self._authored_conditions, fields)
        return [each for each in every if not wanted.isdisjoint(map(id, conjuncts(each[4].match)))] if wanted else []

    def by_interface(self) -> Sequence[tuple[Table, Chain, Rule]]:
        """Those of `rules` that compare interfaces."""
        if self._by_interface is None:
            some = self.asks(Field.IIF, Field.OIF)
            self._by_interface = [each for each in self.rules() if any(interfaces(each[2]))] if some else []
        return self._by_interface

    def holds(self, *types: type) -> bool:
        """Whether any rule has a condition, an action or a verdict of one of these types."""
        return not self._found().types.isdisjoint(types)

    def asks(self, *fields: Field) -> bool:
        """Whether the condition of any rule looks at one of these fields."""
        return not self._found().fields.isdisjoint(fields)

    def has_any(self, needs: Sequence[str]) -> bool:
        """Whether anything of the kinds that a lint is about is here; the words are those of `_contents.name_of`."""
        return any(has(self) for word, has in _FEATURES.items() if word in needs) or not self._found().names.isdisjoint(
            needs
        )

    def _found(self) -> Contents:
        if self._contents is None:
            self._contents = contents_of(self.ruleset)
        return self._contents

    def base_chains(self, *hooks: Hook) -> Iterator[tuple[Table, Chain]]:
        """Base chains at the given hooks, or at all hooks."""
        for table in self.ruleset.tables:
            for chain in table.chains:
                if chain.base and (not hooks or chain.base.hook in hooks):
                    yield table, chain

    def is_foreign(self, chain: Chain) -> bool:
        """Does another program (Docker, kube-proxy, fail2ban, ...) manage this chain?"""
        return self.settings.is_foreign(chain.name)

    def span_of(self, rule: Rule, chain: Chain | None = None) -> Span | None:
        """Where to point for a rule: its own text, else its chain's."""
        if rule.origin.span is not None:
            return rule.origin.span
        return chain.origin.span if chain else None


_FEATURES: dict[Feature, Callable[[LintContext], bool]] = {
    "called chain": lambda c: any(chain.base is None for table in c.ruleset.tables for chain in table.chains),
    "assertion": lambda c: c.elaborated is not None and bool(c.elaborated.assertions),
    "inventory": lambda c: bool(c.settings.interfaces),
}
