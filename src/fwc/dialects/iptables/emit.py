"""Rules of the IR as rules of one iptables table: products of alternatives, endings of several steps, user chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fwc.dialects.iptables.builtin import HOOK_OF_CHAIN
from fwc.dialects.iptables.cells import CellWords, plain_lookup
from fwc.dialects.iptables.dispatch import DEEPEST, Node, tree
from fwc.dialects.iptables.hooks import INTERFACES
from fwc.dialects.iptables.matches import SetWords, pieces
from fwc.dialects.iptables.names import CHAIN_LENGTH, Names, clean
from fwc.dialects.iptables.nesting import NESTED, too_deep
from fwc.dialects.iptables.parts import (
    COMMENT,
    PROTOCOL,
    RANGE,
    Alternative,
    Inexpressible,
    Part,
    Pieces,
    Place,
    in_order,
)
from fwc.dialects.iptables.rates import BadRate, with_own_names
from fwc.dialects.iptables.targets import SYN, TCP_ONLY, Step, action_steps, split_redirect, verdict_steps
from fwc.dialects.iptables.transport import protocol_name
from fwc.dialects.iptables.tree import RuleLine, Words
from fwc.ir.match import Field, FieldIn, Match, TupleIn, all_of, negate
from fwc.ir.model import Chain, Role, Rule
from fwc.ir.verdict import (
    Accept,
    AddToSet,
    Continue,
    Dnat,
    Drop,
    Goto,
    Jump,
    Log,
    Netmap,
    PortChoice,
    Redirect,
    Reject,
    Return,
    SetField,
    Snat,
    Verdict,
    VerdictMap,
)
from fwc.net.addresses import format_address, parse_address, prefix_run
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import (
    PORT_PROTOCOLS,
    Conjunction,
    TooManyConjunctions,
    alternatives,
    conjunctions,
    disjoint,
    expand,
    join,
)
from fwc.records import Record
from fwc.source import Origin, utf8

FLAT = 4
"""A product of at most so many alternatives becomes rules side by side; a larger one gets chains of its own."""
TREE = 24
"""A list of more alternatives than this is split into ranges with a chain each, when it is a list of addresses."""
FAN = 16
COMMENT_LENGTH = 255
MAX_FLAT = 4096

Body = list[RuleLine]


class Context(Record):
    """`accept` is what ends a chain's packets as accepted: ACCEPT, or in a chain that must not have the last word
    RETURN (docker) or a goto to the next chain of the hook. `tail` is the policy of a base chain that lives in a chain of
    our own: what returning from it means; empty where returning does the right thing by itself. `jumped` tells that the
    rules stand in a chain that is jumped to. `hooks` are all that lead to the chain."""

    accept: Words
    hooks: frozenset[Hook]
    ir_table: str = ""
    tail: Words = ()
    jumped: bool = False


class Item(Record):
    """A rule on its way: its place in the output, what it is called and where it comes from."""

    hint: str
    comment: tuple[Part, ...]
    origin: Origin
    note: str = ""


_COUNTING = frozenset({"limit", "hashlimit", "statistic", "quota"})
"""Match modules that keep a state for each rule that asks them."""


class TableEmitter:
    """The chains of one table of one family, filled rule by rule. Equal helper chains are made once. What a rule of a called
    chain cannot say goes to `report`; of the base chain's rules the caller hears by an exception."""

    def __init__(
        self,
        name: str,
        family: Family,
        find_chain: Callable[[str, str], Chain | None],
        hooks: Mapping[tuple[str, str], frozenset[Hook]],
        set_words: SetWords,
        add_words: Callable[[AddToSet, Family], Words],
        report: Callable[[Inexpressible | BadRate, Origin], None],
        prefix: str = "",
    ) -> None:
        self.name = name
        self.family = family
        self.chains: dict[str, Body] = {}
        self.comments: dict[str, str] = {}
        self.names = Names(CHAIN_LENGTH)
        self._find_chain = find_chain
        self._hooks = hooks
        self._set_words = set_words
        self._add_words = add_words
        self._report = report
        self._prefix = prefix
        self._depth = 0
        self._shared: dict[tuple[tuple[Words, ...], int], str] = {}
        self._written = 0  # rules of the policy so far
        self._now = 0  # the one that is being written
        self._user: dict[tuple[str, str, Words, Words], str] = {}

    # ----- chains ------------------------------------------------------------

    def open(self, name: str, comment: str = "") -> Body:
        """A chain under exactly this name."""
        self.names.exact(name)
        if comment:
            self.comments[name] = comment
        return self.chains.setdefault(name, [])

    def helper(self, hint: str, rules: Body) -> str:
        """The name of a chain with these rules: a new one, or an equal one that exists. Rules of the policy share no buckets."""
        name, new = self._helper_name(hint, tuple([rule.words for rule in rules]))
        if new:
            self.chains[name] = [RuleLine(name, r.words, origin=r.origin, note=r.note) for r in rules]
        return name

    def _helper_of(self, rules: Sequence[Words], item: Item) -> str:
        """As `helper`, all rules for one of the policy."""
        name, new = self._helper_name(item.hint, tuple(rules))
        if new:
            self.chains[name] = [RuleLine(name, words, note=item.note, origin=item.origin) for words in rules]
        return name

    def _helper_name(self, hint: str, rules: tuple[Words, ...]) -> tuple[str, bool]:
        counts = not all(map(_COUNTING.isdisjoint, rules))
        key = (rules, self._now if counts else 0)
        name = self._shared.get(key)
        if name is not None:
            return name, False
        name = self._shared[key] = self.names.make(self._prefix + clean(hint))
        return name, True

    def user_chain(self, chain_name: str, context: Context) -> str:
        """The output name of a chain that is jumped to, or with a `tail` gone to; its rules are made on first use."""
        key = (context.ir_table, chain_name, context.accept, context.tail)
        name = self._user.get(key)
        if name is None:
            chain = self._find_chain(context.ir_table, chain_name)
            if chain is None:
                raise Inexpressible("chain", f"there is no chain {chain_name!r}")
            name = self._user[key] = self.names.make(self._prefix + _chain_name(chain_name))
            body = self.open(name, chain.comment)
            if self._depth == NESTED:
                raise too_deep()
            self._depth += 1
            hooks = self._hooks.get((context.ir_table, chain_name), context.hooks)
            context = Context(context.accept, hooks, context.ir_table, context.tail, context.jumped)
            try:
                for rule in chain.rules:
                    try:
                        self.rule(body, name, rule, context)
                    except (Inexpressible, BadRate) as problem:
                        self._report(problem, rule.origin)
            finally:
                self._depth -= 1
            if context.tail and (not body or body[-1].words != context.tail):
                body.append(RuleLine(name, context.tail))
        return name

    # ----- rules -------------------------------------------------------------

    def rule(self, body: Body, chain: str, rule: Rule, context: Context) -> None:
        """Append what `rule` is in iptables. Raises `Inexpressible`."""
        before = self._now
        self._written += 1
        self._now = self._written
        try:
            self._write(body, chain, rule, context)
        finally:
            self._now = before

    def _write(self, body: Body, chain: str, rule: Rule, context: Context) -> None:
        if isinstance(rule.verdict, Redirect) and _keeps_offset(rule.verdict):
            for part in _split_redirect(rule, self.family):
                self.rule(body, chain, part, context)
            return
        if not _in_family(rule.verdict, self.family):
            return
        try:
            found = expand(with_own_names(rule.match, f"{self.name[0]}{self._now}"), self.family)
        except TooManyConjunctions as problem:
            raise Inexpressible("conditions", str(problem), "split the rule") from None
        if not found:
            return
        if Hook.POSTROUTING in context.hooks and any(_asks(c, Field.IIF) for c in found):
            raise Inexpressible(
                "ingress-after-routing",
                "iptables cannot tell after routing by which interface a packet came in",
                "give the zone its `net`, so that the source tells",
            )
        _check_interfaces(chain, rule.verdict, found)
        item = Item(_hint(rule), _comment(rule), rule.origin, _note(rule))
        if len(found) == 1 and self._lookup(body, chain, rule, found[0], item, context):
            return
        expanded = [c for one in found for c in _tuples_out(one, self.family)]
        if expanded:
            self._place(body, chain, rule, expanded, item, context)

    def _at(self, context: Context) -> Place:
        return Place(self.family, self.name, context.hooks)

    def _place(
        self, body: Body, chain: str, rule: Rule, found: list[Conjunction], item: Item, context: Context
    ) -> None:
        place = self._at(context)
        split = [pieces(c, place, self._set_words) for c in found]
        protocols = _protocols(found)
        verdict = rule.verdict
        if isinstance(verdict, VerdictMap):
            self._verdict_map(body, chain, rule, verdict, split, found, item, context)
            return
        leaving = isinstance(verdict, Return | Goto) or (
            isinstance(verdict, Accept) and context.accept == ("-j", "RETURN")
        )
        passing = isinstance(verdict, Continue | Jump)
        steps = self._steps(rule, protocols, _dports(found), context)
        if leaving:
            self._leave(body, chain, split, steps, item)
        elif (passing or any(p.stateful for p in split)) and not _apart(found, split, rule):
            self._once(body, chain, split, steps, item)
        else:
            total = sum(p.count for p in split)
            for one in split:
                self._spread(body, chain, one, steps, item, protocols, total)

    def _lookup(self, body: Body, chain: str, rule: Rule, found: Conjunction, item: Item, context: Context) -> bool:
        """A long list of combinations as a tree of chains; False where it is none, or where its rules must stand in `chain`."""
        lookup = plain_lookup(found)
        stays = isinstance(rule.verdict, Drop | Reject) or (
            isinstance(rule.verdict, Accept) and context.accept[0] == "-j" and context.accept[1] != "RETURN"
        )
        if lookup is None or not stays:
            return False
        place = self._at(context)
        rest = pieces(Conjunction(found.fields, found.excluded), place, self._set_words)
        if rest.dims or rest.excepts or rest.stateful:
            return False
        protocols = _protocols([found]) if Field.PROTOCOL not in lookup.fields else lookup.protocols()
        steps = self._steps(rule, protocols, None, context)
        plain = len(steps) == 1 and not steps[0].needs and not steps[0].match
        target = steps[0].target if plain else ("-j", self._ending(steps, protocols, item))
        words = CellWords(lookup, place, target)
        # around the levels below its root are the root, the chains that lead here, and one for what a rule does
        below = max(0, min(DEEPEST, NESTED - 3 - self._depth))
        inner = self._node(tree(lookup.fields, lookup.cells, below), words, item)
        body.append(_line(chain, (*rest.single, *item.comment), ("-j", self._helper_of(inner, item)), item))
        return True

    def _node(self, node: Node, words: CellWords, item: Item) -> list[Words]:
        """The rules of a chain. Nothing may be put behind them: packets do not come back from the last branches."""
        out = [rule for cell in node.cells for rule in words.rules(cell)]
        first = len(node.branches) - node.apart
        for number, branch in enumerate(node.branches):
            name = self._helper_of(self._node(branch.node, words, item), item)
            out.append(words.branch(branch, ("-g" if number >= first else "-j", name)))
        return out

    def _steps(
        self, rule: Rule, protocols: IntervalSet | None, dport: IntervalSet | None, context: Context
    ) -> list[Step]:
        place = self._at(context)
        out = action_steps(rule.actions, place, lambda action: self._add_words(action, self.family))
        last = self._verdict_step(rule.verdict, context)
        if last is not None:
            if not last.target or (out and not out[-1].target):
                out = [s for s in out if s.target]
            out.append(last)
        else:
            ends = verdict_steps(rule.verdict, place, protocols, dport)
            if ends:
                out = [s for s in out if s.target]
            out.extend(ends)
        return out or [Step(())]

    def _verdict_step(self, verdict: Verdict, context: Context) -> Step | None:
        match verdict:
            case Accept():
                return Step(context.accept)
            case Return():
                return Step(context.tail or ("-j", "RETURN"))
            case Jump():
                inner = Context(context.accept, context.hooks, context.ir_table, (), True)
                return Step(("-j", self.user_chain(verdict.chain, inner)))
            case Goto():
                return Step(("-g", self.user_chain(verdict.chain, context)))
        return None

    # ----- one match, several rules ------------------------------------------

    def _spread(
        self,
        body: Body,
        chain: str,
        one: Pieces,
        steps: list[Step],
        item: Item,
        protocols: IntervalSet | None,
        total: int,
    ) -> None:
        """Rules for one conjunction whose steps end the packet's way or come back here at most once."""
        if one.excepts:
            inner: Body = [_line("", alt, ("-j", "RETURN"), item) for alt in one.excepts]
            rest = Pieces((), one.dims, (), one.stateful)
            self._spread(inner, "", rest, steps, item, protocols, total)
            body.append(_line(chain, one.single, ("-j", self.helper(item.hint, inner)), item))
            return
        if not one.dims and not one.single and not one.stateful:
            for step in self._fit(steps, one.single, protocols):
                body.append(_line(chain, (*step.match, *item.comment), step.target, item))
            return
        alternatives = max(one.count, total)
        counts = _counts(steps[0])
        single_step = len(steps) == 1 and not (counts and one.stateful)  # nobody reads two equal limits in one rule
        single_step = single_step and (not (counts or one.stateful) or alternatives == 1)
        if single_step and one.count == 1 and _fits(steps[0], one.single):
            parts = (*one.single, *one.stateful, *steps[0].match, *item.comment)
            body.append(_line(chain, parts, steps[0].target, item))
            return
        if single_step and not steps[0].needs and not steps[0].match:
            target, extra = steps[0].target, (*one.stateful, *item.comment)
        elif single_step and one.count <= FLAT and all(_fits(steps[0], parts) for parts in _flat(one)):
            target, extra = steps[0].target, (*one.stateful, *steps[0].match, *item.comment)
        elif one.stateful and alternatives == 1:
            target, extra = ("-j", self._ending(steps, protocols, item)), one.stateful
        else:
            target, extra = ("-j", self._ending(steps, protocols, item, one.stateful)), ()
        self._product(body, chain, one, target, extra, item)

    def _product(self, body: Body, chain: str, one: Pieces, target: Words, extra: tuple[Part, ...], item: Item) -> None:
        dims = sorted(one.dims, key=len)
        if one.count <= FLAT or (len(dims) == 1 and not one.single and len(dims[0]) <= TREE):
            for parts in _flat(one):
                body.append(_line(chain, (*parts, *extra), target, item))
            return
        inner: Body = self._list(dims[-1], target, extra, item)
        for dim in reversed(dims[:-1]):
            jump = ("-j", self.helper(item.hint, inner))
            inner = self._list(dim, jump, (), item)
        if not one.single:
            body.extend(RuleLine(chain, r.words, origin=r.origin, note=r.note) for r in inner)
            return
        body.append(_line(chain, one.single, ("-j", self.helper(item.hint, inner)), item))

    def _list(self, dim: tuple[Alternative, ...], target: Words, extra: tuple[Part, ...], item: Item) -> Body:
        """One rule per alternative; many addresses become a tree of ranges, so that a packet meets few of them."""
        if len(dim) <= TREE:
            return [_line("", (*alt, *extra), target, item) for alt in dim]
        size = FAN
        while size * FAN < len(dim):
            size *= FAN
        out: Body = []
        for start in range(0, len(dim), size):
            block = dim[start : start + size]
            cover = _cover(block[0], block[-1])
            if cover is None:
                return [_line("", (*alt, *extra), target, item) for alt in dim]
            rules = self._list(block, target, extra, item)
            out.append(_line("", (cover,), ("-j", self.helper(item.hint, rules)), item))
        return out

    def _once(self, body: Body, chain: str, split: list[Pieces], steps: list[Step], item: Item) -> None:
        """Steps that must be taken once although several alternatives may match: goto never comes back to the list."""
        if any(p.excepts for p in split):
            raise Inexpressible("exclusion", "iptables cannot combine these exclusions in one rule", "split the rule")
        stateful = split[0].stateful
        if any(p.stateful != stateful for p in split):
            raise Inexpressible("limit", "iptables cannot share this limit between alternatives", "split the rule")
        common = [p for p in split[0].single if all(p in other.single for other in split[1:])]
        ending = ("-g", self._ending(steps, None, item, stateful))
        inner: Body = []
        for one in split:
            # The protocol stays: `-m tcp --dport` wants `-p tcp` in its own rule.
            rest = Pieces(tuple(p for p in one.single if p not in common or p[0] == PROTOCOL), one.dims)
            _check_flat(one)
            inner.extend(_line("", parts, ending, item) for parts in _flat(rest))
        body.append(_line(chain, common, ("-j", self.helper(item.hint, inner)), item))

    def _leave(self, body: Body, chain: str, split: list[Pieces], steps: list[Step], item: Item) -> None:
        """RETURN and goto act on the chain they stand in, so they cannot move into helper chains."""
        alternatives = sum(p.count for p in split)
        for one in split:
            if one.excepts:
                raise Inexpressible("exclusion", "iptables cannot leave a chain on these exclusions", "split the rule")
            if one.stateful and alternatives > 1:
                raise Inexpressible("limit", "iptables cannot share this limit between alternatives", "split the rule")
            _check_flat(one)
            if len(steps) == 1:
                target, extra = steps[0].target, (*one.stateful, *steps[0].match, *item.comment)
            elif not one.single and not one.dims and not one.stateful:
                body.extend(_line(chain, (*s.match, *item.comment), s.target, item) for s in self._fit(steps, (), None))
                continue
            else:
                ends = steps[:-1] if steps[-1].target == ("-j", "RETURN") else steps
                target, extra = ("-g", self._ending(ends, None, item)), one.stateful
            body.extend(_line(chain, (*parts, *extra), target, item) for parts in _flat(one))

    def _ending(
        self, steps: list[Step], protocols: IntervalSet | None, item: Item, stateful: tuple[Part, ...] = ()
    ) -> str:
        """A chain with the steps. What counts the packet stands before all of them, so it counts once."""
        if stateful and (len(steps) > 1 or _counts(steps[0])):
            rules = [_line("", stateful, ("-j", self._ending(steps, protocols, item)), item)]
        else:
            fitted = self._fit(steps, (), protocols)
            rules = [_line("", (*stateful, *s.match, *item.comment), s.target, item) for s in fitted]
        return self.helper(item.hint or "refuse", rules)

    def _fit(self, steps: list[Step], parts: Sequence[Part], protocols: IntervalSet | None) -> list[Step]:
        """Steps that need a protocol in their own rule get it, one rule per protocol."""
        out: list[Step] = []
        for step in steps:
            if _fits(step, parts):
                out.append(step)
            elif step.needs in ("syn", "tcp"):
                out.append(Step(step.target, (*(SYN if step.needs == "syn" else TCP_ONLY), *step.match)))
            else:
                numbers = IntervalSet.of(6, 17, 33, 132) & (PORT_PROTOCOLS if protocols is None else protocols)
                for alt in field_protocols(numbers, self.family):
                    out.append(Step(step.target, (*alt, *step.match)))
        return out

    # ----- verdict maps ------------------------------------------------------

    def _verdict_map(
        self,
        body: Body,
        chain: str,
        rule: Rule,
        verdict: VerdictMap,
        split: list[Pieces],
        found: list[Conjunction],
        item: Item,
        context: Context,
    ) -> None:
        """The entries one after the other; where they may leave the chain they stand in it, else in a chain of their own."""
        leaving = any(isinstance(v, Return | Goto) for _, v in verdict.entries) or context.accept == ("-j", "RETURN")
        always = len(found) == 1 and found[0].is_always
        if rule.actions:
            raise Inexpressible("map", "iptables cannot combine a verdict map with actions", "split the rule")
        if leaving or always:
            for fields, entry in verdict.entries:
                parts = [FieldIn(f, v) for f, v in zip(verdict.fields, fields, strict=True)]
                self.rule(body, chain, _with(rule, all_of(rule.match, *parts), entry), context)
            return
        inner: Body = []
        for fields, entry in verdict.entries:
            parts = [FieldIn(f, v) for f, v in zip(verdict.fields, fields, strict=True)]
            protocol = _protocol_match(found, verdict.fields)
            self.rule(inner, "", _with(rule, all_of(*protocol, *parts), entry), context)
        name = self.helper(verdict.name or item.hint, inner)
        jump = [Step(("-j", name))]
        if _apart(found, split, rule):
            for one in split:
                self._spread(body, chain, one, jump, item, None, sum(p.count for p in split))
        else:
            self._once(body, chain, split, jump, item)


