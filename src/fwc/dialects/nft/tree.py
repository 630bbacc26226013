"""Syntax tree of nft rulesets: what the parser produces, lowering builds and the printer writes.

Expressions and statements carry no positions of their own, so that equal ones can be shared; a rule keeps the offsets at
which its statements stand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from fwc.diagnostics import Severity
from fwc.records import Record
from fwc.source import NO_ORIGIN, Origin, SourceFile, Span

# ----- expressions -----------------------------------------------------------


class Word(Record):
    """A bare word, number, address, prefix or range of literals, as written: `tcp`, `0x10`, `10.0.0.0/8`, `80-90`."""

    text: str


class Quoted(Record):
    """A string in double quotes; nft knows no escapes, so the text never holds a quote."""

    text: str


class Var(Record):
    """`$name`."""

    name: str


class Ref(Record):
    """`@name`: a set, map or raw payload."""

    name: str


class Selector(Record):
    """What a packet is asked for: `ip saddr`, `th dport`, `ct original proto-dst`, `fib saddr . iif oif`."""

    text: str


class Concat(Record):
    parts: tuple[Expr, ...]


class RangeOf(Record):
    """A range whose ends are not both literals, or were written with blanks around the dash."""

    low: Expr
    high: Expr


class Prefixed(Record):
    """`$net/24`: a prefix whose base is not a literal."""

    base: Expr
    length: Expr


class Element(Record):
    """A member of a set; `data` is what a map has for it, `options` follow the key verbatim (`timeout 1h comment "x"`)."""

    key: Expr
    data: Expr | None = None
    options: str = ""


class SetOf(Record):
    """`{ a, b }`."""

    elements: tuple[Element, ...]


class Listed(Record):
    """`a,b` outside of braces: an OR of bits, for `ct state` and flags."""

    parts: tuple[Expr, ...]


class Operation(Record):
    """`left op right` with one of `& | ^ << >> /` (the last is nft's `syn / fin,syn`)."""

    op: str
    left: Expr
    right: Expr


BINDS = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4}
"""How closely the operators bind."""


class Mapped(Record):
    """`key map { ... }` or `key map @name`."""

    key: Expr
    source: Expr


class VerdictWord(Record):
    """A verdict as the data of a map: `accept`, `jump x`."""

    word: str
    chain: str = ""


class Verbatim(Record):
    """Tokens that the parser does not take apart, exactly as written."""

    text: str


Expr = (
    Word
    | Quoted
    | Var
    | Ref
    | Selector
    | Concat
    | RangeOf
    | Prefixed
    | SetOf
    | Element
    | Listed
    | Operation
    | Mapped
    | VerdictWord
    | Verbatim
)

# ----- statements ------------------------------------------------------------


class Compare(Record):
    """`left [op] right`; `op` is empty where none is written, which means == (or "has these bits" for bit fields)."""

    left: Expr
    op: str
    right: Expr


class Limit(Record):
    """`limit rate [over] amount/unit [burst n [unit]]`; `amount` with its byte unit (`1 mbytes`), `unit` second..week."""

    over: bool
    amount: int
    bytes: str
    unit: str
    burst: int | None = None
    burst_unit: str = ""


class ConnLimit(Record):
    """`ct count [over] n`."""

    over: bool
    count: int


class Final(Record):
    """accept, drop, return, continue, queue-less verdicts; jump and goto with their chain, or with the rules of a chain that has
    no name."""

    word: str
    chain: str | Expr = ""
    rules: tuple[RuleNode, ...] = ()


class Vmap(Record):
    key: Expr
    source: Expr


class LogTo(Record):
    """`options` are the words after `log` besides prefix, level and group, verbatim."""

    prefix: str | None = None
    level: str = ""
    group: int | None = None
    options: str = ""


class Counter(Record):
    """`name` of a counter object, or the values it was saved with."""

    name: str = ""
    packets: int | None = None
    bytes: int | None = None


class RejectWith(Record):
    """`kind` is empty, `tcp reset`, or like `icmpx admin-prohibited`."""

    kind: str = ""


class Assign(Record):
    """`left set right`: meta mark, ct mark, ip dscp, tcp option maxseg size, ct helper."""

    left: Selector
    right: Expr


class Nat(Record):
    """`kind` is snat, dnat, masquerade or redirect; `family` the word `ip` or `ip6` if written; `prefix` for `ip prefix to`."""

    kind: str
    family: str = ""
    prefix: bool = False
    address: Expr | None = None
    port: Expr | None = None
    flags: tuple[str, ...] = ()
    pair: bool = False  # `addr . port to ...`


class Update(Record):
    """`verb @set { key [timeout t] [statements] [: data] }`; `verb` is add, update or delete, or meter for the old spelling
    `meter set [size n] { ... }`, which makes the set as well."""

    verb: str
    set: str
    key: Expr
    timeout: str = ""
    statements: tuple[Statement, ...] = ()
    data: Expr | None = None
    size: int | None = None


