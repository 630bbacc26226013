"""Tree to IR: commands are carried out in order, then every table is lifted."""

from __future__ import annotations

import dataclasses

from fwc.diagnostics import Diagnostic, error, warning
from fwc.dialects.nft import tree as t
from fwc.dialects.nft.lift_match import Conditions
from fwc.dialects.nft.lift_rule import Rules, duration
from fwc.dialects.nft.lift_values import Literals, Unknown, Wrong
from fwc.dialects.nft.mark_copies import folded
from fwc.dialects.nft.printer import rule_text
from fwc.dialects.nft.rule_checks import check_rule
from fwc.dialects.nft.variables import Size, trouble
from fwc.ir.match import ALWAYS, Field, Opaque, Values
from fwc.ir.model import Base, Chain, NamedSet, NativeText, Role, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, DROP, OpaqueVerdict
from fwc.ir.walk import target_chains
from fwc.net.hooks import ChainType, Hook
from fwc.source import NO_ORIGIN, Origin, Span

_TYPE_FIELDS = {
    "ipv4_addr": Field.SADDR, "ipv6_addr": Field.SADDR, "inet_service": Field.DPORT, "inet_proto": Field.PROTOCOL,
    "ifname": Field.IIF, "mark": Field.MARK, "ether_addr": Field.SMAC,
}  # fmt: skip
_KINDS = {Field.SADDR: "addresses", Field.DPORT: "ports", Field.IIF: "ifaces", Field.SMAC: "macs"}


class _Chain:
    __slots__ = ("node", "rules")

    def __init__(self, node: t.ChainNode) -> None:
        self.node = node
        self.rules: list[t.RuleNode] = list(node.rules)


class _Table:
    def __init__(self, family: str, name: str, start: int, end: int) -> None:
        self.family = family
        self.name = name
        self.start = start
        self.end = end
        self.chains: dict[str, _Chain] = {}
        self.sets: dict[str, t.SetNode] = {}
        self.objects: dict[tuple[str, str], t.ObjectNode] = {}


def lift(tree: t.Tree) -> tuple[Ruleset, list[Diagnostic]]:
    """The ruleset that the file leaves behind when it is loaded into an empty kernel."""
    state = _State(tree)
    for define in tree.inner_defines:  # of a block of its own, where it hides one of the same name
        state.define(dataclasses.replace(define, verb="redefine") if define.value is not None else define)
    for item in tree.items:
        state.item(item)
    tables = tuple(_lift_table(state, table) for table in state.tables.values())
    return Ruleset(tables, natives=tuple(state.natives), source="nft"), state.out