# ----- helpers ---------------------------------------------------------------


def _line(chain: str, parts: Sequence[Part], target: Words, item: Item) -> RuleLine:
    return RuleLine(chain, in_order(parts) + target, note=item.note, origin=item.origin)


def _chain_name(name: str) -> str:
    """Chains of imported rulesets keep their names; `-` in names of the language becomes `_`."""
    return (
        clean(name.replace("-", "_")) if any(not (c.isalnum() or c == "_") or not c.isascii() for c in name) else name
    )


def _with(rule: Rule, match: Match, verdict: Verdict) -> Rule:
    return Rule(match, (), verdict, rule.label, rule.comment, rule.role, rule.origin)


def _protocol_match(found: list[Conjunction], fields: tuple[Field, ...]) -> list[FieldIn]:
    """In the chain of a map the protocol must be tested again where a field depends on it."""
    if Field.PROTOCOL in fields:
        return []
    values = [c.fields.get(Field.PROTOCOL) for c in found]
    if not any(f in (Field.SPORT, Field.DPORT) for f in fields) or len(set(map(id, values))) != 1 or values[0] is None:
        return []
    return [FieldIn(Field.PROTOCOL, values[0])]


def field_protocols(numbers: IntervalSet, family: Family) -> tuple[Alternative, ...]:
    """`-p` for each number."""
    return tuple(((PROTOCOL, ("-p", protocol_name(n, family))),) for n in numbers)


