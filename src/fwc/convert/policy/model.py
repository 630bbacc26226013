"""The source as what a policy consists of: lines for each hook, chains that are called, sets that are filled at run time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from fwc.convert.policy.lines import Line, joined, line_of, merged, pruned
from fwc.convert.policy.notes import Notes
from fwc.convert.policy.steps import Refusal, Step, Steps
from fwc.convert.policy.text import name_from, unique
from fwc.elaborate.sites import BASES
from fwc.ir.model import Base, Chain, NamedSet, Ruleset, Table
from fwc.ir.verdict import ACCEPT, Accept, AddToSet, Goto, Jump, Verdict
from fwc.net.hooks import ChainType, Family, Hook

FILTER_HOOKS = ("input", "forward", "output")
TRANSLATED = ("prerouting", "output", "postrouting")


@dataclasses.dataclass
class Block:
    """A base chain that is no filter chain of the language: a `hook` block."""

    name: str
    base: Base
    lines: list[Line]
    policies: dict[Family, Verdict]


@dataclasses.dataclass
class KeptChain:
    """A chain of its own. `sites` are the hooks that lead to it."""

    name: str
    lines: list[Line]
    sites: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class Model:
    families: tuple[Family, ...]
    dialect: str
    filters: dict[str, list[Line]] = dataclasses.field(default_factory=dict)
    policies: dict[str, dict[Family, Verdict]] = dataclasses.field(default_factory=dict)
    nat: dict[str, list[Line]] = dataclasses.field(default_factory=dict)
    blocks: list[Block] = dataclasses.field(default_factory=list)
    chains: dict[str, KeptChain] = dataclasses.field(default_factory=dict)
    sets: dict[str, NamedSet | None] = dataclasses.field(default_factory=dict)
    refusals: list[Refusal] = dataclasses.field(default_factory=list)

    def all_lines(self) -> Iterable[Line]:
        for lines in (*self.filters.values(), *self.nat.values()):
            yield from lines
        for block in self.blocks:
            yield from block.lines
        for chain in self.chains.values():
            yield from chain.lines


def model_of(ruleset: Ruleset, families: Sequence[Family], notes: Notes) -> Model:
    """Every base chain of the ruleset at its place, one family after the other and then both together."""
    model = Model(tuple(families), "iptables" if ruleset.source == "iptables-save" else "nft")
    reader = _Reader(ruleset, model)
    parts = [reader.family(family) for family in families]
    names = dict.fromkeys(name for part in parts for name in part.chains)
    taken = {*BASES, *FILTER_HOOKS}
    called = {key: _chain_name(key, taken) for key in names}
    join = _Joiner(called, notes, model.dialect)
    for hook in FILTER_HOOKS:
        model.policies[hook] = {f: p.policies.get(hook, ACCEPT) for f, p in zip(families, parts, strict=True)}
        model.filters[hook] = join.lines([p.filters.get(hook, []) for p in parts])
    for hook in TRANSLATED:
        model.nat[hook] = join.lines([p.nat.get(hook, []) for p in parts])
    for place in dict.fromkeys(place for part in parts for place in part.blocks):
        found = [p.blocks.get(place, (None, [])) for p in parts]
        bases = [base for base, _ in found if base is not None]
        name = unique(_block_name(bases[0], place[0]), taken)
        taken.add(name)
        lines = join.lines([steps for _, steps in found])
        policies = {f: (b.policy if b is not None else ACCEPT) for f, (b, _) in zip(families, found, strict=True)}
        model.blocks.append(Block(name, bases[0], lines, policies))
    for key, name in called.items():
        bodies = [p.chains.get(key, []) for p in parts]
        model.chains[name] = KeptChain(name, join.lines(bodies))
    _find_sites(model)
    reader.sets(model)
    return model


def _chain_name(key: tuple[str, str], taken: set[str]) -> str:
    name = unique(name_from(key[1]) or "chain", taken)
    taken.add(name)
    return name


def _block_name(base: Base, kind: str) -> str:
    return f"{name_from(kind) or 'more'}-{base.hook.value}"


class _Joiner:
    """Steps of both families as merged lines that jump to the policy's names of chains."""

    def __init__(self, called: dict[tuple[str, str], str], notes: Notes, dialect: str) -> None:
        self.dialect = dialect
        self.called = called
        self.notes = notes

    def lines(self, lists: Sequence[Sequence[tuple[str, Step]]]) -> list[Line]:
        families = [[self._line(kind, step) for kind, step in steps] for steps in lists]
        whole = families[0] if len(families) == 1 else joined(families[0], families[1])
        return pruned(merged(self.notes.above(whole)))

    def _line(self, kind: str, step: Step) -> Line:
        line = line_of(step, self.dialect)
        verdict = line.verdict
        if isinstance(verdict, Jump | Goto):
            return dataclasses.replace(line, verdict=type(verdict)(self.called[kind, verdict.chain]))
        return line


