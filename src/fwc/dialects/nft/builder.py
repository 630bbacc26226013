"""One table under construction: its rules, and the sets, objects and chains that they turn out to need."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import combinations

from fwc.diagnostics import Diagnostic, error
from fwc.dialects.nft import tree as t
from fwc.dialects.nft.conditions import (
    Statements,
    binds_family,
    conjunction_statements,
    fits_concatenation,
    key_of,
    only_protocol,
    other,
    time_parts,
    without_protocol,
)
from fwc.dialects.nft.effects import Tails, action_statements, log_statements, verdict_tails
from fwc.dialects.nft.mark_copies import copying_chain, partial
from fwc.dialects.nft.names import Names, Refused, comment_text, duration
from fwc.dialects.nft.rates import METER_SIZE, limit_statement, rate_key, refill_seconds
from fwc.dialects.nft.rewrite import concatenated, titles
from fwc.dialects.nft.sets import ADDRESSES, Pool, members, type_of
from fwc.ir.match import (
    ALWAYS,
    Chance,
    EveryNth,
    Field,
    FieldIn,
    Per,
    TimeWindow,
    TupleIn,
    Values,
    WithinConnections,
    WithinRate,
    all_of,
)
from fwc.ir.model import Chain, NamedSet, Rule, Ruleset, Table
from fwc.ir.verdict import (
    Accept,
    Action,
    AddToSet,
    Continue,
    CopyMark,
    Dnat,
    Drop,
    Goto,
    Jump,
    Log,
    OpaqueVerdict,
    Reject,
    Return,
    Verdict,
    VerdictMap,
)
from fwc.ir.walk import columns_of
from fwc.net.addresses import AddressSet, format_address
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import (
    Conjunction,
    Literal,
    TooManyConjunctions,
    alternatives,
    conjunctions,
    disjoint,
    join,
)
from fwc.space.boxes import answers_anew

_STATES = {0: "invalid", 1: "established", 2: "related", 3: "new", 4: "untracked"}
_MAX_RULES = 64
_ASKED = WithinRate | WithinConnections | EveryNth | Chance
"""What answers anew, or counts, each time it is asked: a packet may meet it once for each rule of the policy."""
_MAX_APART = 28


class Path:
    """One way in which a rule can match: its conditions for one family, or for both where they are the same."""

    __slots__ = ("conjunction", "families", "guard", "statements")

    def __init__(self, conjunction: Conjunction, families: tuple[Family, ...], guard: bool, statements: Statements):
        self.conjunction = conjunction
        self.families = families
        self.guard = guard
        self.statements = statements


class TableBuilder:
    def __init__(self, table: Table, ruleset: Ruleset, out: list[Diagnostic]) -> None:
        self.table = table
        self.out = out
        self.families: tuple[Family, ...] = {"ip": (Family.V4,), "ip6": (Family.V6,)}.get(
            table.family, (Family.V4, Family.V6)
        )
        self._serial = 0  # of the policy's rule that is being lowered: the owner of unnamed buckets
        self._names = Names()  # chains
        self._set_names = Names()
        self._object_names = Names()
        self.table_name = Names().of(table.name)
        for chain in table.chains:
            self._names.of(chain.name)
        self.pool = Pool(self._set_names)
        self._declared: dict[str, NamedSet] = {s.name: s for s in table.sets}
        self._sets: dict[tuple[str, Family | None], t.SetNode] = {}
        self._objects: dict[tuple[str, str], t.ObjectNode] = {}
        self._extra: list[t.ChainNode] = []
        self._shared: dict[object, str] = {}
        self._meters: dict[object, str] = {}
        self._verdicts: dict[object, Tails] = {}
        for each in table.sets:
            for name, family in self._set_parts(each):
                self._set_node(each, name, family)
        self.pool.titles = titles(table)

    # ----- what statements refer to ------------------------------------------

    def chain(self, name: str) -> str:
        return self._names.of(name)

    def _set_parts(self, each: NamedSet) -> list[tuple[str, Family | None]]:
        if any(f in ADDRESSES for f in each.fields):
            return [(f"{each.name}{f.value}" if len(self.families) > 1 else each.name, f) for f in self.families]
        return [(each.name, None)]

    def set_name(self, name: str, fields: tuple[Field, ...], family: Family) -> str:
        declared = self._declared.get(name)
        if declared is None:
            raise Refused(f"the set `{name}`, which the table does not have", code="FW841")
        bound = any(f in ADDRESSES for f in declared.fields)
        return self._sets[(name, family if bound else None)].name

    def _set_node(self, each: NamedSet, wish: str, family: Family | None) -> None:
        at = family or Family.V4
        try:
            kinds = tuple(type_of(f, at) for f in each.fields)
            expr = self.pool.tuples(each.fields, columns_of(each.elements), None, at, "", limit=1 << 30)
        except Refused as refused:
            self._refuse(refused, each.origin.span)
            return
        assert isinstance(expr, t.SetOf)
        ranges = each.kind == "networks" or any("-" in _text(e) or "/" in _text(e) for e in expr.elements)
        flags = ["interval"] if (ranges and any(f in ADDRESSES for f in each.fields)) or _wild(expr) else []
        timeout = each.timeout is not None
        if each.runtime and not ranges and self._written(each.name):
            flags.append("dynamic")
        if each.runtime and (timeout or self._timed(each.name) or expr.elements):
            flags.append("timeout")  # with first members, too: it tells a set that changes from one that does not
        size = each.size if each.size is not None else METER_SIZE if "dynamic" in flags else None
        node = t.SetNode(
            self._set_names.fresh(wish),
            "set",
            kinds,
            flags=tuple(flags),
            timeout=duration(each.timeout) if each.timeout else "",
            size=size,
            properties=("counter",) if each.counters else (),
            elements=expr.elements,
            comment=comment_text(each.comment),
        )
        self._sets[(each.name, family)] = node

    def _written(self, name: str) -> bool:
        return name in self._added

    def _timed(self, name: str) -> bool:
        return self._added.get(name, False)

    @property
    def _added(self) -> dict[str, bool]:
        """Sets that rules write, and whether one of them gives a timeout."""
        cached = self._shared.get("added")
        if isinstance(cached, dict):
            return cached
        found: dict[str, bool] = {}
        for chain in self.table.chains:
            for rule in chain.rules:
                for action in rule.actions:
                    if isinstance(action, AddToSet):
                        found[action.set] = found.get(action.set, False) or action.timeout is not None
        self._shared["added"] = found  # type: ignore[assignment]
        return found

    def counter(self, name: str) -> str:
        given = self._object_names.of(name)
        self._objects.setdefault(("counter", given), t.ObjectNode("counter", given))
        return given

    def helper(self, name: str, protocol: str) -> str:
        given = self._object_names.of(f"{name}_{protocol}")
        node = t.ObjectNode("ct helper", given, (f'type "{name}" protocol {protocol};',))
        self._objects.setdefault(("ct helper", given), node)
        return given

    def mark_copy(self, action: CopyMark) -> str:
        name = self._shared.get(action)
        if name is None:
            name = self._shared[action] = self._names.fresh(f"{action.direction}_mark_{action.mask:#x}")
            self._extra.append(copying_chain(name, action))
        return name

    def port_map(self, rows: tuple[t.Element, ...]) -> t.Expr:
        if len(rows) <= 32:
            return t.SetOf(rows)
        name = self._shared.get(("ports", rows))
        if name is None:
            name = self._shared[("ports", rows)] = self._set_names.fresh("ports")
            self.pool.made.append(t.SetNode(name, "map", ("inet_service",), data="inet_service", elements=rows))
        return t.Ref(name)

    def objects(self) -> Iterable[t.ObjectNode]:
        return self._objects.values()

    def sets(self) -> Iterable[t.SetNode]:
        yield from self._sets.values()
        yield from self.pool.made

    def extra_chains(self) -> Iterable[t.ChainNode]:
        return self._extra

    def _refuse(self, refused: Refused, span: object) -> None:
        code = refused.code
        message = f"nftables cannot express {refused.feature}" if code == "FW031" else refused.feature
        self.out.append(error(code, message, span, help=refused.help))  # type: ignore[arg-type]

    # ----- rules -------------------------------------------------------------

    def chain_body(self, chain: Chain) -> list[t.RuleNode | t.Remark]:
        body: list[t.RuleNode | t.Remark] = []
        rules = chain.rules
        index = 0
        while index < len(rules):
            merged, length = _state_map(rules, index)
            if merged is not None:
                body.append(merged)
                index += length
                continue
            rule = rules[index]
            index += 1
            self._serial += 1
            try:
                body.extend(self._rule(rule))
            except Refused as refused:
                self._refuse(refused, rule.origin.span)
            except TooManyConjunctions:
                self.out.append(
                    error(
                        "FW031",
                        "the conditions of this rule expand to too many nftables rules",
                        rule.origin.span,
                        help="split the rule, or name the alternatives in a group or service",
                    )
                )
        return body

    def _rule(self, rule: Rule) -> list[t.RuleNode]:
        paths = self._paths(rule)
        if not paths:
            return []  # matches no packet of the families of this table
        if any(isinstance(a, Log) and a.rate is not None for a in rule.actions) and answers_anew(rule.match):
            return self._through_one_answer(paths, rule)
        out: list[t.RuleNode] = []
        actions = list(rule.actions)
        while actions and isinstance(actions[0], Log) and actions[0].rate is not None:
            log = actions.pop(0)
            assert isinstance(log, Log) and log.rate is not None
            out.extend(self._emit(paths, [[log_statements(log)]] * 2, rule, False, True, True, log.rate.name))
        for at, action in enumerate(actions):
            if isinstance(action, Log) and action.rate is not None:
                raise Refused(f"a rate-limited log after {at} other actions", "write `log` first")
        tails = [self._tails(rule, actions, paths, family) for family in Family]
        if isinstance(rule.verdict, VerdictMap):
            return out + self._verdict_map(rule, paths)
        if not actions and isinstance(rule.verdict, Continue):
            return out
        ends = isinstance(rule.verdict, Accept | Drop | Reject | Return | Goto) or not isinstance(
            rule.verdict, Continue | Jump | OpaqueVerdict
        )
        careful = bool(actions) or isinstance(rule.verdict, Jump | OpaqueVerdict)
        out.extend(self._emit(paths, tails, rule, ends, careful and not ends, False))
        return out

    def _tails(self, rule: Rule, actions: Sequence[Action], paths: list[Path], family: Family) -> Tails:
        fitting = [p for p in paths if family in p.families]
        if not fitting or isinstance(rule.verdict, VerdictMap):
            return []
        fields = fitting[0].conjunction.fields
        protocols = _common_protocols(fitting)
        head: Statements = []
        if any(partial(a) for a in (actions[:-1] if isinstance(rule.verdict, Continue) else actions)):
            raise Refused("copying a part of a mark before something else in one rule", "write it as a rule of its own")
        for action in actions:
            head.extend(action_statements(self, action, family, protocols))
        tails = verdict_tails(self, rule.verdict, family, fields, protocols)
        if not head:
            return tails
        if len(tails) == 1:
            return [head + tails[0]]
        return [head, *tails]

    def _paths(self, rule: Rule) -> list[Path]:
        match = concatenated(rule.match)
        by_family = {f: self._expand(conjunctions(match, f), f) for f in self.families}
        paths: list[Path] = []
        if len(self.families) == 1:
            family = self.families[0]
            return [Path(c, (family,), False, self._conditions(c, family)) for c in by_family[family]]
        six = list(by_family[Family.V6])
        for conjunction in by_family[Family.V4]:
            bound = binds_family(conjunction)
            statements = self._conditions(conjunction, Family.V4)
            if not bound and conjunction in six:
                six.remove(conjunction)
                paths.append(Path(conjunction, (Family.V4, Family.V6), False, statements))
            else:
                paths.append(Path(conjunction, (Family.V4,), not bound, statements))
        for conjunction in six:
            statements = self._conditions(conjunction, Family.V6)
            paths.append(Path(conjunction, (Family.V6,), not binds_family(conjunction), statements))
        if len(paths) > _MAX_RULES:
            raise TooManyConjunctions("")
        return paths

    def _expand(self, found: tuple[Conjunction, ...], family: Family) -> list[Conjunction]:
        """Tuples that cannot be one lookup become alternatives; windows of several dimensions become several conditions."""
        out: list[Conjunction] = []
        for conjunction in found:
            wide = next((c for c in conjunction.tuples if not fits_concatenation(c.match, family)), None)  # type: ignore[arg-type]
            if wide is None:
                out.append(conjunction)
                continue
            if wide.negated:
                raise Refused("the negation of a tuple of conditions")
            assert isinstance(wide.match, TupleIn)
            rest = Conjunction(
                conjunction.fields,
                conjunction.excluded,
                conjunction.masked,
                conjunction.sets,
                tuple(c for c in conjunction.tuples if c is not wide),
                conjunction.opaque,
            )
            for one in conjunctions(alternatives(wide.match), family):
                both = join(rest, one)
                if both is not None:
                    out.extend(self._expand((both,), family))
        return out

    def _conditions(self, conjunction: Conjunction, family: Family) -> Statements:
        plain: list[Literal] = []
        for literal in conjunction.opaque:
            if isinstance(literal.match, _ASKED):
                continue
            if isinstance(literal.match, TimeWindow):
                parts = time_parts(literal.match)
                if literal.negated and len(parts) > 1:
                    raise Refused("`not` before a time of several parts")
                plain.extend(Literal(p, literal.negated) for p in parts)
            else:
                plain.append(literal)
        if len(plain) == len(conjunction.opaque):
            return conjunction_statements(self, conjunction, family)
        reduced = Conjunction(
            conjunction.fields,
            conjunction.excluded,
            conjunction.masked,
            conjunction.sets,
            conjunction.tuples,
            tuple(plain),
        )
        return conjunction_statements(self, reduced, family)

    def _stateful(self, conjunction: Conjunction, family: Family, rule: Rule, shared: bool) -> Statements:
        out: Statements = []
        for literal in conjunction.opaque:
            state = literal.match
            if isinstance(state, Chance):
                out.append(other(self, literal, family))
                continue
            if isinstance(state, EveryNth):
                if shared:
                    raise Refused("one packet in so many, with conditions that need several rules", "split the rule")
                out.append(other(self, literal, family))
                continue
            if not isinstance(state, WithinRate | WithinConnections):
                continue
            over = state.over is not literal.negated
            if isinstance(state, WithinRate):
                limit = limit_statement(state)
                limit = t.Limit(over, limit.amount, limit.bytes, limit.unit, limit.burst, limit.burst_unit)
                if state.per is Per.ALL:
                    out.append(self._limit_object(limit, rule, state) if shared or state.name else limit)
                else:
                    name = self._meter(state, family, rule, duration(refill_seconds(state)))
                    out.append(t.Update("update", name, rate_key(state, family), statements=(limit,)))
            else:
                count = t.ConnLimit(over, state.count)
                if state.per is Per.ALL:
                    if shared:
                        raise Refused("`max connections` together with conditions that need several rules")
                    out.append(count)
                else:
                    name = self._meter(state, family, rule, "")
                    out.append(t.Update("add", name, rate_key(state, family), statements=(count,)))
        return out

    def _limit_object(self, limit: t.Limit, rule: Rule, state: WithinRate) -> t.Statement:
        """One bucket for the several rules that one rule of the policy became."""
        key = ("limit", state.name or self._serial, state)  # a named bucket is one bucket wherever it is used
        name = self._shared.get(key)
        if name is None:
            name = self._shared[key] = self._object_names.fresh(state.name or rule.label or "rate")
            burst = f" burst {limit.burst} {limit.burst_unit}" if limit.burst is not None else ""
            amount = f"{limit.amount}{' ' + limit.bytes if limit.bytes else ''}/{limit.unit}"
            line = f"rate {'over ' if limit.over else ''}{amount}{burst}"
            self._objects[("limit", name)] = t.ObjectNode("limit", name, (line,))
        return t.Foreign(f'limit name "{name}"', "limit")

    def _meter(self, state: WithinRate | WithinConnections, family: Family, rule: Rule, timeout: str) -> str:
        # a named bucket is one bucket wherever it is used; an unnamed one belongs to its rule
        key = ("meter", state.name or self._serial, state, family)
        name = self._meters.get(key)
        if name is None:
            kind = "rate" if isinstance(state, WithinRate) else "connections"
            suffix = str(family.value) if len(self.families) > 1 else ""
            name = self._meters[key] = self._set_names.fresh((state.name or rule.label or kind) + suffix)
            field = Field.SADDR if state.per is Per.SOURCE else Field.DADDR
            flags = ("dynamic", "timeout") if timeout else ("dynamic",)
            self.pool.made.append(
                t.SetNode(name, "set", (type_of(field, family),), flags=flags, timeout=timeout, size=METER_SIZE)
            )
        return name

    def _emit(
        self,
        paths: list[Path],
        tails: list[Tails],
        rule: Rule,
        ends: bool,
        careful: bool,
        is_log: bool,
        named: str = "",
    ) -> list[t.RuleNode]:
        """Every path with every ending. With `careful` a packet must not take two paths. A log's bucket may be `named`."""
        comment = "" if is_log else comment_text(rule.label or rule.comment)
        stateful = not is_log and any(isinstance(c.match, _ASKED) for p in paths for c in p.conjunction.opaque)
        if len(paths) > 1 and (careful or stateful) and not _apart(paths):
            return self._through_chain(paths, tails, rule, is_log, named)
        shared = len(paths) > 1 or any(
            len(p.families) > 1 and (tails[0] != tails[1] or self._family_state(p)) for p in paths
        )
        out: list[t.RuleNode] = []
        for path in paths:
            for families, guard in self._split(path, tails):
                family = families[0]
                head = list(path.statements)
                if guard:
                    head.insert(0, _family_guard(family))
                if not is_log:
                    head += self._stateful(path.conjunction, family, rule, shared)
                elif shared or named:
                    tail = tails[0][0]
                    limit = tail[0]
                    assert isinstance(limit, t.Limit)
                    state = WithinRate(limit.amount, 0, limit.burst or 0, name=named or f"log_{self._serial}")
                    out.append(t.RuleNode((*head, self._limit_object(limit, rule, state), *tail[1:]), comment))
                    continue
                endings = tails[0 if family is Family.V4 else 1]
                out.extend(self._ended(head, endings, comment, stateful, rule))
        return out

    def _ended(self, head: Statements, endings: Tails, comment: str, stateful: bool, rule: Rule) -> list[t.RuleNode]:
        if len(endings) == 1:
            return [t.RuleNode((*head, *endings[0]), comment, origin=rule.origin)]
        if not head:
            return [t.RuleNode(tuple(e), comment, origin=rule.origin) for e in endings]
        # several endings that together always end: one lookup of the conditions, then a chain
        return [t.RuleNode((*head, t.Final("goto", self._ending_chain(endings))), comment, origin=rule.origin)]

    def _ending_chain(self, endings: Tails) -> str:
        key = ("ending", tuple(tuple(e) for e in endings))
        name = self._shared.get(key)
        if name is None:
            name = self._shared[key] = self._names.fresh("refuse")
            self._extra.append(t.ChainNode(name, tuple(t.RuleNode(tuple(e)) for e in endings)))
        return name

    def _family_state(self, path: Path) -> bool:
        return any(
            isinstance(c.match, WithinRate | WithinConnections) and c.match.per is not Per.ALL
            for c in path.conjunction.opaque
        )

    def _split(self, path: Path, tails: list[Tails]) -> list[tuple[tuple[Family, ...], bool]]:
        if len(path.families) == 1:
            return [(path.families, path.guard)]
        if tails[0] == tails[1] and not self._family_state(path):
            return [(path.families, False)]
        meters = self._family_state(path)
        return [((f,), not meters and not _says_family(tails[0 if f is Family.V4 else 1])) for f in path.families]

    def _through_chain(
        self, paths: list[Path], tails: list[Tails], rule: Rule, is_log: bool, named: str = ""
    ) -> list[t.RuleNode]:
        """Overlapping paths go to one ending through a chain, so that a packet meets it once."""
        if isinstance(rule.verdict, Return | Goto) and not is_log:
            raise Refused("`return` or `goto` with a rate, on conditions that overlap", "split the rule")
        name = self._names.fresh(rule.label or ("log" if is_log else "match"))
        done = self._names.fresh(name + "_do")
        one = Path(paths[0].conjunction, self.families, False, [])
        opaque = tuple(c for c in paths[0].conjunction.opaque if isinstance(c.match, _ASKED))
        one.conjunction = Conjunction({}, {}, opaque=opaque)
        inner = self._emit([one], tails, rule, True, False, is_log, named)
        outer = []
        for path in paths:
            head = [_family_guard(path.families[0]), *path.statements] if path.guard else path.statements
            outer.append(t.RuleNode((*head, t.Final("goto", done))))
        self._extra.append(t.ChainNode(name, tuple(outer)))
        self._extra.append(t.ChainNode(done, tuple(inner)))
        return [t.RuleNode((t.Final("jump", name),), origin=rule.origin)]

    def _through_one_answer(self, paths: list[Path], rule: Rule) -> list[t.RuleNode]:
        """A log line with a rate is a rule of its own, so what answers anew each time is asked before it, once, by a jump."""
        if isinstance(rule.verdict, VerdictMap):
            raise Refused("a dispatch with a rate and a rate-limited log", "split the rule")
        name = self._names.fresh(rule.label or "log")
        inner = self._rule(dataclasses.replace(rule, match=ALWAYS))
        self._extra.append(t.ChainNode(name, tuple(inner)))
        ends = not isinstance(rule.verdict, Continue | Jump | OpaqueVerdict)
        tails: list[Tails] = [[[t.Final("goto" if ends else "jump", name)]]] * 2
        return self._emit(paths, tails, rule, ends, not ends, False)

    # ----- verdict maps ------------------------------------------------------

    def _verdict_map(self, rule: Rule, paths: list[Path]) -> list[t.RuleNode]:
        verdict = rule.verdict
        assert isinstance(verdict, VerdictMap)
        if len(paths) > 1 and not _apart(paths):
            raise Refused("a dispatch on conditions that overlap")
        out: list[t.RuleNode] = []
        comment = comment_text(rule.label or rule.comment)
        for path in paths:
            bound = any(f in ADDRESSES for f in verdict.fields)
            families = [(f,) for f in path.families] if bound else [path.families]
            for each in families:
                family = each[0]
                head: Statements = list(path.statements)
                if path.guard and not bound:
                    head.insert(0, _family_guard(family))
                head += self._stateful(path.conjunction, family, rule, len(paths) > 1 or bound)
                for action in rule.actions:
                    head.extend(action_statements(self, action, family, None))
                out.extend(self._map_rules(verdict, family, head, comment, rule))
        return out

    def _map_rules(
        self, verdict: VerdictMap, family: Family, head: Statements, comment: str, rule: Rule
    ) -> list[t.RuleNode]:
        probe = TupleIn(verdict.fields, tuple(values for values, _ in verdict.entries))
        state = verdict.fields == (Field.CT_STATE,)
        simple = len(verdict.fields) == 1 and not any(
            f in (Field.CT_STATE, Field.ICMP, Field.ICMPV6, Field.TCP_FLAGS) for f in verdict.fields
        )
        if not state and not (simple and _mappable(verdict)) and not fits_concatenation(probe, family):
            if rule.actions:
                raise Refused("a dispatch with actions on interface wildcards")
            out = []
            for values, each in verdict.entries:
                parts = tuple(FieldIn(f, v) for f, v in zip(verdict.fields, values, strict=True))
                out.extend(self._rule(Rule(all_of(rule.match, *parts), (), each, rule.label, rule.comment)))
            return out
        if any(isinstance(each, Dnat) for _, each in verdict.entries):
            node = self._translation(verdict, family)
            return [] if node is None else [t.RuleNode((*head, node), comment, origin=rule.origin)]
        words: dict[Verdict, t.VerdictWord] = {}
        rows = []
        for values, each in verdict.entries:
            word = words.get(each)
            if word is None:
                word = words[each] = _verdict_word(self, each)
            rows.append((values, word))
        if state:
            states = [
                t.Element(t.Word(_STATES[v]), data)
                for values, data in rows
                for v in values[0]  # type: ignore[union-attr]
            ]
            source: t.Expr = t.SetOf(tuple(states))
            key: t.Expr = t.Selector("ct state")
        else:
            fields, columns = verdict.fields, columns_of(probe.elements)
            protocol = only_protocol(fields, columns)
            if protocol:
                fields, columns = without_protocol(fields, columns)
            source = self.pool.tuples(fields, columns, [word for _, word in rows], family, verdict.name)
            key = key_of(fields, family, protocol)
        if isinstance(source, t.SetOf) and not source.elements:
            return []
        return [t.RuleNode((*head, t.Vmap(key, source)), comment, origin=rule.origin)]

    def _translation(self, verdict: VerdictMap, family: Family) -> t.Statement | None:
        """A map of destinations: what it does not hold goes on to the next rule (nft_lookup.c). None without entries of the
        family."""
        protocol = only_protocol(verdict.fields, columns_of([values for values, _ in verdict.entries]))
        keys: list[tuple[Values, ...]] = []
        targets: list[t.Expr] = []
        ports = False
        for values, each in verdict.entries:
            if any(isinstance(value, AddressSet) and not value.family(family) for value in values):
                continue
            if not protocol or not isinstance(each, Dnat) or each.targets[0].family is not family:
                raise Refused("a map of translations of different kinds")
            target = each.targets[0]
            address = t.Word(format_address(family, target.low))
            ports = target.ports is not None
            data = t.Concat((address, t.Word(str(target.ports[0])))) if target.ports is not None else address
            keys.append(values)
            targets.append(data)
        if not keys:
            return None
        fields, columns = without_protocol(verdict.fields, columns_of(keys))
        kind = type_of(Field.DADDR, family) + (" . inet_service" if ports else "")
        source = self.pool.tuples(fields, columns, targets, family, verdict.name, kind=kind)
        word = "ip" if family is Family.V4 else "ip6"
        return t.Nat("dnat", word, address=t.Mapped(key_of(fields, family, protocol), source), pair=ports)