def _tuples_out(one: Conjunction, family: Family) -> list[Conjunction]:
    """Concatenations as conjunctions, element by element."""
    if not one.tuples:
        return [one]
    out = [Conjunction(one.fields, one.excluded, one.masked, one.sets, (), one.opaque)]
    for literal in one.tuples:
        assert isinstance(literal.match, TupleIn)
        match: Match = alternatives(literal.match)
        if literal.negated:
            match = negate(match)
        try:
            parts = conjunctions(match, family, 1 << 18)
        except TooManyConjunctions as problem:
            raise Inexpressible("conditions", str(problem), "split the rule") from None
        out = [both for left in out for right in parts if (both := join(left, right)) is not None]
    return out


def _flat(one: Pieces) -> list[tuple[Part, ...]]:
    out: list[tuple[Part, ...]] = [one.single]
    for dim in one.dims:
        out = [(*left, *alt) for left in out for alt in dim]
    return out


def _check_flat(one: Pieces) -> None:
    if one.count > MAX_FLAT:
        raise Inexpressible("conditions", f"the rule becomes more than {MAX_FLAT} iptables rules", "split the rule")


def _fits(step: Step, parts: Sequence[Part]) -> bool:
    """Whether the words the target asks for stand in the rule already."""
    if step.needs == "ports":
        return any(order == PROTOCOL and words[0] == "-p" and words[1] in _WITH_PORTS for order, words in parts)
    if step.needs == "tcp":
        return any(order == PROTOCOL and words == ("-p", "tcp") for order, words in parts)
    if step.needs == "syn":
        return any("--tcp-flags" in words and "SYN" in words[-1] and "!" not in words for _, words in parts)
    return True


