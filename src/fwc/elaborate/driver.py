"""Policy to IR: expand, then elaborate statement by statement in file order."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable
from functools import cache

from fwc.diagnostics import Diagnostic, has_errors
from fwc.elaborate import nat
from fwc.elaborate.builder import Builder
from fwc.elaborate.chains import Chains
from fwc.elaborate.codes import UNDEFINED
from fwc.elaborate.defaults import Defaults
from fwc.elaborate.elaborated import Assertion, Elaborated, LintSetting, Suppression, TestCase
from fwc.elaborate.expanded import ElaborateOptions, Placed, Program
from fwc.elaborate.implicit import before_rules, source_checks
from fwc.elaborate.program import expand
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import JUMP_UNDEFINED, PLACE
from fwc.elaborate.rules import elaborate_rule
from fwc.elaborate.sites import BASES, EARLY, FILTER, Where
from fwc.ir.model import Base, Chain, NativeText, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Drop
from fwc.lang import ast
from fwc.lang.files import Files
from fwc.net.hooks import Family


def elaborate(file: ast.File, files: Files, options: ElaborateOptions) -> tuple[Elaborated | None, list[Diagnostic]]:
    """The IR of one host, or None when there are errors. Reports every mistake of the policy in one run."""
    program, found = expand(file, files, options)
    if program is None:
        return None, found
    done, more = elaborate_program(program)
    diagnostics = [d for d in (*found, *more) if not _misses_misread(d, program.misread)]
    return (None if has_errors(diagnostics) else done), diagnostics


def _misses_misread(diagnostic: Diagnostic, misread: frozenset[str]) -> bool:
    """Does it complain of a name whose declaration has a syntax error, which was reported?"""
    if not misread or diagnostic.code not in (UNDEFINED[0], JUMP_UNDEFINED[0]) or diagnostic.primary is None:
        return False
    return diagnostic.primary.span.text.lstrip("$@") in misread


def elaborate_program(program: Program) -> tuple[Elaborated, list[Diagnostic]]:
    """The IR of an expanded policy; meaningless when the diagnostics hold an error."""
    collecting = gc.isenabled()
    gc.disable()  # nearly everything made here stays: looking for garbage in it costs half of the time
    try:
        return _elaborated(program)
    finally:
        if collecting:
            gc.enable()


def _elaborated(program: Program) -> tuple[Elaborated, list[Diagnostic]]:
    out: list[Diagnostic] = []
    work = _Work(program, out)
    for placed in program.statements:
        work.statement(placed, EARLY if placed.early else FILTER)
    work.chains.finish(work.statement)
    return work.result(), list(dict.fromkeys(out))


class _Work:
    """The elaboration of one program: which part handles which statement, and how the parts come together."""

    def __init__(self, program: Program, out: list[Diagnostic]) -> None:
        self.program = program
        self.out = out
        self.builder = Builder(program, out)
        self.defaults = Defaults()
        self.chains = Chains(self.builder, program.statements)
        self.natives: list[NativeText] = []
        self.tests: list[TestCase] = []
        self.assertions: list[Assertion] = []
        self.suppressions: list[Suppression] = []
        self.levels: list[LintSetting] = []

    def statement(self, placed: Placed, where: Where) -> bool:
        """Elaborate one statement; False when it has no packet at this place."""
        statement = placed.statement
        if isinstance(statement, ast.Rule):
            if statement.clauses.options:
                self._ignores(statement.clauses.options, placed)
            return elaborate_rule(self.builder, placed, where)
        if isinstance(statement, ast.Jump):
            self._ignores(statement.clauses.options, placed)
            return self.chains.jump(placed, where, self.statement)
        if isinstance(statement, ast.Mark | ast.Rewrite) or (
            where.kind == "hook" and isinstance(statement, ast.Clamp | ast.Notrack | ast.Helper)
        ):
            return _changes()[type(statement)](self.builder, placed, where)
        if where.kind == "early":
            self.out.append(
                mistake(
                    PLACE,
                    "only rules can stand in an `early` block",
                    statement.span,
                    help="write this statement outside; it finds its own hook",
                )
            )
            return True
        self._top(placed)
        return True

    def _top(self, placed: Placed) -> None:
        statement = placed.statement
        builder = self.builder
        clauses = getattr(statement, "clauses", None)
        if isinstance(clauses, ast.Clauses):
            self._ignores(clauses.options, placed)
        if isinstance(statement, ast.Default):
            self.defaults.state(builder, placed)
        elif isinstance(statement, ast.HookDecl):
            self.chains.hook(placed, self.statement)
        elif isinstance(statement, ast.Native):
            from fwc.elaborate.natives import native

            found = native(builder, placed)
            self.natives += [found] if found is not None else []
        elif isinstance(statement, ast.Test):
            from fwc.elaborate.packet_tests import test_case

            self.tests.append(test_case(builder, statement))
        elif isinstance(statement, ast.Assert):
            from fwc.elaborate.assertions import assertion

            claim = assertion(builder, placed)
            self.assertions += [claim] if claim is not None else []
        elif isinstance(statement, ast.LintIgnore):
            self.suppressions.append(Suppression(statement.lint.text, statement.reason.value, None, statement.span))
        elif isinstance(statement, ast.LintLevel):
            self.levels.append(LintSetting(statement.level, statement.lint.text, statement.span))
        else:
            handler = _own_hooks().get(type(statement))
            if handler is not None:
                handler(builder, placed)

    def _ignores(self, options: tuple[ast.Option, ...], placed: Placed) -> None:
        for option in options:
            if isinstance(option, ast.IgnoreOption):
                found = Suppression(option.lint.text, option.reason.value, placed.statement.span, option.span)
                if found not in self.suppressions:
                    self.suppressions.append(found)

    # ----- the whole ------------------------------------------------------------

    def result(self) -> Elaborated:
        program = self.program
        return Elaborated(
            program.title,
            self._ruleset(),
            tuple(self.tests),
            tuple(self.assertions),
            tuple(self.suppressions),
            tuple(self.levels),
            program.inputs,
            program.notes,
            self.builder.native_conditions,
        )

    def _ruleset(self) -> Ruleset:
        program, builder = self.program, self.builder
        user = self.chains.chains()
        nat.trim_exemptions(builder)
        checks = source_checks(builder)
        if checks:
            builder.rules["prerouting-raw"] = [*checks, *builder.rules.get("prerouting-raw", ())]
        chains = [
            Chain(name, tuple(builder.rules[name]), base, origin=placed.origin)
            for name, (base, placed) in self.chains.hooks.items()
        ]
        for name, base in BASES.items():
            if name in builder.rules:
                chains.append(self._base_chain(name, base))
        chains += user
        chains += builder.made.values()
        sets = tuple(program.sets[name] for name in sorted(builder.used_sets) if name in program.sets)
        table = Table(program.settings.table, "inet", tuple(chains), sets)
        zones = tuple(program.zones.values())
        # `family v4` narrows the rules, it does not leave IPv6 open: what no rule speaks of meets the defaults everywhere
        settings = dataclasses.replace(program.settings, families=tuple(Family))
        return Ruleset((table,), zones, settings, tuple(self.natives), program.own_addresses)

    def _base_chain(self, name: str, base: Base) -> Chain:
        rules = self.builder.rules[name]
        policy = self.defaults.policies.get(name)
        if policy is None:
            return Chain(name, tuple(rules), base)
        last = self.defaults.last[name]
        before: list[Rule] = []
        # A hook that decides nothing of its own stays empty: no rule of it could let a connection begin or end one. A default
        # that answers, logs or accepts does decide: invalid packets must not get that far.
        loops = name != "forward" and any(self.builder.loop.values())
        silent = isinstance(policy, Accept) if name == "output" else isinstance(policy, Drop) and not last
        if rules or loops or name == "input" or not silent:
            before = before_rules(self.builder, name, policy)
        return Chain(name, (*before, *rules, *last), Base(base.hook, base.type, base.priority, policy))


@cache
def _changes() -> dict[type, Callable[[Builder, Placed, Where], bool]]:
    """Statements that change packets, where they stand in a hook. Their modules are imported for policies that have some."""
    from fwc.elaborate import packet_changes

    return {
        ast.Mark: packet_changes.mark,
        ast.Rewrite: packet_changes.rewrite,
        ast.Clamp: packet_changes.clamp,
        ast.Notrack: packet_changes.notrack,
        ast.Helper: packet_changes.helper,
    }


@cache
def _own_hooks() -> dict[type, Callable[[Builder, Placed], object]]:
    """Statements that find their own hooks. `ChainDecl` is absent: a chain is written where something jumps to it."""
    from fwc.elaborate import nat_forward, packet_changes

    return {
        ast.Masquerade: nat.masquerade,
        ast.Snat: nat.snat,
        ast.NoNat: nat.no_nat,
        ast.Map: nat.map_,
        ast.Forward: nat_forward.forward,
        ast.Redirect: nat_forward.redirect,
        ast.Clamp: packet_changes.clamp,
        ast.Notrack: packet_changes.notrack,
        ast.Helper: packet_changes.helper,
    }
