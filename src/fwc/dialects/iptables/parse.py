"""iptables-save and ip6tables-save text, and plain iptables command lines, as a tree."""

from __future__ import annotations

import re

from fwc.diagnostics import Diagnostic, error, warning
from fwc.dialects.iptables.builtin import BUILTIN
from fwc.dialects.iptables.lexer import split_shell, split_words
from fwc.dialects.iptables.tree import ChainLine, Counters, IptablesTree, RuleLine, SaveFile, SetLine, TableBlock, Words
from fwc.net.hooks import Family
from fwc.source import Origin, SourceFile, Span

_COUNTERS = re.compile(r"\[(\d+):(\d+)\]")
_V6 = re.compile(
    r"ip6tables|icmp6|icmpv6|ipv6|--hl-|(?:-[sd]|--src|--dst|--source|--destination|--to-(?:source|destination)|--ctorig\w+)"
    r"[ \t]+(?:![ \t]+)?\[?[0-9a-fA-F]*:[0-9a-fA-F]*:"
)
_V4 = re.compile(r"(?:^|[\s,!=])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b|--icmp-type|reject-with icmp-")
_ICMP = re.compile(r"-p[ \t]+icmp[ \t]")
"""Speaks for IPv4 where nothing else tells: rules for IPv6 name it by mistake."""
_COMMENT_LINE = re.compile(r"\n[ \t]*#[^\n]*")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_WORDS_OF_V6 = ("ip6tables", "icmp6", "icmpv6", "ipv6", "--hl-")
_COLONS = re.compile(r":[0-9a-fA-F]*:")
_TOOL = re.compile(r"\bip6?tables")
_COMMAND = re.compile(r"^(?:sudo[ \t]+)?(?:\S*/)?(ip6?tables)(?:-nft|-legacy)?[ \t]")
_TABLE = re.compile(r"^[ \t]*\*[a-z]+[ \t\r]*$", re.M)
MAX_DIAGNOSTICS = 200
_RULE_COMMANDS = {
    "-A": "-A", "--append": "-A", "-I": "-I", "--insert": "-I", "-D": "-D", "--delete": "-D", "-R": "-R", "--replace": "-R",
}  # fmt: skip


class _Block:
    """A table while it is read."""

    def __init__(self, name: str, family: Family | None, start: int) -> None:
        self.name = name
        self.family = family
        self.start = start
        self.chains: list[ChainLine] = []
        self.rules: list[RuleLine] = []