_WITH_PORTS = frozenset({"tcp", "udp", "sctp", "33", "dccp"})


def _protocols(found: list[Conjunction]) -> IntervalSet | None:
    """The protocols that can match, or None when some conjunction does not limit them."""
    runs: list[tuple[int, int]] = []
    for one in found:
        values = one.fields.get(Field.PROTOCOL)
        if values is None:
            return None
        assert isinstance(values, IntervalSet)
        runs.extend(values.runs)
    return IntervalSet(runs)


def _dports(found: list[Conjunction]) -> IntervalSet | None:
    values = found[0].fields.get(Field.DPORT)
    same = values is not None and all(c.fields.get(Field.DPORT) == values for c in found)
    return values if same and isinstance(values, IntervalSet) else None


def _counts(step: Step) -> bool:
    return any(word in _COUNTING for _, words in step.match for word in words)


def _apart(found: list[Conjunction], split: list[Pieces], rule: Rule) -> bool:
    """True when a packet can match one alternative only, also after the actions changed it."""
    written = {a.field for a in rule.actions if isinstance(a, SetField)}
    if written and sum(p.count for p in split) > 1 and any(written & c.fields.keys() for c in found):
        return False
    if sum(p.count for p in split) > 1 and any(c.masked for c in found) and written:
        return False
    if len(found) == 1:
        return True
    if len(found) > 32:
        return False
    return all(disjoint(a, b) for i, a in enumerate(found) for b in found[i + 1 :])