# ----- helpers ---------------------------------------------------------------


def _verdict_word(builder: TableBuilder, verdict: object) -> t.VerdictWord:
    match verdict:
        case Accept():
            return t.VerdictWord("accept")
        case Drop():
            return t.VerdictWord("drop")
        case Return():
            return t.VerdictWord("return")
        case Continue():
            return t.VerdictWord("continue")
        case Jump():
            return t.VerdictWord("jump", builder.chain(verdict.chain))
        case Goto():
            return t.VerdictWord("goto", builder.chain(verdict.chain))
        case Reject():
            tails = verdict_tails(builder, verdict, Family.V4, {}, None)
            if tails != verdict_tails(builder, verdict, Family.V6, {}, None):
                raise Refused("a reject of that kind inside a dispatch")
            return t.VerdictWord("goto", builder._ending_chain(tails))
        case _:
            raise Refused("a translation inside a dispatch")


def _mappable(verdict: VerdictMap) -> bool:
    """A map on one field; interface wildcards are legal there, negated interfaces and unknown types are not."""
    field = verdict.fields[0]
    if field in (Field.SPORT, Field.DPORT):
        return False
    try:
        type_of(field, Family.V4)
        for values, _ in verdict.entries:
            members(field, values[0], Family.V4)
    except Refused:
        return False
    return True