class _State:
    def __init__(self, tree: t.Tree) -> None:
        self.tree = tree
        self.out: list[Diagnostic] = []
        self.tables: dict[tuple[str, str], _Table] = {}
        self.variables: dict[str, t.Expr] = {}
        self._sizes: dict[str, Size] = {}
        self.natives: list[NativeText] = []

    def span(self, start: int, end: int) -> Span | None:
        return self.tree.span(start, end)

    def report(self, code: str, message: str, start: int, end: int, help: str = "") -> None:
        self.out.append(error(code, message, self.span(start, end), help=help))

    def doubt(self, doubtful: dict[t.Statement, list[tuple[str, str]]], node: t.RuleNode) -> None:
        for statement in node.statements:
            for message, help in doubtful.get(statement, ()):
                span = self.span(node.start, node.end)
                self.out.append(warning("FW002", message, span, help=help, name="unsupported-construct"))

    def define(self, node: t.Define) -> None:
        if node.name in self.variables and (node.verb != "define" or node.value is None):
            self._sizes.clear()
        if node.value is None:
            self.variables.pop(node.name, None)
        elif node.verb == "define" and node.name in self.variables:
            self.report("FW028", f"`{node.name}` is defined twice", node.start, node.end, "use `redefine`")
        else:
            old = self.variables.get(node.name)
            self.variables[node.name] = node.value
            wrong = trouble(node.name, self.variables, self._sizes)
            if wrong:
                del self.variables[node.name]
                if old is not None:
                    self.variables[node.name] = old
                self.report("FW028", wrong, node.start, node.end, "write its values out")

    def variable(self, name: str) -> t.Expr:
        known = self.variables.get(name)
        if known is None:
            raise Wrong("FW028", f"the variable `${name}` is not defined")
        return known

    def table(self, family: str, name: str, start: int, end: int) -> _Table:
        key = (family or "ip", name)
        known = self.tables.get(key)
        if known is None:
            known = self.tables[key] = _Table(family or "ip", name, start, end)
        return known

    def item(self, item: t.Item) -> None:
        if isinstance(item, t.TableNode):
            self.block(item)
        elif isinstance(item, t.Define):
            self.define(item)
        elif isinstance(item, t.Include):
            origin = self.origin(item.start, item.end)
            self.natives.append(NativeText("nft", "include", item.path, origin))
        elif isinstance(item, t.Command):
            self.command(item)

    def origin(self, start: int, end: int) -> Origin:
        span = self.span(start, end)
        return Origin((span,)) if span is not None else NO_ORIGIN

    def block(self, node: t.TableNode) -> None:
        table = self.table(node.family, node.name, node.start, node.end)
        for item in node.items:
            if isinstance(item, t.ChainNode):
                self.chain(table, item)
            elif isinstance(item, t.SetNode):
                self.set(table, item)
            elif isinstance(item, t.ObjectNode):
                table.objects[(item.kind, item.name)] = item

    def chain(self, table: _Table, node: t.ChainNode) -> None:
        known = table.chains.get(node.name)
        if known is None:
            table.chains[node.name] = _Chain(node)
            return
        known.rules.extend(node.rules)
        if node.base is not None:
            known.node = node
        elif node.policy:
            known.node = dataclasses.replace(known.node, policy=node.policy)

    def set(self, table: _Table, node: t.SetNode) -> None:
        known = table.sets.get(node.name)
        if known is not None:
            node = dataclasses.replace(known, elements=known.elements + node.elements)
        table.sets[node.name] = node

    def command(self, node: t.Command) -> None:
        if node.object == "ruleset":
            if node.verb == "flush":
                self.tables.clear()
            return
        key = (node.family or "ip", node.table)
        if node.object == "table":
            self._table_command(node, key)
            return
        table = self.tables.get(key)
        if table is None:
            if node.verb in ("delete", "destroy", "flush", "list", "reset"):
                return
            table = self.table(node.family, node.table, node.start, node.end)
        if node.object == "rule":
            self._rule_command(node, table)
        elif node.object == "chain":
            self._chain_command(node, table)
        elif node.object in ("set", "map", "meter", "element"):
            self._set_command(node, table)
        elif isinstance(node.payload, t.ObjectNode):
            table.objects[(node.object, node.name)] = node.payload

    def _table_command(self, node: t.Command, key: tuple[str, str]) -> None:
        if node.verb in ("delete", "destroy"):
            self.tables.pop(key, None)
        elif node.verb == "flush":
            if key in self.tables:
                for chain in self.tables[key].chains.values():
                    chain.rules.clear()
        elif isinstance(node.payload, t.TableNode):
            self.block(node.payload)
        elif node.verb in ("add", "create"):
            self.table(node.family, node.table, node.start, node.end)

    def _rule_command(self, node: t.Command, table: _Table) -> None:
        chain = table.chains.get(node.name)
        if not isinstance(node.payload, t.RuleNode):
            return
        if chain is None:
            chain = table.chains[node.name] = _Chain(t.ChainNode(node.name, start=node.start, end=node.end))
        if node.verb == "insert":
            at = int(node.position.split()[1]) if node.position.startswith("index") else 0
            chain.rules.insert(at, node.payload)
        elif node.position.startswith("index"):
            chain.rules.insert(int(node.position.split()[1]) + 1, node.payload)
        else:
            chain.rules.append(node.payload)

    def _chain_command(self, node: t.Command, table: _Table) -> None:
        if node.verb in ("add", "create"):
            payload = node.payload
            if not isinstance(payload, t.ChainNode):
                payload = t.ChainNode(node.name, start=node.start, end=node.end)
            self.chain(table, payload)
        elif node.verb in ("delete", "destroy"):
            table.chains.pop(node.name, None)
        elif node.verb == "flush" and node.name in table.chains:
            table.chains[node.name].rules.clear()

    def _set_command(self, node: t.Command, table: _Table) -> None:
        payload = node.payload
        if node.verb in ("add", "create") and isinstance(payload, t.SetNode):
            if node.object == "element" and node.name not in table.sets:
                return
            self.set(table, payload)
        elif node.verb in ("delete", "destroy") and node.object != "element":
            table.sets.pop(node.name, None)
        elif node.verb == "flush" and node.name in table.sets:
            table.sets[node.name] = dataclasses.replace(table.sets[node.name], elements=())