def _cover(first: Alternative, last: Alternative) -> Part | None:
    """The range from the first to the last address of a sorted list, or None when it is no list of addresses."""
    if len(first) != 1 or len(last) != 1:
        return None
    low, high = _ends(first[0]), _ends(last[0])
    if low is None or high is None or low[0] != high[0]:
        return None
    option = "--src-range" if low[0] else "--dst-range"
    return (RANGE, ("-m", "iprange", option, f"{low[1]}-{high[2]}"))


def _ends(part: Part) -> tuple[bool, str, str] | None:
    """(is source, first address, last address) of `-s net` or `--src-range a-b`."""
    words = part[1]
    if words[0] in ("-s", "-d"):
        address, _, length = words[1].partition("/")
        parsed = parse_address(address)
        if parsed is None or not length.isdigit():
            return None
        low, high = prefix_run(parsed[1], int(length), parsed[0].bits)
        return words[0] == "-s", format_address(parsed[0], low), format_address(parsed[0], high)
    if words[:2] == ("-m", "iprange") and words[2] in ("--src-range", "--dst-range"):
        first, _, last = words[3].partition("-")
        return words[2] == "--src-range", first, last
    return None


def _in_family(verdict: Verdict, family: Family) -> bool:
    """A translation to an address concerns packets of that family only."""
    match verdict:
        case Snat():
            return verdict.target.family in (None, family)
        case Dnat():
            return any(t.family in (None, family) for t in verdict.targets)
        case Netmap():
            return verdict.family is family
    return True