class _Parser:
    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.blocks: list[tuple[_Block, int]] = []
        self.sets: list[SetLine] = []
        self.script: dict[tuple[Family | None, str], _Block] = {}
        self.hint: Family | None = _hint(source.path)
        self.restore = _TABLE.search(source.text) is not None
        self.carriage_returns = False
        text = source.text
        self.plain = text.isascii() and text.replace("\n", "").isprintable()  # else each line is asked
        self.words: dict[str, str] = {}
        self.usual = self.plain and '"' not in text and " -t" not in text

    def complain(self, code: str, message: str, start: int, end: int, help: str = "", severe: bool = True) -> None:
        if len(self.diagnostics) < MAX_DIAGNOSTICS:
            make = error if severe else warning
            self.diagnostics.append(make(code, message, Span(self.source, start, end), help=help))

    def run(self) -> IptablesTree:
        block: _Block | None = None
        at = 0
        source = self.source
        for line in source.text.split("\n"):
            start, at = at, at + len(line) + 1
            head = line[:1]
            if head == "-" and block is not None:
                if not self._usual(block, line, start):
                    self._rule(block, line, start, None)
                continue
            text = line.strip()
            if not text:
                if line and self.restore and line != "\r":
                    self._blank_line(line, start)
                continue
            first = text[0]
            if line != text and self.restore:
                self._blanks(block, line, text, start)
            if first == "#":
                self._comment(text)
            elif first == "*":
                if block is not None:
                    self.complain(
                        "FW001", f"table {block.name} has no COMMIT before the next table", start, start + len(line)
                    )
                    self.blocks.append((block, start))
                block = self._table(text, start, len(line))
            elif first == ":" and block is not None:
                self._chain(block, text, start, len(line))
            elif text == "COMMIT" and block is not None:
                self.blocks.append((block, at))
                block = None
            elif first == "[" and block is not None and (found := _COUNTERS.match(text)):
                rest = text[found.end() :]
                self._rule(block, rest, start + len(line) - len(rest), (int(found[1]), int(found[2])))
            elif first == "-" and block is not None:
                self._rule(block, text, start + line.index("-"), None)
            else:
                self._other(block, text, start + line.index(first), start + len(line))
        if block is not None:
            end = len(source.text)
            self.complain("FW001", f"table {block.name} is not closed", block.start, block.start + len(block.name) + 1,
                          "end it with COMMIT")  # fmt: skip
            self.blocks.append((block, end))
        return self._tree()

    def _blank_line(self, line: str, start: int) -> None:
        self.complain(
            "FW001", "iptables-restore takes a line of blanks for a rule", start, start + len(line), "empty it"
        )

    def _blanks(self, block: _Block | None, line: str, text: str, start: int) -> None:
        """Only a rule may be indented: iptables-restore looks at the first character, and at `COMMIT` with nothing behind it."""
        if line[-1] == "\r":
            if not self.carriage_returns:
                self.carriage_returns = True
                help = "remove them, for instance with sed 's/\\r$//'"
                self.complain("FW001", "iptables-restore refuses CR LF line ends", start, start + len(line), help)
        elif text == "COMMIT" and block is not None:
            self.complain(
                "FW001", "iptables-restore refuses blanks beside COMMIT", start, start + len(line), "remove them"
            )
        elif line[0] != text[0] and not (block is not None and text[0] in "-["):
            at = start + line.index(text[0])
            what = "takes a line that begins with a blank for a rule"
            self.complain("FW001", f"iptables-restore {what}", at, start + len(line.rstrip()), "remove the blanks")

    # ----- lines -------------------------------------------------------------

    def _comment(self, text: str) -> None:
        """The tool's own `Generated by ip6tables-save` tells the family of the tables behind it; what people write about
        ip6tables does where nothing else tells."""
        tools = set(_TOOL.findall(text))
        if len(tools) == 1 and ("Generated" in text or (self.hint is None and tools == {"ip6tables"})):
            self.hint = Family.V6 if tools == {"ip6tables"} else Family.V4

    def _table(self, text: str, start: int, length: int) -> _Block:
        name = text[1:].strip()
        if name not in BUILTIN:
            self.complain(
                "FW001",
                f"iptables has no table {name!r}",
                start,
                start + length,
                "use filter, nat, mangle, raw, security",
            )
        return _Block(name, self.hint, start)

    def _chain(self, block: _Block, text: str, start: int, length: int) -> None:
        words = text[1:].split()
        if not words:
            self.complain("FW001", "a chain has no name", start, start + length)
            return
        counters: Counters | None = None
        if len(words) > 2 and (found := _COUNTERS.fullmatch(words[2])):
            counters = (int(found[1]), int(found[2]))
        policy = words[1] if len(words) > 1 else "-"
        if len(words) < 2:
            self.complain("FW001", f"chain {words[0]} has no policy", start, start + length, "write `:NAME - [0:0]`")
        block.chains.append(ChainLine(words[0], policy, counters, Span(self.source, start, start + length)))

    def _usual(self, block: _Block, line: str, start: int) -> bool:
        """The usual line: `-A CHAIN words`, without quotes. Each word is kept once, since most are of many lines."""
        if line[:3] != "-A ":
            return False
        if not self.usual and ('"' in line or not (self.plain or (line.isascii() and line.isprintable()))):
            return False
        found = line.split()
        words = tuple(map(self.words.setdefault, found, found))
        if len(words) < 2 or (not self.usual and "-t" in words):
            return False
        span = Span(self.source, start, start + len(line))
        block.rules.append(RuleLine(words[1], words[2:], "-A", None, None, "", span, Origin((span,))))
        return True

    def _rule(self, block: _Block, text: str, start: int, counters: Counters | None) -> None:
        end = start + len(text.rstrip())
        words = split_words(text)
        if "\0" in text:
            self.complain("FW001", "iptables reads a rule up to the NUL byte in it", start, end, "take the byte out")
        elif words is None:
            self.complain("FW001", "a quote is not closed", start, end)
        else:
            self._command(block, words, start, end, counters)

    def _command(self, block: _Block, words: Words, start: int, end: int, counters: Counters | None) -> None:
        """One iptables command on `block`."""
        span = Span(self.source, start, end)
        rest = list(words)
        for at, word in enumerate(rest):
            if word in ("-t", "--table"):
                self.complain("FW001", "the option -t is not allowed inside a table", start, end)
                return
            if word in _RULE_COMMANDS:
                self._add(block, _RULE_COMMANDS[word], rest, at, span, counters)
                return
            if word in ("-N", "--new-chain", "-P", "--policy", "-F", "--flush", "-X", "--delete-chain", "-Z", "--zero"):
                self._manage(block, word, rest[at + 1 :], span)
                return
        self.complain("FW001", f"{' '.join(words)[:40]!r} is no rule", start, end, "a rule begins with -A CHAIN")

    def _add(
        self, block: _Block, command: str, words: list[str], at: int, span: Span, counters: Counters | None
    ) -> None:
        if at + 1 >= len(words):
            self.complain("FW001", f"{command} has no chain", span.start, span.end)
            return
        chain = words[at + 1]
        rest = words[:at] + words[at + 2 :]
        position: int | None = None
        if command != "-A" and len(rest) > at and rest[at].isdigit():
            position = int(rest[at])
            del rest[at]
        if "-c" in rest or "--set-counters" in rest:
            where = rest.index("-c") if "-c" in rest else rest.index("--set-counters")
            numbers = rest[where + 1 : where + 3]
            if len(numbers) == 2 and all(n.isdigit() for n in numbers):
                counters = (int(numbers[0]), int(numbers[1]))
                del rest[where : where + 3]
        rest = [w for w in rest if w not in ("-w", "--wait", "-v", "--verbose", "-n")]
        block.rules.append(RuleLine(chain, tuple(rest), command, position, counters, "", span, Origin((span,))))

    def _manage(self, block: _Block, word: str, rest: list[str], span: Span) -> None:
        if word in ("-N", "--new-chain") and rest and any(c.name == rest[0] for c in block.chains):
            self.complain("FW001", f"the chain {rest[0]} exists already", span.start, span.end)
        elif word in ("-P", "--policy") and rest and rest[0] not in BUILTIN.get(block.name, ()):
            self.complain("FW019", f"{rest[0]} is no builtin chain and has no policy", span.start, span.end)
        elif word in ("-N", "--new-chain") and rest:
            block.chains.append(ChainLine(rest[0], "-", None, span))
        elif word in ("-P", "--policy") and len(rest) > 1:
            block.chains.append(ChainLine(rest[0], rest[1], None, span))
        elif word in ("-F", "--flush"):
            block.rules = [r for r in block.rules if rest and r.chain != rest[0]]
        elif word in ("-N", "--new-chain", "-P", "--policy"):
            self.complain("FW001", f"{word} needs a chain", span.start, span.end)

    # ----- scripts and sets --------------------------------------------------

    def _other(self, block: _Block | None, text: str, start: int, end: int) -> None:
        found = _COMMAND.match(text)
        if found is not None and block is None:
            self._shell(text[found.end() :], Family.V6 if found[1] == "ip6tables" else Family.V4, start, end)
        elif block is None and text.split(None, 1)[0] in ("create", "add", "-N"):
            self._set_or_chain(text, start, end)
        elif block is None and text[0] == "-":
            self._shell(text, None, start, end)
        elif block is None and text[0] == "[":
            self.complain(
                "FW001", "a rule stands outside a table", start, end, "put `*filter` before it and `COMMIT` behind it"
            )
        elif block is None and text[0] != ":" and text != "COMMIT":
            self.complain("FW001" if self.restore else "FW002", "not an iptables line: ignored", start, end,
                          severe=self.restore)  # fmt: skip
        elif block is None:
            self.complain("FW001", f"{text[:20]!r} stands outside a table", start, end, "put `*filter` before it")
        else:
            self.complain("FW001", f"{text[:40]!r} is no line of iptables-save", start, end)

    def _set_or_chain(self, text: str, start: int, end: int) -> None:
        words = split_words(text)
        if words is None or len(words) < 3:
            if words is not None and words[0] == "-N":
                self._shell(text, None, start, end)
                return
            self.complain("FW001", "an ipset line has a name and a type or an element", start, end)
            return
        rest = tuple(w for w in words[1:] if w not in ("-exist", "-!"))
        self.sets.append(SetLine(words[0], rest[0], rest[1:], Span(self.source, start, end)))

    def _shell(self, text: str, family: Family | None, start: int, end: int) -> None:
        words = split_shell(text)
        if words is None:
            self.complain("FW001", "a quote is not closed", start, end)
            return
        if any("$" in w or "`" in w or w in (";", "&&", "|", "||", ">") for w in words):
            self.complain(
                "FW002",
                "a line with shell expansions is not read",
                start,
                end,
                "give the output of iptables-save",
                False,
            )
            return
        rest = list(words)
        table = "filter"
        if "-t" in rest or "--table" in rest:
            at = rest.index("-t") if "-t" in rest else rest.index("--table")
            if at + 1 < len(rest):
                table = rest[at + 1]
                del rest[at : at + 2]
        for word, own in (("-4", Family.V4), ("-6", Family.V6), ("--ipv4", Family.V4), ("--ipv6", Family.V6)):
            if word in rest:
                rest.remove(word)
                family = own
        if table not in BUILTIN:
            self.complain("FW001", f"iptables has no table {table!r}", start, end)
            return
        key = (family, table)
        if key not in self.script:
            self.script[key] = _Block(table, family, start)
        self._command(self.script[key], tuple(rest), start, end, None)

    # ----- result ------------------------------------------------------------

    def _tree(self) -> IptablesTree:
        files: list[SaveFile] = []
        by_family: dict[Family, list[TableBlock]] = {}
        text = self.source.text
        names = [block.name for block, _ in self.blocks]
        whole = _family(text, self.hint) if len(set(names)) == len(names) else None
        last: Family | None = None
        for block, end in self.blocks:
            family = whole or _family(text[block.start : end], block.family) or last or Family.V4
            last = family
            by_family.setdefault(family, []).append(self._block(block, family))
        for block in self.script.values():
            family = block.family or _family(text, None) or Family.V4
            by_family.setdefault(family, []).append(self._block(block, family))
        for family in Family:
            if family in by_family:
                files.append(SaveFile(f"rules.v{family.value}", family, tuple(by_family[family])))
        return IptablesTree(tuple(files), tuple(self.sets))

    def _block(self, block: _Block, family: Family) -> TableBlock:
        span = Span(self.source, block.start, block.start + len(block.name) + 1)
        return TableBlock(block.name, family, tuple(block.chains), tuple(block.rules), span)