@dataclasses.dataclass
class _Part:
    """One family. Steps carry the key of the table they come from, which tells chains of the same name apart."""

    filters: dict[str, list[tuple[str, Step]]] = dataclasses.field(default_factory=dict)
    policies: dict[str, Verdict] = dataclasses.field(default_factory=dict)
    nat: dict[str, list[tuple[str, Step]]] = dataclasses.field(default_factory=dict)
    blocks: dict[tuple[str, Hook, int, str], tuple[Base | None, list[tuple[str, Step]]]] = dataclasses.field(
        default_factory=dict
    )
    chains: dict[tuple[str, str], list[tuple[str, Step]]] = dataclasses.field(default_factory=dict)


_SEES = {"ip": (Family.V4,), "ip6": (Family.V6,), "inet": tuple(Family)}


class _Reader:
    def __init__(self, ruleset: Ruleset, model: Model) -> None:
        self.ruleset = ruleset
        self.model = model

    def family(self, family: Family) -> _Part:
        part = _Part()
        for table in self.ruleset.tables:
            if family not in _SEES.get(table.family, ()):
                continue
            steps = Steps(table, family, self.model.refusals)
            key = table.kind or table.name
            main = self._main(table, family)
            for chain in sorted((c for c in table.chains if c.base), key=_priority):
                self._base(part, steps, chain, key, chain.name in main)
            for called in steps.called.values():
                part.chains[key, called.name] = [(key, s) for s in called.steps]
        return part

    def _main(self, table: Table, family: Family) -> set[str]:
        """The filter chains that become the policy's rules: one for each hook, the one at the usual priority if there is one."""
        found: dict[Hook, tuple[int, int, str]] = {}
        for at, other in enumerate(self.ruleset.tables):
            if family not in _SEES.get(other.family, ()):
                continue
            for chain in other.chains:
                base = chain.base
                if base is None or base.type is ChainType.NAT or base.hook.value not in FILTER_HOOKS:
                    continue
                empty = not chain.rules and isinstance(base.policy, Accept)
                rank = (abs(base.priority) + (1000 if empty else 0), at, chain.name)
                found[base.hook] = min(found.get(base.hook, rank), rank)
        here = self.ruleset.tables.index(table)
        return {name for rank, at, name in found.values() if at == here and rank < 1000 and rank == 0}

    def _base(self, part: _Part, steps: Steps, chain: Chain, key: str, main: bool) -> None:
        base = chain.base
        assert base is not None
        hook = base.hook.value
        if base.type is ChainType.NAT and not chain.rules:
            return
        if base.device or hook not in (*FILTER_HOOKS, "prerouting", "postrouting"):
            self._refuse(chain, f"a chain at the {hook} hook of a device")
        elif base.type is ChainType.NAT:
            if hook not in TRANSLATED:
                self._refuse(chain, f"a nat chain at the {hook} hook")
            elif hook in part.nat:
                self._refuse(chain, f"a second nat chain at the {hook} hook")
            elif not isinstance(base.policy, Accept):
                self._refuse(chain, "a nat chain that drops")
            else:
                part.nat[hook] = [(key, s) for s in steps.translation(chain)]
        elif main:
            part.filters[hook] = [(key, s) for s in steps.base(chain)]
            part.policies[hook] = base.policy
        elif chain.rules or not isinstance(base.policy, Accept):
            part.blocks[key, base.hook, base.priority, chain.name] = (base, [(key, s) for s in steps.base(chain)])

    def _refuse(self, chain: Chain, what: str) -> None:
        from fwc.ir.model import Rule

        self.model.refusals.append(Refusal(Rule(origin=chain.origin), what))

    def sets(self, model: Model) -> None:
        known = {each.name: each for table in self.ruleset.tables for each in table.sets}
        for line in model.all_lines():
            for name, _, _ in line.ends.sets:
                model.sets[name] = known.get(name)
            for action in line.actions:
                if isinstance(action, AddToSet):
                    model.sets[action.set] = known.get(action.set)


def _priority(chain: Chain) -> int:
    return chain.base.priority if chain.base is not None else 0


def _find_sites(model: Model) -> None:
    starts: list[tuple[str, list[Line]]] = [
        *model.filters.items(), *((b.base.hook.value, b.lines) for b in model.blocks)
    ]  # fmt: skip
    work = [
        (site, line.verdict.chain) for site, lines in starts for line in lines if isinstance(line.verdict, Jump | Goto)
    ]
    while work:
        site, name = work.pop()
        chain = model.chains.get(name)
        if chain is None or site in chain.sites:
            continue
        chain.sites.add(site)
        work += [(site, line.verdict.chain) for line in chain.lines if isinstance(line.verdict, Jump | Goto)]
