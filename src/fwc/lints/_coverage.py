"""Which rules of a policy no test packet and no assertion touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fwc.analysis.programs import translators
from fwc.elaborate.elaborated import Elaborated
from fwc.ir.model import Role, Rule
from fwc.ir.walk import target_chains
from fwc.lints._reach import AUTHORED
from fwc.net.hooks import Hook
from fwc.source import Span
from fwc.space.fields import Box, Dimensions


def untouched(elaborated: Elaborated, met: Iterable[Rule]) -> list[Span]:
    """The statements of which no rule is among `met` (what test packets matched) and no rule could hold for a packet that an
    assertion speaks of. In file order."""
    touched = {rule.origin.span for rule in met} | set(_asserted(elaborated))
    out: dict[Span, None] = {}
    for table in elaborated.ruleset.tables:
        for chain in table.chains:
            for rule in chain.rules:
                span = rule.origin.span
                if rule.role in AUTHORED and span is not None and span not in touched:
                    out[span] = None
    return sorted(out, key=lambda span: (span.file.path, span.start))


def _asserted(elaborated: Elaborated) -> Iterator[Span]:
    if not elaborated.assertions:
        return
    ruleset = elaborated.ruleset
    for family in ruleset.settings.families:
        dimensions = Dimensions(family)
        known = translators(ruleset, dimensions)
        asked: dict[Hook, list[Box]] = {}
        for assertion in elaborated.assertions:
            if family in assertion.families:
                for hook, match in assertion.matches:
                    asked.setdefault(hook, []).extend(known[0].boxes(match))
        for number, table in enumerate(ruleset.tables):
            hooks = _hooks(elaborated, number)
            for chain in table.chains:
                boxes = [box for hook in hooks[chain.name] for box in asked.get(hook, ())]
                for rule in chain.rules if boxes else ():
                    span = rule.origin.span
                    if (
                        rule.role is Role.USER
                        and span is not None
                        and _overlap(dimensions, known[number].boxes(rule.match), boxes)
                    ):
                        yield span


def _overlap(dimensions: Dimensions, left: tuple[Box, ...], right: list[Box]) -> bool:
    return any(dimensions.meet(a, b) is not None for a in left for b in right)


def _hooks(elaborated: Elaborated, number: int) -> dict[str, set[Hook]]:
    """The filter hooks from which each chain of a table is entered."""
    table = elaborated.ruleset.tables[number]
    hooks: dict[str, set[Hook]] = {chain.name: set() for chain in table.chains}
    calls = {chain.name: {n for rule in chain.rules for n in target_chains(rule.verdict)} for chain in table.chains}
    for chain in table.chains:
        if chain.base is None:
            continue
        names, stack = {chain.name}, [chain.name]
        while stack:
            for name in calls.get(stack.pop(), ()):
                if name not in names:
                    names.add(name)
                    stack.append(name)
        for name in names & hooks.keys():
            hooks[name].add(chain.base.hook)
    return hooks
