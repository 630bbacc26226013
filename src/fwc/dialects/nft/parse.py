"""nft text to tree. Every error of the file is reported; a statement that has one is left out of the tree."""

from __future__ import annotations

import re
from collections.abc import Callable

from fwc.diagnostics import Diagnostic, error
from fwc.dialects.nft import tree as t
from fwc.dialects.nft.lexer import Tokens
from fwc.dialects.nft.reader import NftSyntaxError, Reader
from fwc.dialects.nft.statements import rule
from fwc.net.hooks import PRIORITY_NAMES
from fwc.source import SourceFile, Span

FAMILIES = frozenset(("inet", "ip", "ip6", "arp", "bridge", "netdev"))
_HOOKS = frozenset(("prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"))
_SCRIPT = frozenset(("define", "redefine", "undefine", "include"))
_SET_WORDS = frozenset(("set", "map", "meter"))
_OBJECTS = frozenset(("counter", "quota", "limit", "ct", "flowtable", "secmark", "synproxy"))
_VERBS = frozenset(("add", "create", "insert", "replace", "delete", "destroy", "flush", "reset", "list", "rename"))
_CHAIN_WORDS = frozenset(("type", "policy", "comment", "flags"))
_PLAIN = ("table", "chain", "rule", "set", "map", "element", "flowtable", "counter", "quota", "limit", "secmark", "synproxy",
          "ruleset", "meter", "sets", "counters", "quotas")  # fmt: skip
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,8}")
_PRIORITY = re.compile(r"([a-z]+)?([+-]?\d+)?\Z")
_MAX_ERRORS = 100


def parse(source: SourceFile) -> tuple[t.Tree, list[Diagnostic]]:
    """The tree of `source`, native text or `nft -j` JSON, and every finding."""
    if source.text.lstrip()[:1] == "{" and '"nftables"' in source.text[:4000]:
        from fwc.dialects.nft.json_form import parse_json

        return parse_json(source)
    reader = Parser(Tokens(source))
    items = reader.file()
    return t.Tree(tuple(items), source, tuple(reader.defines)), reader.out