def _state_map(rules: tuple[Rule, ...], index: int) -> tuple[t.RuleNode | None, int]:
    """Adjacent rules on nothing but the connection state, as one lookup."""
    rows: list[t.Element] = []
    seen: set[int] = set()
    at = index
    while at < len(rules):
        rule = rules[at]
        match = rule.match
        if (
            not isinstance(match, FieldIn)
            or match.field is not Field.CT_STATE
            or rule.actions
            or rule.label
            or not isinstance(rule.verdict, Accept | Drop)
        ):
            break
        assert isinstance(match.values, IntervalSet)
        word = "accept" if isinstance(rule.verdict, Accept) else "drop"
        for state in (1, 2, 3, 0, 4):
            if state in match.values and state not in seen:
                seen.add(state)
                rows.append(t.Element(t.Word(_STATES[state]), t.VerdictWord(word)))
        at += 1
    if at - index < 2:
        return None, 0
    vmap = t.Vmap(t.Selector("ct state"), t.SetOf(tuple(rows)))
    return t.RuleNode((vmap,), origin=rules[index].origin), at - index


def _apart(paths: list[Path]) -> bool:
    if len(paths) > _MAX_APART:
        return False
    for one, two in combinations(paths, 2):
        if set(one.families) & set(two.families) and not disjoint(one.conjunction, two.conjunction):
            return False
    return True