class NoTracking(Record):
    pass


class Foreign(Record):
    """A statement that is not modelled, exactly as written. `terminal`: no later statement of the chain is reached."""

    text: str
    kind: str = ""


Statement = (
    Compare
    | Limit
    | ConnLimit
    | Final
    | Vmap
    | LogTo
    | Counter
    | RejectWith
    | Assign
    | Nat
    | Update
    | NoTracking
    | Foreign
)

# ----- objects and files -----------------------------------------------------


class RuleNode(Record):
    """One rule. `spans` are offsets (start, end) of its statements; `origin` is the policy's text for a lowered rule;
    `empty_comment` where the source says `comment ""`."""

    statements: tuple[Statement, ...]
    comment: str = ""
    start: int = -1
    end: int = -1
    spans: tuple[tuple[int, int], ...] = ()
    empty_comment: bool = False
    origin: Origin = dataclasses.field(default=NO_ORIGIN, compare=False, repr=False)


class Remark(Record):
    """A `#` comment line (text without the sign), or an empty line when `text` is None."""

    text: str | None = None


class Native(Record):
    """Lines that are copied as they are."""

    text: str
    start: int = -1
    end: int = -1


class Hooking(Record):
    """`type filter hook input [device "x"] priority filter;`: `priority` as an integer, `priority_text` as written."""

    type: str
    hook: str
    priority: int | None
    priority_text: str = ""
    devices: tuple[str, ...] = ()


class ChainNode(Record):
    """A chain. `policy` is a word, or empty where none is written (accept)."""

    name: str
    body: tuple[RuleNode | Remark | Native, ...] = ()
    base: Hooking | None = None
    policy: str = ""
    comment: str = ""
    extra: tuple[str, ...] = ()  # `flags offload` and the like
    start: int = -1
    end: int = -1

    @property
    def rules(self) -> list[RuleNode]:
        return [item for item in self.body if isinstance(item, RuleNode)]


class SetNode(Record):
    """A named set or map. `key` are type words of the key; `typeof` is set where the source says `typeof`. `data` is the type
    of a map's values (`verdict`, `ipv4_addr . inet_service`). `properties` are other lines, verbatim (`auto-merge`, `size 5`)."""

    name: str
    kind: str  # set, map, meter
    key: tuple[str, ...] = ()
    typeof: str = ""
    data: str = ""
    flags: tuple[str, ...] = ()
    timeout: str = ""
    size: int | None = None
    properties: tuple[str, ...] = ()
    elements: tuple[Element, ...] = ()
    comment: str = ""
    start: int = -1
    end: int = -1


class ObjectNode(Record):
    """counter, quota, limit, ct helper, ct timeout, ct expectation, flowtable, secmark, synproxy: `lines` verbatim."""

    kind: str
    name: str
    lines: tuple[str, ...] = ()
    start: int = -1
    end: int = -1


TableItem = ChainNode | SetNode | ObjectNode | Remark | Native


class TableNode(Record):
    family: str
    name: str
    items: tuple[TableItem, ...] = ()
    flags: tuple[str, ...] = ()
    comment: str = ""
    explicit_family: bool = True
    start: int = -1
    end: int = -1


class Command(Record):
    """`add rule inet t c ...` and the like. `address` are the words that name the object, `payload` what it is given."""

    verb: str
    object: str
    family: str
    table: str
    name: str = ""
    position: str = ""  # `index 3`, `position 7`, `handle 9`
    payload: TableNode | ChainNode | SetNode | ObjectNode | RuleNode | None = None
    start: int = -1
    end: int = -1


class Define(Record):
    """`define name = value`, `redefine`, `undefine`."""

    verb: str
    name: str
    value: Expr | None
    start: int = -1
    end: int = -1


class Include(Record):
    path: str
    start: int = -1
    end: int = -1


Item = TableNode | Command | Define | Include | Remark | Native


class Tree(Record):
    """A whole file. `natives` of a lowered tree stand inside it; `file` is the text it was parsed from."""

    items: tuple[Item, ...]
    file: SourceFile | None = None
    inner_defines: tuple[Define, ...] = ()  # definitions inside tables; their text stands there as Native

    def span(self, start: int, end: int) -> Span | None:
        return None if self.file is None or start < 0 else Span(self.file, start, end)


class Trouble(Record):
    """A problem found while building a tree, before it is a diagnostic."""

    code: str
    message: str
    start: int
    end: int
    help: str = ""
    severity: Severity = Severity.ERROR


def literals(expr: Expr) -> Iterator[str]:
    """What is written out in a value, in a set or a range of values: no variables, no references to sets."""
    if isinstance(expr, Word | Quoted):
        yield expr.text
    elif isinstance(expr, SetOf):
        for element in expr.elements:
            yield from literals(element.key)
    elif isinstance(expr, Listed):
        for part in expr.parts:
            yield from literals(part)
    elif isinstance(expr, RangeOf):
        yield from literals(expr.low)
        yield from literals(expr.high)
