"""Chains, jumps and hook blocks.

The body of a chain is elaborated once for each hook that leads into it, because what a zone or `self` means depends on the
hook. Where all hooks give the same rules there is one chain, else one for each hook with the hook's name behind its own.
Until the end such a version is called `NAME@SITE`, a name that no policy can write.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from fwc.diagnostics import Label
from fwc.elaborate.builder import Builder
from fwc.elaborate.expanded import Placed
from fwc.elaborate.names import suggestion
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import CHAIN_CYCLE, JUMP_UNDEFINED, NO_MATCH, PLACE, REDEFINED
from fwc.elaborate.sites import FILTER_SITES, Site, Where
from fwc.elaborate.verdicts import actions
from fwc.ir.model import Base, Chain, Rule
from fwc.ir.verdict import ACCEPT, DROP, RETURN, Goto, Jump, Verdict
from fwc.lang import ast
from fwc.net.hooks import PRIORITY_NAMES, ChainType

Elaborate = Callable[[Placed, Where], bool]
"""Elaborates one statement at a place; False when it has no packet there."""


class Chains:
    """The chain declarations of a policy and what calls them."""

    def __init__(self, builder: Builder, statements: tuple[Placed, ...]) -> None:
        self.builder = builder
        self.declared: dict[str, Placed] = {}
        self.hooks: dict[str, tuple[Base, Placed]] = {}
        self.written: dict[str, dict[Site, list[Rule]]] = {}
        self.matched: set[int] = set()
        self.cyclic: set[str] = set()
        for placed in statements:
            statement = placed.statement
            if isinstance(statement, (ast.ChainDecl, ast.HookDecl)):
                self._declare(placed, statement)
        self._find_cycles()

    def _declare(self, placed: Placed, statement: ast.ChainDecl | ast.HookDecl) -> None:
        name = statement.name.text
        first = self.declared.get(name)
        if name in self.builder.taken:
            self.builder.out.append(
                mistake(
                    REDEFINED,
                    f"there is a chain `{name}` already",
                    statement.name.span,
                    help="choose another name; input, forward, output and the names of the other hooks are taken",
                    secondary=(Label(first.statement.span, "declared here"),) if first is not None else (),
                )
            )
            return
        self.builder.taken.add(name)
        if isinstance(statement, ast.ChainDecl):
            self.declared[name] = placed

    # ----- cycles ---------------------------------------------------------------

    def _find_cycles(self) -> None:
        """Report each chain that can be entered from itself; such chains are not elaborated."""
        done: set[str] = set()
        for start in self.declared:
            path: list[tuple[str, Iterator[ast.Jump]]] = [(start, self._calls(start))]
            on_path = {start}
            while path:
                if path[-1][0] in done:
                    on_path.discard(path.pop()[0])
                    continue
                step = next(path[-1][1], None)
                if step is None:
                    name = path.pop()[0]
                    on_path.discard(name)
                    done.add(name)
                    continue
                target = step.chain.text if step.chain is not None else ""
                if target in on_path:
                    self._report_cycle([n for n, _ in path], target, step)
                elif target in self.declared and target not in done:
                    on_path.add(target)
                    path.append((target, self._calls(target)))

    def _calls(self, name: str) -> Iterator[ast.Jump]:
        return (p.statement for p in self.declared[name].body if isinstance(p.statement, ast.Jump))

    def _report_cycle(self, path: list[str], target: str, step: ast.Jump) -> None:
        circle = [*path[path.index(target) :], target]
        self.cyclic.update(circle)
        self.builder.out.append(
            mistake(
                CHAIN_CYCLE,
                f"chains call each other in a circle: {' -> '.join(circle)}",
                step.span,
                help="take one of these jumps out; a packet may not come back into a chain that it is in",
            )
        )

    # ----- bodies ---------------------------------------------------------------

    def enter(self, name: str, site: Site, elaborate: Elaborate) -> str:
        """Elaborate the chain for `site` if that was not done, and return the name of that version."""
        version = f"{name}@{site.value}"
        versions = self.written.setdefault(name, {})
        if site not in versions and name not in self.cyclic:
            rules = versions[site] = self.builder.rules.setdefault(version, [])
            where = Where("chain", ((site, version),))
            for placed in self.declared[name].body:
                if self._fits(placed) and elaborate(placed, where):
                    self.matched.add(id(placed))
            assert self.builder.rules[version] is rules
        return version

    def _fits(self, placed: Placed, hook: bool = False) -> bool:
        statement = placed.statement
        if isinstance(statement, (ast.Rule, ast.Jump, ast.Mark, ast.Rewrite)):
            return True
        if hook and isinstance(statement, (ast.Clamp, ast.Notrack, ast.Helper)):
            return True
        if id(placed) not in self.matched:
            self.matched.add(id(placed))
            self.builder.out.append(
                mistake(
                    PLACE,
                    "this statement cannot stand in a chain or `hook` block",
                    statement.span,
                    help="these blocks hold rules, jumps, `mark` and `rewrite`, a `hook` also `clamp`, `notrack` and `helper`; "
                    "write it outside, at its place in the order",
                )
            )
        return False

    def finish(self, elaborate: Elaborate) -> None:
        """Elaborate what nothing calls, so that its mistakes are seen too, and say which rules match nowhere."""
        for name, placed in self.declared.items():
            if name in self.cyclic:
                continue
            if name not in self.written:
                for site in FILTER_SITES:
                    self.enter(name, site, elaborate)
            for each in placed.body:
                if id(each) not in self.matched:
                    sites = ", ".join(s.value for s in self.written[name])
                    self.builder.out.append(
                        mistake(
                            NO_MATCH,
                            f"this can match no packet where `{name}` is called from ({sites})",
                            each.statement.span,
                            help="compare its zones, `self` and families with those of the jumps into the chain",
                        )
                    )

    def chains(self) -> list[Chain]:
        """The user chains with their final names; every jump in `builder.rules` and `builder.made` is renamed."""
        names: dict[str, str] = {}
        found: list[Chain] = []
        for name in self._leaves_first():
            versions: list[tuple[tuple[Rule, ...], str]] = []
            for site, rules in self.written.get(name, {}).items():
                body = tuple(_renamed(rule, names) for rule in rules)
                known = next((n for r, n in versions if r == body), "")
                if not known:
                    known = name if not versions else self.builder.unique(f"{name}-{site.value}")
                    versions.append((body, known))
                    found.append(Chain(known, body, origin=self.declared[name].origin))
                names[f"{name}@{site.value}"] = known
        if names:
            for chain, rules in self.builder.rules.items():
                if "@" not in chain:
                    rules[:] = [_renamed(rule, names) for rule in rules]
            for site_rules in self.builder.loop.values():
                site_rules[:] = [_renamed(rule, names) for rule in site_rules]
        order = {name: at for at, name in enumerate(self.declared)}
        found.sort(key=lambda c: order.get(c.name, len(order)))
        return found

    def _leaves_first(self) -> list[str]:
        out: dict[str, None] = {}
        stack = [(name, False) for name in reversed(self.declared)]
        while stack:
            name, ready = stack.pop()
            if name in out or name in self.cyclic or name not in self.declared:
                continue
            if ready:
                out[name] = None
                continue
            stack.append((name, True))
            stack += [(j.chain.text, False) for j in self._calls(name) if j.chain is not None]
        return list(out)

    # ----- statements -----------------------------------------------------------

    def jump(self, placed: Placed, where: Where, elaborate: Elaborate) -> bool:
        """`jump`, `goto` and `return`: a rule whose verdict leads elsewhere."""
        statement = placed.statement
        assert isinstance(statement, ast.Jump)
        builder = self.builder
        if statement.chain is None and where.kind not in ("chain", "hook"):
            builder.out.append(
                mistake(
                    PLACE,
                    "there is nothing to return to here",
                    statement.span,
                    help="`return` ends a chain's body early",
                )
            )
            return True
        if statement.chain is not None and not self._known(statement.chain):
            return True
        parts = builder.parts(placed, "jump", statement.traffic, statement.clauses, needs=())
        if parts is None or (statement.chain is not None and statement.chain.text in self.cyclic):
            return True
        options = parts.options
        found = False
        for site, chain in where.chains:
            match = builder.match_at(parts, site)
            if match is None:
                continue
            found = True
            verdict: Verdict = RETURN
            if statement.chain is not None:
                target = self.enter(statement.chain.text, site, elaborate)
                verdict = Goto(target) if statement.kind == "goto" else Jump(target)
            acts = actions(builder, options, site.value, statement.span.line if options.log else 0)
            builder.add(chain, Rule(match, acts, verdict, options.label, options.comment, origin=placed.origin))
        if not found and where.kind != "chain":
            builder.nothing(parts)
        return found

    def _known(self, name: ast.Name) -> bool:
        if name.text in self.declared:
            return True
        meant = suggestion(name.text, self.declared)
        help = f"did you mean `{meant}`?" if meant else "declare it: `chain NAME { ... }`"
        self.builder.out.append(mistake(JUMP_UNDEFINED, f"there is no chain named `{name.text}`", name.span, help=help))
        return False

    def hook(self, placed: Placed, elaborate: Elaborate) -> None:
        """A base chain at any hook and priority, with ordinary rules in it."""
        statement = placed.statement
        assert isinstance(statement, ast.HookDecl)
        base = self._base(statement)
        if base is None or statement.name.text in self.hooks:
            return
        site = Site(statement.hook.text)
        self.hooks[statement.name.text] = (base, placed)
        self.builder.rules.setdefault(statement.name.text, [])
        where = Where("hook", ((site, statement.name.text),))
        for each in placed.body:
            if self._fits(each, hook=True):
                elaborate(each, where)

    def _base(self, statement: ast.HookDecl) -> Base | None:
        """Where the block is attached; None after an error."""
        hooks = ("prerouting", "input", "forward", "output", "postrouting")
        types = {t.value: t for t in ChainType}
        policies: dict[str, Verdict] = {"accept": ACCEPT, "allow": ACCEPT, "drop": DROP, "deny": DROP}
        checks = (
            (statement.hook, hooks, "hook"),
            (statement.type, tuple(types), "chain type"),
            (statement.policy, ("accept", "drop"), "policy"),
            (statement.priority_base, tuple(PRIORITY_NAMES), "priority"),
        )
        good = True
        for name, known, what in checks:
            accepted = known if what != "policy" else tuple(policies)
            if name is not None and name.text not in accepted:
                self.builder.out.append(
                    mistake(PLACE, f"`{name.text}` is no {what}", name.span, help="write " + ", ".join(known))
                )
                good = False
        if not good:
            return None
        base = 0 if statement.priority_base is None else PRIORITY_NAMES[statement.priority_base.text]
        kind = ChainType.FILTER if statement.type is None else types[statement.type.text]
        policy = ACCEPT if statement.policy is None else policies[statement.policy.text]
        return Base(Site(statement.hook.text).hook, kind, base + statement.priority, policy)


def _renamed(rule: Rule, names: dict[str, str]) -> Rule:
    verdict = rule.verdict
    if isinstance(verdict, (Jump, Goto)) and verdict.chain in names:
        return dataclasses.replace(rule, verdict=type(verdict)(names[verdict.chain]))
    return rule