def _keeps_offset(verdict: Redirect) -> bool:
    ports = verdict.ports
    return verdict.choice is PortChoice.OFFSET and ports is not None and ports[0] != ports[1]


def _split_redirect(rule: Rule, family: Family) -> list[Rule]:
    verdict = rule.verdict
    assert isinstance(verdict, Redirect)
    assert verdict.ports is not None
    dport = _dports(list(conjunctions(rule.match, family)))
    if dport is None or len(dport.runs) != 1 or dport.size() != verdict.ports[1] - verdict.ports[0] + 1:
        raise Inexpressible(
            "port-offset", "the two port ranges must be single ranges of the same size", "split the rule"
        )
    out: list[Rule] = []
    for port, single in split_redirect(verdict, dport.runs[0][0]):
        match = all_of(rule.match, FieldIn(Field.DPORT, IntervalSet.of(port)))
        out.append(Rule(match, rule.actions, single, rule.label, rule.comment, rule.role, rule.origin))
    return out


def _comment(rule: Rule) -> tuple[Part, ...]:
    text = rule.label
    if rule.comment and rule.comment != rule.label:
        text = f"{rule.label}: {rule.comment}" if rule.label else rule.comment
    if not text:
        return ()
    text = "".join(c if c.isprintable() else " " for c in text)
    while len(utf8(text)) > COMMENT_LENGTH:
        text = text[:-1]
    return ((COMMENT, ("-m", "comment", "--comment", text)),)