def _family_guard(family: Family) -> t.Statement:
    return t.Compare(t.Selector("meta nfproto"), "", t.Word("ipv4" if family is Family.V4 else "ipv6"))


def _says_family(tails: Tails) -> bool:
    """`reject with icmp` and `icmpv6` bring their family into the rule by themselves; nothing else does reliably."""
    return False


def _common_protocols(paths: list[Path]) -> IntervalSet | None:
    """The protocols that the paths allow, None when one of them allows any."""
    out = IntervalSet()
    for path in paths:
        values = path.conjunction.values(Field.PROTOCOL)
        if values is None:
            for literal in path.conjunction.tuples:
                match = literal.match
                if isinstance(match, TupleIn) and Field.PROTOCOL in match.fields and not literal.negated:
                    at = match.fields.index(Field.PROTOCOL)
                    values = IntervalSet(r for e in match.elements for r in e[at].runs)  # type: ignore[union-attr]
        if values is None:
            return None
        assert isinstance(values, IntervalSet)
        out = out | values
    return out


def _text(element: t.Element) -> str:
    key = element.key
    return (
        " ".join(p.text for p in key.parts if isinstance(p, t.Word))
        if isinstance(key, t.Concat)
        else (key.text if isinstance(key, t.Word) else "")
    )


def _wild(expr: t.SetOf) -> bool:
    return any(isinstance(e.key, t.Quoted) and e.key.text.endswith("*") for e in expr.elements)