def _hint(path: str) -> Family | None:
    name = path.rsplit("/", 1)[-1].lower()
    if "ip6" in name or "v6" in name or "rules6" in name:
        return Family.V6
    return Family.V4 if "v4" in name else None


def _family(text: str, hint: Family | None) -> Family | None:
    """The family that the addresses and the ICMP words of a table speak for, else what the file says of itself. Comments and
    log prefixes may speak of anything."""
    commented = text.find("\n", text.rfind("#"))  # behind that, there are no comments
    text = _COMMENT_LINE.sub("\n", f"\n{text[:commented]}") + text[commented:] if "#" in text else text
    if '"' in text:
        text = _QUOTED.sub("", text)
    maybe_v6 = (
        any(word in text for word in _WORDS_OF_V6) or _COLONS.search(text) is not None
    )  # what `_V6` needs, in less time
    v6, v4 = maybe_v6 and _V6.search(text) is not None, _V4.search(text) is not None
    v4 = v4 or (hint is not Family.V6 and _ICMP.search(text) is not None)
    if v6 is not v4:
        return Family.V6 if v6 else Family.V4
    if v6 and hint is None:
        return Family.V6 if len(_V6.findall(text)) > len(_V4.findall(text)) else Family.V4
    return hint


def parse(source: SourceFile, family: Family | None = None) -> tuple[IptablesTree, list[Diagnostic]]:
    """Read one file of either family, or of both. Spans count in `source`. `family` is that of tables that do not show theirs."""
    parser = _Parser(source)
    if family is not None:
        parser.hint = family
    tree = parser.run()
    return tree, parser.diagnostics


def parse_all(sources: list[SourceFile]) -> tuple[IptablesTree, list[Diagnostic]]:
    """The files of one machine (rules.v4, rules.v6, ipset.conf) as one tree."""
    files: list[SaveFile] = []
    sets: list[SetLine] = []
    found: list[Diagnostic] = []
    for source in sources:
        tree, more = parse(source)
        files.extend(tree.files)
        sets.extend(tree.sets)
        found.extend(more)
    return IptablesTree(tuple(files), tuple(sets)), found
