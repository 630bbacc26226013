"""IR to tree: which table and chain each base chain becomes, for both families, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic, error, has_errors
from fwc.dialects.base import LowerOptions
from fwc.dialects.iptables.builtin import BUILTIN, CHAIN_OF_HOOK, TABLES, place
from fwc.dialects.iptables.emit import Body, Context, TableEmitter
from fwc.dialects.iptables.natives import native_rules
from fwc.dialects.iptables.nesting import first_too_deep, too_deep
from fwc.dialects.iptables.parts import Inexpressible
from fwc.dialects.iptables.rates import BadRate
from fwc.dialects.iptables.sets import IpSets
from fwc.dialects.iptables.tree import ChainLine, Hook, IptablesTree, RuleLine, SaveFile, TableBlock, Words
from fwc.ir.graph import calls, reached
from fwc.ir.match import Match
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, AssignHelper, Continue, Drop, Jump, Reject, Return
from fwc.net.hooks import ChainType, Family
from fwc.net.hooks import Hook as NetHook
from fwc.records import Record
from fwc.source import Origin

ACCEPT: Words = ("-j", "ACCEPT")
RETURN: Words = ("-j", "RETURN")
_FAMILY_WORDS = {Family.V4: ("inet", "ip"), Family.V6: ("inet", "ip6")}


class Placed(Record):
    """A base chain and the table and builtin chain whose packets it judges."""

    table: str
    builtin: str
    chain: Chain
    base: Base
    ir_table: str


class Problems:
    """Diagnostics of a compile, each once although both families meet it."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self._seen: set[tuple[object, ...]] = set()

    def add(self, problem: Inexpressible | BadRate, origin: Origin) -> None:
        feature = problem.feature if isinstance(problem, Inexpressible) else "limit"
        text = problem.message if isinstance(problem, Inexpressible) else str(problem)
        help = problem.help if isinstance(problem, Inexpressible) else "use a rate that iptables can measure"
        key = (origin.span, feature, text)
        if key in self._seen:
            return
        self._seen.add(key)
        way_out = "or put the statement into `when not target iptables { ... }`"
        self.found.append(
            error(
                "FW031",
                text,
                origin.span,
                label=f"not expressible on iptables: {feature}",
                help=f"{help}; {way_out}" if help else way_out.removeprefix("or "),
                name="lossy-compile",
            )
        )


def lower(ruleset: Ruleset, options: LowerOptions) -> tuple[IptablesTree | None, list[Diagnostic]]:
    """The files for both families, or None when something cannot be expressed."""
    problems = Problems()
    coexist = bool(ruleset.settings.coexist)
    sets = IpSets(ruleset, options.ipset)
    files: list[SaveFile] = []
    hooks: list[Hook] = []
    _refuse_foreign_tables(ruleset, problems)
    for family in (f for f in Family if f in ruleset.settings.families):
        blocks = _FamilyLowering(ruleset, family, sets, problems, hooks).blocks()
        files.append(SaveFile(f"rules.v{family.value}", family, blocks, (), coexist))
    try:
        set_lines = sets.lines()
    except Inexpressible as problem:
        problems.add(problem, Origin())
        set_lines = ()
    if has_errors(problems.found):
        return None, problems.found
    out = tuple(
        SaveFile(f.name, f.family, f.tables, _header(f, options.header, bool(set_lines)), f.noflush) for f in files
    )
    return IptablesTree(out, set_lines, options.header, tuple(hooks), options.header), problems.found


def _header(save: SaveFile, header: tuple[str, ...], sets: bool) -> tuple[str, ...]:
    command = "iptables-restore" if save.family is Family.V4 else "ip6tables-restore"
    if save.noflush:
        load = "sh apply.sh"
    else:
        load = f"{command} < {save.name}"
        if sets:
            load = f"ipset restore < ipset.conf && {load}"
    return (*header, f"load: {load}")


def _refuse_foreign_tables(ruleset: Ruleset, problems: Problems) -> None:
    for table in ruleset.tables:
        if table.family not in ("inet", "ip", "ip6"):
            problems.add(
                Inexpressible("table-family", f"iptables has no {table.family} tables", "leave table out"), table.origin
            )


