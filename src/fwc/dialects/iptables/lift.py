"""Tree to IR: what iptables would do with the file."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic, Severity, error, warning
from fwc.dialects.iptables.builtin import BUILTIN, HOOK_OF_CHAIN, attachment
from fwc.dialects.iptables.checks import Item, check_chains, check_rule
from fwc.dialects.iptables.lexer import word_offsets
from fwc.dialects.iptables.rule_words import BadWords
from fwc.dialects.iptables.scan import Scanned, Scanner
from fwc.dialects.iptables.set_content import with_content
from fwc.dialects.iptables.setlines import SetNames, named_sets
from fwc.dialects.iptables.tree import ChainLine, IptablesTree, RuleLine, TableBlock, Words
from fwc.dialects.iptables.unfold import fold_balanced
from fwc.ir.match import ALWAYS, AllOf, Always, Match, Opaque
from fwc.ir.model import Base, Chain, Role, Rule, Ruleset, Settings, Table
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP
from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import NO_ORIGIN, Origin, Span


class Share(Record):
    """How many rules there are, and how many of them have no opaque part."""

    rules: int
    exact: int


def lift(tree: IptablesTree) -> tuple[Ruleset, list[Diagnostic]]:
    """The tables of all files as one ruleset, families kept apart as tables `ip` and `ip6`."""
    ruleset, found, _ = lift_with_share(tree)
    return ruleset, found


def lift_with_share(tree: IptablesTree) -> tuple[Ruleset, list[Diagnostic], Share]:
    """As `lift`, and what share of the rules is fully modelled."""
    found: list[Diagnostic] = []
    tables: list[Table] = []
    rules = exact = 0
    sets = with_content(named_sets(tree.sets), tree.sets)
    names = SetNames(tree.sets)
    for save in tree.files:
        for block in save.tables:
            lifting = _TableLifting(block, block.family or save.family or Family.V4, found, names)
            table = lifting.run()
            tables.append(
                Table(table.name, table.family, table.chains, sets if not tables else (), table.kind, table.origin)
            )
            rules += lifting.rules
            exact += lifting.exact
    families = tuple(f for f in Family if any(t.family == ("ip" if f is Family.V4 else "ip6") for t in tables))
    settings = Settings(target="iptables", families=families or tuple(Family))
    return Ruleset(tuple(tables), (), settings, source="iptables-save"), found, Share(rules, exact)


_Usual = dict[Words, tuple[Scanned, tuple[Match, ...]]]
"""What rules say beside their addresses, and the conditions in it."""


class _TableLifting:
    def __init__(self, block: TableBlock, family: Family, found: list[Diagnostic], sets: SetNames) -> None:
        self._block = block
        self._family = family
        self._found = found
        self._scanner = Scanner(family, sets)
        self._usual: _Usual = {}
        self._usual_of_builtin: dict[str, _Usual] = {name: {} for name in HOOK_OF_CHAIN}
        self.rules = 0
        self.exact = 0

    def run(self) -> Table:
        block = self._block
        builtin = BUILTIN.get(block.name, ())
        policies: dict[str, ChainLine | None] = dict.fromkeys(builtin)
        for line in block.chains:
            if line.name in policies and line.name not in builtin:
                continue
            policies[line.name] = line
        bodies: dict[str, list[Item]] = {name: [] for name in policies}
        for rule in block.rules:
            self._rule(rule, bodies)
        check_chains(block, policies, bodies, self._found)
        chains = tuple(self._chain(name, line, bodies[name]) for name, line in policies.items())
        family = "ip" if self._family is Family.V4 else "ip6"
        origin = Origin((block.span,)) if block.span is not None else NO_ORIGIN
        return Table(block.name, family, chains, (), block.name, origin)

    # ----- rules -------------------------------------------------------------

    def _rule(self, line: RuleLine, bodies: dict[str, list[Item]]) -> None:
        body = bodies.get(line.chain)
        if body is None:
            name = "FW017" if line.chain in _ALL_BUILTIN else "FW015"
            text = f"table {self._block.name} has no chain {line.chain!r}"
            self._complain(line, None, name, text, f"declare it: `:{line.chain} - [0:0]`")
            body = bodies.setdefault(line.chain, [])
        if line.command == "-A":
            self.rules += 1
            body.append(self._one(line))
        elif line.command == "-D":
            self._delete(line, body)
        else:
            self.rules += 1
            self._put(line, body, self._one(line))

    def _put(self, line: RuleLine, body: list[Item], item: Item) -> None:
        """`-I` and `-R`."""
        position = line.position or 0
        if line.command == "-I":
            position = line.position or 1
            if position > len(body) + 1:
                self._complain(line, None, "FW001", f"chain {line.chain} has no place {position} to insert at", "")
            body.insert(position - 1, item)
        elif not 0 < position <= len(body):
            self._complain(line, None, "FW001", f"chain {line.chain} has no rule {position} to replace", "")
        else:
            body[position - 1] = item

    def _delete(self, line: RuleLine, body: list[Item]) -> None:
        for at, (other, _, _) in enumerate(body):
            if other.words == line.words or (line.position is not None and at + 1 == line.position):
                del body[at]
                return
        self._complain(line, None, "FW001", f"chain {line.chain} has no such rule to delete", "")

    def _one(self, line: RuleLine) -> Item:
        """Rules often differ in their addresses only: the others of their words are understood once."""
        words = line.words
        addresses = self._scanner.addresses(words)
        start = 2 * len(addresses)
        rest = words[start:]
        usual = self._usual_of_builtin.get(line.chain, self._usual)
        known = usual.get(rest)
        if known is None:
            before = len(self._found)
            scanned = self._scanned(line, start)
            if scanned is None:
                opaque = Opaque("iptables", " ".join(words), "refused")
                return line, Rule(opaque, (), CONTINUE, "", "", Role.IMPORTED, line.origin), None
            match = scanned.match
            known = scanned, match.parts if isinstance(match, AllOf) else () if isinstance(match, Always) else (match,)
            if len(self._found) == before and scanned.may_be_shared():
                usual[rest] = known
        scanned, others = known
        parts = addresses + others
        match = AllOf(parts) if len(parts) > 1 else parts[0] if parts else ALWAYS
        self.exact += scanned.exact
        actions, verdict = scanned.actions
        return line, Rule(match, actions, verdict, "", scanned.comment, Role.IMPORTED, line.origin), scanned

    def _scanned(self, line: RuleLine, start: int) -> Scanned | None:
        """What the words from `start` on say, with all that has to be said of them; None for a rule that iptables refuses."""
        try:
            scanned = self._scanner.scan(line.words, line.chain, start)
        except BadWords as problem:
            self._complain(line, problem.index, problem.code, problem.message, problem.help)
            return None
        for index, code, message, help in scanned.warnings:
            severe = code in ("FW009", "FW013")
            self._complain(line, index, code, message, help, severe)
        check_rule(self._block, self._family, line, scanned, self._complain)
        return scanned

    def _complain(
        self, line: RuleLine, index: int | None, code: str, message: str, help: str, severe: bool = True
    ) -> None:
        make = error if severe else warning
        self._found.append(make(code, message, word_span(line, index), help=help))

    # ----- chains ------------------------------------------------------------

    def _chain(self, name: str, line: ChainLine | None, body: Iterable[Item]) -> Chain:
        base: Base | None = None
        if name in BUILTIN.get(self._block.name, ()):
            hook, kind, priority = attachment(self._block.name, name)
            policy = DROP if line is not None and line.policy == "DROP" else ACCEPT
            base = Base(hook, kind, priority, policy)
        origin = Origin((line.span,)) if line is not None and line.span is not None else NO_ORIGIN
        return Chain(name, fold_balanced(tuple([rule for _, rule, _ in body])), base, "", origin)


_ALL_BUILTIN = frozenset(name for names in BUILTIN.values() for name in names)


def word_span(line: RuleLine, index: int | None) -> Span | None:
    """The span of a word of the rule, or of the whole rule."""
    span = line.span
    if span is None or index is None:
        return span
    text = span.text
    offsets = word_offsets(text)
    want = len(offsets) - len(line.words) + index
    if not 0 <= want < len(offsets):
        return span
    start = offsets[want]
    end = offsets[want + 1] if want + 1 < len(offsets) else len(text)
    return Span(span.file, span.start + start, span.start + start + len(text[start:end].rstrip()))


def errors_only(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [d for d in found if d.severity is Severity.ERROR]