# ----- tables ----------------------------------------------------------------


def _name_blocks(table: _Table) -> None:
    """Rules in braces behind jump or goto become a chain with a name, as the kernel does it with one that it does not show."""
    waiting = list(table.chains.values())
    while waiting:
        chain = waiting.pop()
        for at, rule in enumerate(chain.rules):
            last = rule.statements[-1] if rule.statements else None
            if not isinstance(last, t.Final) or not last.rules:
                continue
            number = 1
            while (name := f"{chain.node.name}_block{number}") in table.chains:
                number += 1
            block = table.chains[name] = _Chain(t.ChainNode(name, last.rules, start=rule.start, end=rule.end))
            waiting.append(block)
            chain.rules[at] = dataclasses.replace(rule, statements=(*rule.statements[:-1], t.Final(last.word, name)))


def _lift_table(state: _State, table: _Table) -> Table:
    _name_blocks(table)
    written = _written(table)
    runtime: dict[str, str] = {}
    for name, node in table.sets.items():
        if _is_runtime(node, written):
            runtime[name] = _common_name(table, name, node, written)

    def content(name: str) -> tuple[t.Element, ...] | None:
        found = table.sets.get(name)
        if found is None or name in runtime:
            return None
        return found.elements

    conditions = Conditions(Literals(state.variable, content), runtime)
    names = {name: _common_name(table, name, node, written) for name, node in table.sets.items()}
    rules = Rules(conditions, names, table.objects)
    chains = tuple(_lift_chain(state, table, chain, rules) for chain in table.chains.values())
    known = set(table.chains)
    for chain in chains:
        for rule in chain.rules:
            for target in target_chains(rule.verdict):
                if target not in known:
                    span = rule.origin.span
                    state.out.append(
                        error("FW015", f"the chain `{target}` does not exist", span, help="define it in this table")
                    )
    sets = _lift_sets(table, runtime, conditions.literals)
    return Table(table.name, table.family, folded(chains), sets, origin=state.origin(table.start, table.end))


def _written(table: _Table) -> set[str]:
    """Sets that rules of the table change."""
    return {
        s.set
        for chain in table.chains.values()
        for rule in chain.rules
        for s in rule.statements
        if isinstance(s, t.Update)
    }


def _meters(table: _Table) -> set[str]:
    """Sets that only hold the buckets of a rate or connection limit: in the IR they belong to that condition."""
    held: set[str] = set()
    used: set[str] = set()
    for chain in table.chains.values():
        for rule in chain.rules:
            for each in rule.statements:
                if isinstance(each, t.Update):
                    limits = any(isinstance(s, t.Limit | t.ConnLimit) for s in each.statements)
                    (held if limits else used).add(each.set)
                elif isinstance(each, t.Compare) and isinstance(each.right, t.Ref):
                    used.add(each.right.name)
    return held - used


def _is_runtime(node: t.SetNode, written: set[str]) -> bool:
    dynamic = "dynamic" in node.flags or "timeout" in node.flags or bool(node.timeout) or node.name in written
    return dynamic or not node.elements


def _common_name(table: _Table, name: str, node: t.SetNode, written: set[str]) -> str:
    """`banned` for the pair `banned4` and `banned6` of the two families; else the name itself."""
    other = {"4": "6", "6": "4"}.get(name[-1:])
    if other is None or len(name) < 2:
        return name
    twin = table.sets.get(name[:-1] + other)
    types = {"4": "ipv4_addr", "6": "ipv6_addr"}
    if twin is None or types[name[-1]] not in node.key or types[other] not in twin.key:
        return name
    return name[:-1] if name[:-1] not in table.sets else name