class Parser(Reader):
    def __init__(self, tokens: Tokens) -> None:
        super().__init__(tokens)
        self.out: list[Diagnostic] = []
        self.defines: list[t.Define] = []

    # ----- recovery ----------------------------------------------------------

    def report(self, wrong: NftSyntaxError) -> None:
        if len(self.out) >= _MAX_ERRORS:
            return
        index = min(wrong.index, len(self.texts) - 1)
        span = Span(self.tokens.file, self.starts[index], max(self.tokens.end(index), self.starts[index]))
        self.out.append(error("FW001", wrong.message, span, help=wrong.help, name="syntax-error"))

    def recover(self, start: int) -> None:
        """On to the next line of the block in which the statement at token `start` stands."""
        depth = 0
        self.depth = 0
        for index in range(start, self.at):
            depth += (self.texts[index] == "{") - (self.texts[index] == "}")
        while True:
            text = self.texts[self.at]
            if not text or (depth <= 0 and text in ("\n", ";", "}")):
                return
            depth += (text == "{") - (text == "}")
            self.at += 1

    def line_end(self) -> None:
        text = self.texts[self.at]
        if text == "\n" or text == ";":
            self.at += 1
        elif text and text != "}":
            raise self.fail("the end of the statement")

    # ----- file --------------------------------------------------------------

    def file(self) -> list[t.Item]:
        items: list[t.Item] = []
        while True:
            self.skip_lines()
            if not self.texts[self.at]:
                return items
            start = self.at
            try:
                found = self._item()
                if found is not None:
                    items.append(found)
                self.line_end()
            except NftSyntaxError as wrong:
                self.report(wrong)
                self.recover(start)
                if self.texts[self.at] == "}":
                    self.at += 1

    def _item(self) -> t.Item | None:
        word = self.texts[self.at]
        start = self.at
        if word == "table":
            self.at += 1
            return self._table(start)
        if word in ("define", "redefine", "undefine"):
            return self._define()
        if word == "include":
            self.at += 1
            path = self.string("a path")
            return t.Include(path, self.starts[start], self.tokens.end(self.at - 1))
        if word in _VERBS:
            return self._command()
        if word in ("chain", "rule", "set", "map", "element", "flowtable"):
            return self._command(implied="add")
        if word in ("monitor", "describe", "export", "import", "list"):
            self.skip_balanced()
            return t.Native(self.verbatim(start), self.starts[start], self.tokens.end(self.at - 1))
        raise self.fail("a table, a definition or a command")

    def _define(self) -> t.Define:
        start = self.at
        verb = self.texts[start]
        self.at += 1
        name = self.word("a name")
        value: t.Expr | None = None
        if verb != "undefine":
            self.expect("=")
            value = self._definition()
        return t.Define(verb, name, value, self.starts[start], self.tokens.end(self.at - 1))

    def _definition(self) -> t.Expr:
        if self.texts[self.at] == "-":
            return self.primary()
        return self.expression()

    def _family(self) -> str:
        word = self.texts[self.at]
        if word in FAMILIES and self.texts[self.at + 1] not in ("{", "\n", ";", ""):
            self.at += 1
            return word
        return ""

    # ----- table -------------------------------------------------------------

    def _table(self, start: int) -> t.TableNode:
        family = self._family()
        name = self.word("the name of a table")
        begin = self.starts[start]
        explicit = bool(family)
        if not self.take("{"):
            if self.texts[self.at] in ("\n", ";", "", "}"):
                return t.TableNode(family or "ip", name, (), (), "", explicit, begin, self.tokens.end(self.at - 1))
            raise self.fail("`{`")
        items: list[t.TableItem] = []
        flags: tuple[str, ...] = ()
        comment = ""
        while True:
            self.skip_lines()
            word = self.texts[self.at]
            at = self.at
            if word == "}":
                break
            if not word:
                raise self.fail(
                    "`}`", f"the table that begins in line {self.tokens.file.position(begin)[0]} is not closed"
                )
            try:
                if word == "flags":
                    self.at += 1
                    flags = self._flags()
                elif word == "comment":
                    self.at += 1
                    comment = self.string("a comment")
                else:
                    items.append(self._table_item(word))
                self.line_end()
            except NftSyntaxError as wrong:
                self.report(wrong)
                self.recover(at)
                if self.texts[self.at] == "}" and self._closes_inner(at):
                    self.at += 1
        self.at += 1
        return t.TableNode(
            family or "ip", name, tuple(items), flags, comment, explicit, begin, self.tokens.end(self.at - 1)
        )

    def _closes_inner(self, start: int) -> bool:
        """Whether the brace at the cursor belongs to a block that the failed item opened."""
        depth = 0
        for index in range(start, self.at):
            depth += (self.texts[index] == "{") - (self.texts[index] == "}")
        return depth > 0

    def _script_line(self, start: int) -> t.Native:
        """`define` and `include` inside a block: kept, and for variables understood."""
        if self.texts[start] == "include":
            self.at += 1
            self.string("a path")
        else:
            self.defines.append(self._define())
        return t.Native(self.verbatim(start), self.starts[start], self.tokens.end(self.at - 1))

    def _flags(self) -> tuple[str, ...]:
        out = [self.word("a flag")]
        while self.take(","):
            out.append(self.word("a flag"))
        return tuple(out)

    def _table_item(self, word: str) -> t.TableItem:
        start = self.at
        if word == "chain":
            self.at += 1
            name = self.word("the name of a chain")
            return self._chain(name, start)
        if word in _SET_WORDS:
            self.at += 1
            return self._set(word, self.word("the name of a set"), start)
        if word == "elements":
            raise self.fail("a chain, a set or another object")
        if word in _OBJECTS:
            return self._object(start)
        if word in _SCRIPT:
            return self._script_line(start)
        raise self.fail("a chain, a set or another object")

    def _object(self, start: int) -> t.ObjectNode:
        kind = self.texts[self.at]
        self.at += 1
        if kind == "ct":
            kind = f"ct {self.word('helper, timeout or expectation')}"
        name = self.word("a name")
        lines: tuple[str, ...] = ()
        if self.texts[self.at] == "{":
            lines = self._object_body()
        return t.ObjectNode(kind, name, lines, self.starts[start], self.tokens.end(self.at - 1))

    def _object_body(self) -> tuple[str, ...]:
        self.expect("{")
        lines: list[str] = []
        while True:
            self.skip_lines()
            if self.take("}"):
                return tuple(lines)
            if not self.texts[self.at]:
                raise self.fail("`}`")
            first = self.at
            self.skip_balanced()
            lines.append(self.verbatim(first) + ";" if self.texts[self.at] == ";" else self.verbatim(first))

    # ----- chain -------------------------------------------------------------

    def _chain(self, name: str, start: int) -> t.ChainNode:
        begin = self.starts[start]
        base: t.Hooking | None = None
        policy = comment = ""
        extra: list[str] = []
        body: list[t.RuleNode | t.Remark | t.Native] = []
        self.expect("{")
        add = body.append
        while True:
            self.skip_lines()
            word = self.texts[self.at]
            at = self.at
            if word == "}":
                break
            if not word:
                raise self.fail(
                    "`}`", f"the chain that begins in line {self.tokens.file.position(begin)[0]} is not closed"
                )
            try:
                if word == "type":
                    base = self._hooking()
                elif word == "policy":
                    self.at += 1
                    policy = self._policy()
                elif word == "comment" and self.texts[self.at + 1][:1] == '"':
                    self.at += 1
                    comment = self.string("a comment")
                    if not comment:
                        extra.append('comment "";')
                elif word in ("flags", "devices", "device") and not body:
                    first = self.at
                    self.skip_balanced()
                    extra.append(self.verbatim(first) + ";")
                elif word in _SCRIPT:
                    add(self._script_line(at))
                else:
                    add(rule(self))
                text = self.texts[self.at]
                if text == "\n" or text == ";":
                    self.at += 1
                elif text and text != "}":
                    raise self.fail("the end of the statement")
            except NftSyntaxError as wrong:
                self.report(wrong)
                self.recover(at)
        self.at += 1
        end = self.tokens.end(self.at - 1)
        return t.ChainNode(name, tuple(body), base, policy, comment, tuple(extra), begin, end)

    def _policy(self) -> str:
        text = self.texts[self.at]
        if text[:1] == "$":
            self.at += 1
            return text
        if text not in ("accept", "drop"):
            raise self.fail("accept or drop", "nft has no other chain policy; refuse in a last rule")
        self.at += 1
        return text

    def _hooking(self) -> t.Hooking:
        self.expect("type")
        kind = self.word("filter, nat or route")
        if kind not in ("filter", "nat", "route"):
            self.at -= 1
            raise self.fail("filter, nat or route")
        self.expect("hook")
        hook = self.word("a hook")
        if hook not in _HOOKS:
            self.at -= 1
            raise self.fail("a hook")
        devices: tuple[str, ...] = ()
        if self.take("device"):
            text = self.texts[self.at]
            devices = (self.string("a device") if text[:1] != "$" else self._variable(),)
        elif self.take("devices"):
            self.expect("=")
            devices = self._devices()
        self.expect("priority")
        number, text = self._priority()
        return t.Hooking(kind, hook, number, text, devices)

    def _variable(self) -> str:
        self.at += 1
        return self.texts[self.at - 1]

    def _devices(self) -> tuple[str, ...]:
        if self.texts[self.at][:1] == "$":
            return (self._variable(),)
        found = self.set_literal()
        return tuple(_plain(e.key) for e in found.elements)

    def _priority(self) -> tuple[int | None, str]:
        first = self.at
        if self.texts[first][:1] == "$":
            self.at += 1
            return None, self.texts[first]
        if self.texts[self.at] in "-+":
            self.at += 1
        word = self.word("a priority")
        if _HEXADECIMAL.fullmatch(word) and self.at == first + 1:
            return int(word, 16), word
        if self.texts[self.at] in ("-", "+"):
            self.at += 1
            self.number("a number")
        text = self.verbatim(first)
        match = _PRIORITY.match(text.replace(" ", ""))
        if match is None or not match[0] or (match[1] and match[1] not in PRIORITY_NAMES and match[1] not in ("out",)):
            self.at = first
            raise self.fail("a priority")
        if match[1] == "out":
            return None, text
        return PRIORITY_NAMES.get(match[1] or "", 0) + int(match[2] or 0), text

    # ----- set ---------------------------------------------------------------

    def _set(self, kind: str, name: str, start: int) -> t.SetNode:
        self.expect("{")
        node = t.SetNode(name, kind, start=self.starts[start])
        while True:
            self.skip_lines()
            word = self.texts[self.at]
            if word == "}":
                break
            if not word:
                raise self.fail("`}`")
            self._set_line(node, word)
            self.line_end()
        self.at += 1
        node.end = self.tokens.end(self.at - 1)  # type: ignore[misc]  # the node is still under construction
        return node

    def _set_line(self, node: t.SetNode, word: str) -> None:
        first = self.at
        self.at += 1
        set_ = node.__setattr__
        if word == "type" and self.texts[self.at] in ("filter", "nat"):
            raise self.fail("a data type")
        if word == "type":
            set_("key", self._types())
            if self.take(":"):
                if self.take("interval"):
                    set_("data", "interval " + " . ".join(self._types()))
                else:
                    set_("data", " . ".join(self._types()))
        elif word == "typeof":
            set_("typeof", self._typeof())
            if self.take(":"):
                begin = self.at
                self.skip_balanced()
                set_("data", self.verbatim(begin))
        elif word == "flags":
            set_("flags", self._flags())
        elif word == "timeout":
            set_("timeout", self.word("a time"))
        elif word == "size":
            set_("size", self.number("a number") if self.texts[self.at][:1] != "$" else None)
            if self.texts[self.at][:1] == "$":
                self.at += 1
        elif word == "comment":
            set_("comment", self.string("a comment"))
        elif word == "elements":
            self.expect("=")
            if self.texts[self.at] == "{":
                set_("elements", self.set_literal().elements)
            else:
                set_("elements", (t.Element(self.primary()),))
        elif word in ("auto-merge", "gc-interval", "policy", "counter", "last", "limit", "quota", "ct"):
            self.skip_balanced()
            set_("properties", (*node.properties, self.verbatim(first)))
        else:
            self.at = first
            raise self.fail("a property of the set")

    def _types(self) -> tuple[str, ...]:
        out = [self.word("a data type")]
        while self.take("."):
            out.append(self.word("a data type"))
        return tuple(out)

    def _typeof(self) -> str:
        first = self.at
        self.skip_balanced(frozenset(("", "\n", ";", "}", ":")))
        return self.verbatim(first)

    # ----- commands ----------------------------------------------------------

    def _command(self, implied: str = "") -> t.Item:
        start = self.at
        verb = implied or self.texts[start]
        if not implied:
            self.at += 1
        kind = self.texts[self.at]
        if kind in FAMILIES or kind not in (*_PLAIN, "ct"):
            kind = "rule"
        else:
            self.at += 1
        if kind == "ct":
            kind = f"ct {self.word('helper, timeout or expectation')}"
        if kind == "table" and verb in ("add", "create"):
            table = self._table(start)
            if not table.items and not table.flags and self.texts[self.at - 1] != "}":
                return self._finish(verb, kind, table.family if table.explicit_family else "", table.name, start)
            payload = t.TableNode(
                table.family, table.name, table.items, table.flags, table.comment, table.explicit_family
            )
            return t.Command(
                verb, kind, table.family, table.name, "", "", payload, self.starts[start], self.tokens.end(self.at - 1)
            )
        if kind == "ruleset" or verb in ("list", "reset") or kind in ("sets", "counters", "quotas"):
            self.skip_balanced()
            return self._finish(verb, kind, "", "", start, self.verbatim(start))
        family = self._family()
        table_name = "" if self.texts[self.at] in ("handle", "{") else self.word("the name of a table")
        if kind == "table":
            if not table_name:
                self.skip_balanced()
            return self._finish(verb, kind, family, table_name, start)
        handler = _COMMANDS.get(kind, Parser._object_command)
        return handler(self, verb, kind, family, table_name, start)

    def _finish(self, verb: str, kind: str, family: str, table: str, start: int, text: str = "") -> t.Item:
        begin, end = self.starts[start], self.tokens.end(self.at - 1)
        if text and (verb, kind) != ("flush", "ruleset"):
            return t.Native(text, begin, end)
        if text and text.split() != ["flush", "ruleset"]:
            return t.Native(text, begin, end)
        return t.Command(verb, kind, family, table, start=begin, end=end)

    def _end(self) -> int:
        return self.tokens.end(self.at - 1)

    def _rule_command(self, verb: str, kind: str, family: str, table: str, start: int) -> t.Item:
        name = self.word("the name of a chain")
        position = ""
        if self.texts[self.at] in ("position", "index", "handle"):
            position = self.texts[self.at]
            self.at += 1
            position = f"{position} {self.number('a number')}"
        payload = None
        if verb in ("add", "insert", "replace", "create"):
            payload = rule(self)
        return t.Command(verb, kind, family, table, name, position, payload, self.starts[start], self._end())

    def _chain_command(self, verb: str, kind: str, family: str, table: str, start: int) -> t.Item:
        name = "" if self.texts[self.at] == "handle" else self.word("the name of a chain")
        payload = None
        if self.texts[self.at] == "{":
            payload = self._chain(name, start)
        elif verb == "rename":
            first = self.at
            self.skip_balanced()
            return t.Command(
                verb, kind, family, table, name, self.verbatim(first), None, self.starts[start], self._end()
            )
        elif self.texts[self.at] == "handle":
            self.at += 2
        return t.Command(verb, kind, family, table, name, "", payload, self.starts[start], self._end())

    def _set_command(self, verb: str, kind: str, family: str, table: str, start: int) -> t.Item:
        name = self.word("the name of a set")
        payload = None
        if self.texts[self.at] == "{":
            payload = self._set(kind, name, start)
        return t.Command(verb, kind, family, table, name, "", payload, self.starts[start], self._end())

    def _element_command(self, verb: str, kind: str, family: str, table: str, start: int) -> t.Item:
        name = self.word("the name of a set")
        braces = self.texts[self.at] == "{"
        elements = self.set_literal().elements if braces else (t.Element(self.primary()),)
        payload = t.SetNode(name, "set", elements=elements)
        return t.Command(verb, kind, family, table, name, "", payload, self.starts[start], self._end())

    def _object_command(self, verb: str, kind: str, family: str, table: str, start: int) -> t.Item:
        name = self.word("a name")
        lines: tuple[str, ...] = ()
        if self.texts[self.at] == "{":
            lines = self._object_body()
        elif self.texts[self.at] not in ("\n", ";", "", "}"):
            first = self.at
            self.skip_balanced()
            lines = (self.verbatim(first),)
        payload = t.ObjectNode(kind, name, lines) if lines else None
        return t.Command(verb, kind, family, table, name, "", payload, self.starts[start], self._end())


_COMMANDS: dict[str, Callable[[Parser, str, str, str, str, int], t.Item]] = {
    "rule": Parser._rule_command,
    "chain": Parser._chain_command,
    "set": Parser._set_command,
    "map": Parser._set_command,
    "meter": Parser._set_command,
    "element": Parser._element_command,
}


def _plain(expr: t.Expr) -> str:
    if isinstance(expr, t.Word | t.Quoted):
        return expr.text
    return f"${expr.name}" if isinstance(expr, t.Var) else ""