_INTERFACES = {"-i": Field.IIF, "-o": Field.OIF}


def _check_interfaces(chain: str, verdict: Verdict, found: Sequence[Conjunction]) -> None:
    """Raise `Inexpressible` for interfaces that iptables refuses in rules of builtin chains; in chains of the user's own it asks
    for them in vain."""
    hook = HOOK_OF_CHAIN.get(chain)
    looked_up = verdict.fields if isinstance(verdict, VerdictMap) else ()
    for option, field in _INTERFACES.items():
        if hook is None or hook in INTERFACES[option]:
            continue
        if field in looked_up or any(_asks(one, field) for one in found):
            way = "came in" if field is Field.IIF else "leaves"
            text = f"no packet of {chain} has an interface by which it {way}, and iptables refuses {option} there"
            way_out = "take the condition out, or the rule where it asks for an interface"
            raise Inexpressible("absent-interface", text, way_out)


def _asks(conjunction: Conjunction, field: Field) -> bool:
    """Does it test the interface `field`."""
    tuples = (one.match for one in conjunction.tuples)
    return (
        field in conjunction.fields
        or field in conjunction.excluded
        or any(isinstance(match, TupleIn) and field in match.fields for match in tuples)
    )


def _hint(rule: Rule) -> str:
    """What helper chains of the rule are called after."""
    if rule.label:
        return rule.label
    for action in rule.actions:
        if isinstance(action, Log) and action.prefix:
            return action.prefix
    name = type(rule.verdict).__name__.lower()
    return {"reject": "refuse", "continue": "actions"}.get(name, name)


_QUIET = frozenset({Role.USER, Role.IMPORTED, Role.OPTIMIZER})


def _note(rule: Rule) -> str:
    return "" if rule.role in _QUIET else rule.role.value