class _FamilyLowering:
    """One family's tables."""

    def __init__(self, ruleset: Ruleset, family: Family, sets: IpSets, problems: Problems, hooks: list[Hook]) -> None:
        self._ruleset = ruleset
        self._family = family
        self._sets = sets
        self._problems = problems
        self._hooks = hooks
        self._coexist = ruleset.settings.coexist
        self._prefix = f"{ruleset.settings.table}-" if self._coexist else ""
        self._tables: dict[str, Table] = {
            f"{t.family} {t.kind} {t.name}": t for t in ruleset.tables if t.family in _FAMILY_WORDS[family]
        }
        self._calls = {key: calls(table) for key, table in self._tables.items()}
        self._hooks_of: dict[str, dict[tuple[str, str], frozenset[NetHook]]] = {}
        self._emitters: dict[str, TableEmitter] = {}
        self._policies: dict[tuple[str, str], str] = {}
        self._resolved: dict[Match, Match] = {}

    def blocks(self) -> tuple[TableBlock, ...]:
        groups: dict[tuple[str, str], list[Placed]] = {}
        for placed in self._placed():
            groups.setdefault((placed.table, placed.builtin), []).append(placed)
            self._note_hook(placed)
        natives = native_rules(self._ruleset.natives, self._family, self._problems.add)
        for table in TABLES:
            for builtin in BUILTIN[table]:
                members = sorted(groups.get((table, builtin), ()), key=lambda p: p.base.priority)
                before, after = natives.get((table, builtin), ((), ()))
                if before or after or any(not self._idle(p) for p in members):
                    self._builtin(table, builtin, members, before, after)
        if "filter" not in self._emitters:
            self._emitter("filter")
        return tuple(self._block(name) for name in TABLES if name in self._emitters)

    def _note_hook(self, placed: Placed) -> None:
        """Say of all chains that packets of this base chain get into, that they do."""
        hooks = self._hooks_of.setdefault(placed.table, {})
        for name in reached(self._calls[placed.ir_table], placed.chain.name):
            key = (placed.ir_table, name)
            hooks[key] = hooks.get(key, frozenset()) | {placed.base.hook}

    # ----- placing -----------------------------------------------------------

    def _placed(self) -> Iterable[Placed]:
        for key, table in self._tables.items():
            for chain in table.chains:
                base = chain.base
                if base is None:
                    continue
                name = place(base.hook, base.type, base.priority) if not base.device else None
                if name is None or base.hook not in CHAIN_OF_HOOK:
                    text = f"iptables has no chain at hook {base.hook.value} with priority {base.priority}"
                    hint = (
                        "use raw (-300), mangle (-150) or filter (0), on the same side of connection tracking and NAT"
                    )
                    self._problems.add(Inexpressible("hook", text, hint), chain.origin)
                    continue
                if table.kind in BUILTIN and CHAIN_OF_HOOK[base.hook] in BUILTIN[table.kind]:
                    name = table.kind
                yield from self._helpers_first(Placed(name, CHAIN_OF_HOOK[base.hook], chain, base, key))

    def _helpers_first(self, placed: Placed) -> Iterable[Placed]:
        """Connection helpers are attached in raw, before tracking; elsewhere (nft) behind it."""
        rules = placed.chain.rules
        moved = tuple(r for r in rules if any(isinstance(a, AssignHelper) for a in r.actions))
        if not moved or placed.table == "raw" or placed.base.hook not in (NetHook.PREROUTING, NetHook.OUTPUT):
            yield placed
            return
        last = max(i for i, r in enumerate(rules) if r in moved)
        plain = all(isinstance(r.verdict, Continue) for r in rules[: last + 1])
        if not plain or any(not all(isinstance(a, AssignHelper) for a in r.actions) for r in moved):
            yield placed
            return
        chain = placed.chain
        base = Base(placed.base.hook, ChainType.FILTER, -300, Accept())
        raw = Chain(chain.name, moved, base, chain.comment, chain.origin)
        rest = tuple(r for r in rules if r not in moved)
        yield Placed("raw", placed.builtin, raw, base, placed.ir_table)
        if rest or not isinstance(placed.base.policy, Accept):
            kept = Chain(chain.name, rest, placed.base, chain.comment, chain.origin)
            yield Placed(placed.table, placed.builtin, kept, placed.base, placed.ir_table)

    def _idle(self, placed: Placed) -> bool:
        """A chain of our own that would do nothing."""
        return bool(self._coexist) and not placed.chain.rules and isinstance(placed.base.policy, Accept)

    # ----- chains ------------------------------------------------------------

    def _emitter(self, table: str) -> TableEmitter:
        found = self._emitters.get(table)
        if found is None:
            found = self._emitters[table] = TableEmitter(
                table,
                self._family,
                self._find_chain,
                self._hooks_of.get(table, {}),
                self._sets.match_words,
                self._sets.add_words,
                self._problems.add,
                self._prefix,
            )
            if not self._coexist:
                for name in BUILTIN[table]:
                    found.open(name)
        return found

    def _find_chain(self, ir_table: str, name: str) -> Chain | None:
        table = self._tables.get(ir_table)
        chain = table.chain(name) if table is not None else None
        if chain is None:
            return None
        rules = tuple(self._resolve(r) for r in chain.rules)
        return Chain(chain.name, rules, chain.base, chain.comment, chain.origin)

    def _resolve(self, rule: Rule) -> Rule:
        if not self._sets.needed:
            return rule
        match = self._sets.resolve(rule.match, self._family)
        if match is rule.match:
            return rule
        return Rule(match, rule.actions, rule.verdict, rule.label, rule.comment, rule.role, rule.origin)

    def _builtin(
        self, table: str, builtin: str, members: list[Placed], before: tuple[Words, ...], after: tuple[Words, ...]
    ) -> None:
        emitter = self._emitter(table)
        top = self._top(table, builtin, emitter)
        body = emitter.open(top, members[0].chain.comment if members else "")
        body.extend(RuleLine(top, words) for words in before)
        final = self._final(table, builtin)
        policy = "ACCEPT"
        name, own, stage = top, body, 1
        for at, member in enumerate(members):
            last = at == len(members) - 1
            plain = not last and self._only_refuses(member)
            following = "" if last or plain else emitter.names.make(f"{self._prefix}{builtin.lower()}_{stage + 1}")
            accept = final if last or plain else ("-g", following)
            drop = isinstance(member.base.policy, Drop)
            native = last and stage == 1 and not self._coexist
            if native:
                policy = "DROP" if drop else "ACCEPT"
            open_end = native or plain or (last and stage == 1 and not drop) or (accept == RETURN and not drop)
            tail: Words = () if open_end else ("-j", "DROP") if drop else accept
            hooks = frozenset({member.base.hook})
            context = Context(accept, hooks, member.ir_table, tail)
            self._rules(emitter, own, member, name, context)
            if last:
                own.extend(RuleLine(name, words) for words in after)
            if tail:
                own.append(RuleLine(name, tail))
            if following:
                name, own, stage = following, emitter.open(following, members[at + 1].chain.comment), stage + 1
        if not members:
            body.extend(RuleLine(top, words) for words in after)
        self._policies[table, builtin] = policy
        self._check_policy(table, members)

    def _only_refuses(self, member: Placed) -> bool:
        """Nothing in the chain accepts or leaves it, so the next chain of the hook can simply follow."""
        if isinstance(member.base.policy, Drop):
            return False
        todo, seen = [member.chain], {member.chain.name}
        for chain in todo:
            for rule in chain.rules:
                if isinstance(rule.verdict, Jump):
                    inner = self._find_chain(member.ir_table, rule.verdict.chain)
                    if inner is None:
                        return False
                    if inner.name not in seen:
                        seen.add(inner.name)
                        todo.append(inner)
                elif not isinstance(rule.verdict, Drop | Continue | Reject) and not (
                    isinstance(rule.verdict, Return) and chain is not member.chain
                ):
                    return False
        return True

    def _check_policy(self, table: str, members: list[Placed]) -> None:
        """A builtin chain of nat may have the policy DROP; a rule of nat, which several chains would need, may not drop."""
        if len(members) == 1 and not self._coexist:
            return
        for member in members:
            if table == "nat" and isinstance(member.base.policy, Drop):
                problem = Inexpressible(
                    "nat-filter", "iptables cannot drop packets in the nat table", "use policy accept"
                )
                self._problems.add(problem, member.chain.origin)

    def _rules(self, emitter: TableEmitter, own: Body, member: Placed, name: str, context: Context) -> None:
        for rule in member.chain.rules:
            try:
                emitter.rule(own, name, self._resolve(rule), context)
            except (Inexpressible, BadRate) as problem:
                self._problems.add(problem, rule.origin)

    def _final(self, table: str, builtin: str) -> Words:
        """What accepting means where other programs have rules of their own behind ours."""
        if self._coexist and (table in ("mangle", "raw", "security") or builtin == "FORWARD"):
            return RETURN
        return ACCEPT

    def _top(self, table: str, builtin: str, emitter: TableEmitter) -> str:
        """The chain that holds the rules: the builtin one, or our own with a hook to it."""
        if not self._coexist:
            return builtin
        if table == "filter" and builtin == "FORWARD" and "docker" in self._coexist:
            name = "DOCKER-USER"
        else:
            name = self._prefix + builtin.lower()
        first = self._coexist != frozenset({"fail2ban"})
        self._hooks.append(Hook(table, self._family, builtin, name, first))
        return name

    # ----- output ------------------------------------------------------------

    def _block(self, name: str) -> TableBlock:
        emitter = self._emitters[name]
        deep = first_too_deep(emitter.chains, BUILTIN[name])
        if deep is not None:
            self._problems.add(too_deep(), deep.origin)
        chains: list[ChainLine] = []
        rules: list[RuleLine] = []
        for chain, body in emitter.chains.items():
            builtin = chain in BUILTIN[name]
            policy = self._policies.get((name, chain), "ACCEPT") if builtin else "-"
            chains.append(ChainLine(chain, policy, (0, 0)))
            rules.extend(_noted(body, chain, emitter.comments.get(chain, "")))
        return TableBlock(name, self._family, tuple(chains), tuple(rules))


def _noted(body: Body, chain: str, comment: str) -> Iterable[RuleLine]:
    """Rules with the note of a group on its first rule only."""
    previous = ""
    for at, rule in enumerate(body):
        note = rule.note if rule.note != previous else ""
        previous = rule.note
        if at == 0 and comment:
            note = f"{chain}: {comment}"
        if note == rule.note and rule.chain == chain:
            yield rule
        else:
            yield RuleLine(chain, rule.words, note=note, origin=rule.origin)