def _lift_sets(table: _Table, runtime: dict[str, str], literals: Literals) -> tuple[NamedSet, ...]:
    out: dict[str, NamedSet] = {}
    meters = _meters(table)
    for name, node in table.sets.items():
        if node.data or name not in runtime or name in meters:
            continue
        fields = tuple(_TYPE_FIELDS.get(k, Field.MARK) for k in node.key)
        elements: list[tuple[Values, ...]] = []
        for element in node.elements:
            parts = element.key.parts if isinstance(element.key, t.Concat) else (element.key,)
            try:
                elements.append(tuple(literals.values(f, p) for f, p in zip(fields, parts, strict=False)))
            except (Unknown, Wrong):
                continue  # the content is run-time data, so an element more or less proves nothing
        timeout = duration(node.timeout) if node.timeout else None
        common = runtime[name]
        known = out.get(common)
        if known is not None and known.timeout != timeout:
            common = name  # a twin that keeps its members for another time is a set of its own
        elif known is not None:
            out[common] = dataclasses.replace(known, elements=(*known.elements, *elements))
            continue
        kind = _KINDS.get(fields[0], "") if len(fields) == 1 else ""
        if kind == "addresses" and "interval" in node.flags:
            kind = "networks"
        counters = "counter" in node.properties
        out[common] = NamedSet(common, fields, tuple(elements), kind, True, timeout, node.size, counters, node.comment)
    return tuple(out.values())


def _lift_chain(state: _State, table: _Table, chain: _Chain, lifter: Rules) -> Chain:
    rules: list[Rule] = []
    for node in chain.rules:
        origin = node.origin if node.start < 0 else state.origin(node.start, node.end)
        try:
            check_rule(node, table.family, table.sets)
            found = lifter.lift(node, origin)
            if lifter.conditions.doubtful:
                state.doubt(lifter.conditions.doubtful, node)
        except Wrong as wrong:
            state.report(wrong.code, str(wrong), node.start, node.end, wrong.help)
            verdict = OpaqueVerdict("nft", rule_text(node))
            found = [Rule(Opaque("nft", rule_text(node), "invalid"), (), verdict, origin=origin)]
        for rule in found:
            rule.role = Role.IMPORTED  # type: ignore[misc]  # just made, shared with nobody
        rules.extend(found)
    head = chain.node
    if head.base is not None and (unknown := _unknown_policy(state, head)) is not None:
        rules.append(Rule(ALWAYS, (), unknown, origin=state.origin(head.start, head.end)))
    return Chain(head.name, tuple(rules), _base(state, head), head.comment, state.origin(head.start, head.end))


def _base(state: _State, node: t.ChainNode) -> Base | None:
    base = node.base
    if base is None:
        return None
    priority = base.priority
    if priority is None:
        try:
            value = state.variable(base.priority_text.lstrip("$"))
            text = value.text if isinstance(value, t.Word) else "0"
            priority = int(text) if text.lstrip("-").isdigit() else 0
        except Wrong as wrong:
            state.report(wrong.code, str(wrong), node.start, node.end)
            priority = 0
    policy = DROP if node.policy == "drop" or _policy_variable(state, node.policy) == "drop" else ACCEPT
    return Base(Hook(base.hook), ChainType(base.type), priority, policy, base.devices[0] if base.devices else "")


def _unknown_policy(state: _State, node: t.ChainNode) -> OpaqueVerdict | None:
    """The end of a chain whose policy is a variable that nothing defines: it may accept or drop."""
    if node.policy[:1] != "$" or node.policy[1:] in state.variables:
        return None
    state.report("FW028", f"the variable `{node.policy}` is not defined", node.start, node.end)
    return OpaqueVerdict("nft", f"policy {node.policy}", "policy", True)


def _policy_variable(state: _State, policy: str) -> str:
    value = state.variables.get(policy[1:]) if policy[:1] == "$" else None
    return value.text if isinstance(value, t.Word) else ""
