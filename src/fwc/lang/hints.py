"""Known mistakes: what people write who come from other firewalls, and what to write instead.

Each entry of `_HINTS` looks at one place where a statement stopped making sense and answers None or a `Hint`. The first
answer wins, so the narrow ones stand first. tests/cases/syntax holds an example of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from fwc.net.addresses import parse_v4
from fwc.records import Record


class Place(Record):
    """`word` cannot stand after `before` (the words of the line so far); "" is the end of the line. `expected` are the
    terminals that could. `start` is what kind of line it is."""

    start: str
    word: str
    before: Sequence[str]
    following: Sequence[str]
    expected: frozenset[str]

    @property
    def previous(self) -> str:
        return self.before[-1].strip() if self.before else ""

    @property
    def head(self) -> str:
        """The first word of the line."""
        return self.before[0] if self.before else ""

    @property
    def next(self) -> str:
        return self.following[0] if self.following else ""


class Hint(Record):
    """`help` says what to write; `message` replaces the message when it says more than "unexpected"."""

    help: str = ""
    message: str = ""


_RESERVED_TEXT = (
    "any self from to in if and or not except unless with as for else allow deny reject tcp udp udplite sctp dccp icmp"
    " icmpv6 proto v4 v6 use default"
)
RESERVED = frozenset(_RESERVED_TEXT.split())
_PROTOCOLS = ("tcp", "udp", "sctp", "dccp", "udplite")
_VERDICTS = {
    "drop": "deny", "block": "deny", "discard": "deny", "accept": "allow", "pass": "allow", "permit": "allow",
    "refuse": "reject", "return": "reject",
}  # fmt: skip
_STATEMENT_TEXT = (
    "syntax policy include let settings zone host group set service template use default from to early when allow deny"
    " reject log count jump goto return masquerade snat forward redirect map no-nat mark rewrite clamp notrack helper"
    " chain hook native test assert lint"
)
STATEMENT_WORDS = frozenset(_STATEMENT_TEXT.split())
_SYNONYMS = {
    "src": "from", "source": "from", "saddr": "from", "dst": "to", "dest": "to", "destination": "to", "daddr": "to",
    "where": "if", "when": "if", "interface": "iface", "interfaces": "iface", "network": "net", "networks": "net",
    "subnet": "net", "nets": "net", "addr": "address", "addresses": "address", "port-forward": "forward",
    "dnat": "forward", "rdr": "redirect", "nat": "masquerade", "var": "let", "define": "let", "import": "include",
    "object": "host", "alias": "group", "label": "as", "name": "as", "ratelimit": "limit", "rate-limit": "limit",
    "conn-limit": "max", "service-group": "service", "but": "except", "via": "in", "iif": "iface", "oif": "iface",
    "protocol": "proto", "assertion": "assert", "expected": "expect", "ifaces": "iface",
}  # fmt: skip
_OPTION_TEXT = (
    "limit max with as comment owner ticket expires ignore add stateless disabled hairpin without ports random persistent"
    " per burst level rate if and except in"
)
_OPTION_WORDS = frozenset(_OPTION_TEXT.split())
LIKELY_STATEMENTS = STATEMENT_WORDS | _VERDICTS.keys()
_LITERALS = {"IDENT", "STRING", "INT", "RATE_VALUE", "DATE", "DURATION", "PERCENT", "IFNAME", "VAR", "SETREF"}


def _word_table(p: Place) -> Iterable[str]:
    """The keywords that could stand here, as they are written."""
    several = {
        "ACTION": ("allow", "deny", "reject", "log", "count"), "VERDICT": ("allow", "deny", "reject"),
        "L4": _PROTOCOLS, "HOOK_NAME": ("input", "forward", "output"), "SIDE": ("source", "destination"),
        "SET_TYPE": ("addresses", "networks", "ports", "macs", "ifaces"), "QUANT": ("never", "always", "some"),
        "LINT_LEVEL": ("error", "warn", "off"), "REWRITE_FIELD": ("dscp", "ttl", "ctmark", "priority"),
        "FAMILY": ("v4", "v6"),
    }  # fmt: skip
    skipped = _LITERALS | {"OS_PREFIX", "NAME_PORT", "RAWTEXT", "MAC_ADDR", "CMP", "CLOCK"}
    for terminal in sorted(p.expected):
        if terminal in several:
            yield from several[terminal]
        elif terminal.isupper() and terminal[0] != "_" and terminal not in skipped and not terminal[-1].isdigit():
            yield terminal.lower().replace("_", "-")


# ----- characters ------------------------------------------------------------


def _strings(p: Place) -> Hint | None:
    if p.word.startswith('"'):
        if "RAWTEXT" in p.expected and p.word == '""':
            return Hint('close it with `"""`', "this text is never closed")
        if p.word.count('"') == 1 or p.word.endswith('\\"'):
            return Hint('close it with `"` on the same line', "this string is never closed")
    if p.word[:1] in ("'", "`", "\u201c", "\u201d", "\u2018"):
        return Hint('strings stand in double quotes: `"text"`', f"`{p.word[0]}` does not begin a string")
    return None


def _comments(p: Place) -> Hint | None:
    if p.word.startswith(("//", "/*", "*/", "--")):
        return Hint("write `# comment`", "comments begin with `#`")
    return None


def _blanks(p: Place) -> Hint | None:
    if len(p.word) == 1 and p.word in "\u00a0\u2007\u202f\u200b\u3000\ufeff\x0b\x0c":
        return Hint("write a space", f"the character U+{ord(p.word):04X} looks like a space but is none")
    if p.word == "\\":
        return Hint("remove what follows it", "a `\\` continues a line only at its end")
    return None


def _letters(p: Place) -> Hint | None:
    if p.word and "IDENT" in p.expected and any(c.isalpha() and not c.isascii() for c in p.word):
        return Hint("names are made of the letters A to Z, digits, `_` and `-`", f"`{p.word}` is not a name")
    return None


# ----- operators -------------------------------------------------------------


def _operators(p: Place) -> Hint | None:
    if p.word.startswith("!"):
        return Hint(
            "for addresses and zones write `A except B`; for a condition write `not`", "`!` is not how to negate"
        )
    if p.word in ("or", "||", "|"):
        return Hint(
            "a comma means OR inside one field; different fields are different rules", f"there is no `{p.word}`"
        )
    if p.word in ("&&", "&"):
        return Hint("conditions are joined with `and`", f"there is no `{p.word}`")
    if p.word == "and" and "_COMMA" in p.expected:
        return Hint("write a comma: `and` joins conditions", "`and` does not join the items of a list")
    if p.word in ("=>", "=", "==", "<-", "<->", "\u2192", ">") and "_ARROW" in p.expected:
        return Hint("write `->`", f"`{p.word}` is not an arrow")
    if p.word in ("->", "=>", "=") and "_BIARROW" in p.expected:
        return Hint("write `<->`: `map` works in both directions", f"`{p.word}` is not `<->`")
    if p.word in ("==", "=", "!=", "=>") and "CMP" in p.expected:
        return Hint("write `< N`, `<= N`, `> N`, `>= N`, a range, or the number alone", f"`{p.word}` is no comparison")
    if p.word in (":=", "==", ":") and "_EQUAL" in p.expected:
        return Hint("write `=`")
    return None


def _not_in_list(p: Place) -> Hint | None:
    if p.word == "not" and "SELF" in p.expected:
        who = p.next or "x"
        return Hint(f"write `any except {who}`", "`not` negates a condition, not a list")
    if p.word == "except" and p.previous in ("if", "and"):
        return Hint("write `not`", "`except` takes from a list; conditions are negated with `not`")
    return None


# ----- verdicts and statements -----------------------------------------------


def _verdicts(p: Place) -> Hint | None:
    low = p.word.lower()
    if low in _VERDICTS and p.expected & {"ACTION", "VERDICT"}:
        return Hint(f"write `{_VERDICTS[low]}`", f"there is no verdict `{p.word}`")
    return None


def _foreign(p: Place) -> Hint | None:
    if p.before or p.start != "stmt":
        return None
    if re.fullmatch(r"-[AIPND]|\*(?:filter|nat|raw|mangle)|COMMIT|iptables|ip6tables|:[A-Z]+", p.word):
        return Hint("a policy is written in the language of fwc", "this is iptables, not a policy")
    if p.word in ("table", "flush") or (p.word == "add" and p.next in ("table", "chain", "rule")):
        return Hint("a policy is written in the language of fwc", "this is nftables, not a policy")
    if p.word in ("scrub", "antispoof", "anchor") or (p.word in ("pass", "block") and p.next in ("in", "out")):
        return Hint("a policy is written in the language of fwc", "this is pf.conf, not a policy")
    return None


def _line_starts(p: Place) -> Hint | None:
    if p.before:
        return None
    if p.word == "else":
        return Hint("write `} else {` on one line", "`else` begins a line")
    if p.word == "{":
        return Hint("write it at the end of the line before", "this `{` belongs to no statement")
    if p.word[:1] == "," or p.word in ("from", "to", "if", "as", "with") or p.word == "and":
        return Hint("a line goes on only after a comma, inside a braced list, or after a final `\\`")
    if p.start == "stmt" and p.word in _OPTION_WORDS:
        return Hint(
            "options stand on the line of their rule, or in a `{ }` block at its end", f"`{p.word}` begins a line"
        )
    if p.start == "stmt" and p.next == "=" and re.fullmatch(r"\$?[A-Za-z_][\w-]*", p.word):
        return Hint(f"write `let {p.word.lstrip('$')} = ...`, or `host`, `group`, `service` in front of the name")
    return None


def _capitals(p: Place) -> Hint | None:
    low = p.word.lower()
    if low != p.word and low in _word_table(p):
        return Hint(f"write `{low}`", "keywords are lower case")
    return None


# ----- traffic ---------------------------------------------------------------


def _port_word(p: Place) -> Hint | None:
    if p.word in ("port", "ports", "dport", "dports") and p.previous in _PROTOCOLS:
        return Hint(
            f"write `{p.previous} {p.next or '80'}`", f"`{p.word}` is not written: the number follows the protocol"
        )
    if p.previous in ("port", "ports", "dport") and re.fullmatch(r"[\d-]+", p.word):
        protocol = p.following[1] if len(p.following) > 1 and p.following[0] == "proto" else "tcp"
        return Hint(f"write `{protocol} {p.word}`", "a port follows its protocol")
    if p.word == "sport" and "SPORT" not in p.expected and "IF" in p.expected:
        return Hint("write it after the protocol: `udp 67 sport 68`, or as a condition: `if sport 68`")
    return None


def _port_forms(p: Place) -> Hint | None:
    if not p.expected & {"INT", "L4"}:
        return None
    swapped = re.fullmatch(r"(\d+)/(tcp|udp|sctp|dccp)", p.word) or re.fullmatch(
        r"(tcp|udp|sctp|dccp)[/:](\d+)", p.word
    )
    if swapped:
        number, protocol = swapped.groups() if swapped[1].isdigit() else (swapped[2], swapped[1])
        return Hint(f"write `{protocol} {number}`", f"`{p.word}` is not how ports are written")
    ranged = re.fullmatch(r"(\d+)(?::|\.\.+)(\d+)", p.word)
    if ranged and "PORTRANGE" in p.expected:
        return Hint(f"write `{ranged[1]}-{ranged[2]}`", f"`{p.word}` is not a range")
    if re.fullmatch(r"\d{19,}", p.word):
        return Hint("", "this number is too large")
    return None


def _proto(p: Place) -> Hint | None:
    if p.previous == "proto" and p.word in (*_PROTOCOLS, "icmp", "icmpv6"):
        return Hint(f"write `{p.word}` alone, with a port after it", f"`proto` is for protocols other than {p.word}")
    if p.word == "proto" and "PROTO" not in p.expected:
        return Hint("the protocol stands before the port: `tcp 22`")
    if p.word == "any" and p.previous in (*_PROTOCOLS, "icmp", "icmpv6"):
        return Hint(f"write `{p.previous}` alone", f"`{p.previous}` without a port already means every port")
    return None


# ----- lists and clauses -------------------------------------------------------


def _empty_list(p: Place) -> Hint | None:
    if p.word == "}" and p.previous == "{":
        return Hint("write `any` for everything, or give the list a member", "a list cannot be empty")
    return None


def _after_comma(p: Place) -> Hint | None:
    if (
        p.previous.startswith(",")
        and (p.word in RESERVED or p.word in ("{", "}", "", ","))
        and p.word not in ("any", "self")
    ):
        return Hint("remove the comma, or write another item after it", "a comma is followed by another item")
    if p.word[:1] == "," and p.previous.startswith(","):
        return Hint("remove one of the commas")
    return None


def _endpoint_port(p: Place) -> Hint | None:
    if "SELF" not in p.expected and not (p.previous in ("from", "to", ",") and p.before):
        return None
    if re.fullmatch(r"[\w.$-]+:\d[\d-]*|\[[0-9a-fA-F:]+\]:\d+", p.word):
        host, _, port = p.word.rpartition(":")
        return Hint(
            f"write `tcp {port}` as the traffic and `{host.strip('[]')}` here", "a port does not belong to an address"
        )
    if re.fullmatch(r"\[[0-9a-fA-F:]+\]", p.word):
        return Hint(f"write `{p.word[1:-1]}`", "brackets are for an address with a port")
    return None


def _missing_to(p: Place) -> Hint | None:
    if "TO" in p.expected and "_COMMA" in p.expected and _is_item(p) and "from" in p.before and "to" not in p.before:
        return Hint(
            f"write `to {p.word}`, or a comma when `{p.word}` is another source",
            f"`to` is missing before `{p.word}`",
        )
    return None


def _missing_comma(p: Place) -> Hint | None:
    if "_COMMA" in p.expected and _is_item(p) and p.word not in _SYNONYMS and not _near(p.word, _word_table(p)):
        return Hint(f"write a comma between `{p.previous}` and `{p.word}`, if both are items of one list")
    return None


def _is_item(p: Place) -> bool:
    word = p.word
    if word in ("self", "any"):
        return True
    return (
        word not in RESERVED
        and re.fullmatch(r"[A-Za-z_@$][\w-]*|[0-9A-Fa-f]*[:.][0-9A-Fa-f:./-]*|\d[\d-]*", word) is not None
    )


def _missing_word(p: Place) -> Hint | None:
    """Statements that need a word before what was found."""
    if (
        "FOR" in p.expected
        and (p.word in RESERVED or _is_item(p))
        and p.head in ("mark", "rewrite", "clamp", "helper", "jump", "goto")
    ):
        return Hint(f"write `for {p.word}`", f"`for` is missing before `{p.word}`")
    starts_value = p.word == "{" or p.word in _PROTOCOLS or _is_item(p)
    if "_EQUAL" in p.expected and starts_value and p.head in ("group", "service", "let", "host"):
        return Hint(f"write `{p.head} {p.previous} = {p.word} ...`", "`=` is missing")
    if p.head in ("log", "count") and p.word.startswith('"') and "from" not in p.before:
        return Hint(f"write `{p.head} WHAT from A to B log {p.word}`", f"`{p.head}` first says what, from and to")
    if p.head == "set" and "OF" in p.expected:
        return Hint(f"write `set {p.previous} of addresses ...`", "a set says what it holds")
    if p.head == "zone" and p.word == "=":
        return Hint(f"write `zone {p.previous} {{ iface {p.next or 'eth0'} }}`", "a zone is a block")
    if p.head == "template" and p.word == "{" and "_LPAR" in p.expected:
        return Hint(f"write `template {p.previous}() {{`", "a template has parentheses")
    if p.head == "packet" and "_ARROW" in p.expected and p.word:
        return Hint("write `packet tcp SOURCE -> DESTINATION ... expect allow`", "`->` is missing")
    return None


def _line_ends(p: Place) -> Hint | None:
    if p.word:
        return None
    if "BECAUSE" in p.expected:
        return Hint('write `because "the reason"`', "an exception needs its reason")
    if "_ARROW" in p.expected and p.head in ("forward", "redirect", "snat"):
        return Hint("write `-> ADDRESS` or `-> ADDRESS:PORT` before the options", "the new address is missing")
    if "EXPECT" in p.expected:
        return Hint("write `expect allow`, `expect deny` or `expect reject`", "the expected verdict is missing")
    if "_LBRACE" in p.expected and p.head in ("zone", "chain"):
        return Hint(f"write `{p.head} {p.previous} {{ ... }}`", f"the block of this {p.head} is missing")
    if p.head == "masquerade":
        return Hint("write `masquerade from INSIDE to OUTSIDE`", "`masquerade` says from where and to where")
    if p.head in ("allow", "deny", "reject") and "L4" in p.expected and len(p.before) == 1:
        return Hint(f"write `{p.head} any from ... to ...` for everything", "the traffic is missing")
    return None


# ----- values ----------------------------------------------------------------


def _rates(p: Place) -> Hint | None:
    if "RATE_VALUE" not in p.expected or "VAR" not in p.expected or "ADDR4" in p.expected:
        return None
    number = re.match(r"\d+", p.word)
    if number:
        unit = next((w for w in p.following if w in ("second", "minute", "hour", "day")), "minute")
        return Hint(f"write `{number[0]}/{unit}`", f"`{p.word}` is not a rate")
    return None


def _durations(p: Place) -> Hint | None:
    if p.expected == {"DURATION"}:
        number = re.match(r"\d+", p.word)
        return Hint(
            f"write `{number[0]}s`, `{number[0]}m` or `{number[0]}h`" if number else "write `30s`, `10m`, `6h`, `7d`"
        )
    return None


def _dates(p: Place) -> Hint | None:
    if p.expected == {"DATE"}:
        return Hint("dates are written YYYY-MM-DD, without quotes")
    if p.expected == {"TIMERANGE"}:
        return Hint("a time range is written 08:00-18:00, without blanks")
    if p.expected == {"PERCENT"}:
        number = re.match(r"[\d.]+", p.word)
        return Hint(f"write `{number[0]}%`" if number else "write `1%`")
    return None


def _quotes(p: Place) -> Hint | None:
    if "STRING" in p.expected and "IDENT" not in p.expected and p.word and p.word not in ("{", "}"):
        if p.previous == "log" and p.word == "prefix":
            return Hint(f"write `log {p.next or 'text'}`", "the prefix follows `log` without a word of its own")
        if p.expected == {"STRING"} or (re.fullmatch(r"[\w./*-]+", p.word) and p.head in ("test", "policy", "include")):
            return Hint(f'write `"{p.word}"`', f"`{p.word}` must stand in quotes")
    return None


def _addresses(p: Place) -> Hint | None:
    if "ADDR4" not in p.expected:
        return None
    base, slash, mask = p.word.partition("/")
    if slash and "." in mask:
        length = _mask_length(mask)
        return Hint(
            f"write `{base}/{length}`" if length is not None else "write the length of the prefix",
            "netmasks are written as a length",
        )
    if re.fullmatch(r"[0-9A-Fa-f:]+:[0-9A-Fa-f:]*%\S+", p.word):
        return Hint(
            f"write `{p.word.split('%')[0]}`, and the interface with `iface`", "an address has no interface in it"
        )
    if re.fullmatch(r"\d+(?:\.(?:\d+|\*|x)){1,3}(?:/\d+)?", p.word) or re.fullmatch(r"\d+/\d+", p.word):
        return Hint(
            "an IPv4 address has four numbers from 0 to 255; write a network as `10.0.0.0/8`",
            f"`{p.word}` is not an IPv4 address",
        )
    if re.fullmatch(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}", p.word):
        return Hint(f'write `dns "{p.word}"`', f"`{p.word}` is not an address")
    return None


def _mask_length(mask: str) -> int | None:
    value = parse_v4(mask)
    if value is None:
        return None
    length = value.bit_count()
    return length if value == (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF else None


def _names(p: Place) -> Hint | None:
    if len(p.before) == 1 and p.word in ("from", "to", "if") and p.head in ("allow", "deny", "reject", "log", "count"):
        return Hint(f"write `{p.head} any {p.word} ...` for everything", "the traffic is missing")
    if "IDENT" in p.expected and p.word in RESERVED and not p.expected & {"SELF", "_COMMA", "TO"}:
        return Hint("choose another name", f"`{p.word}` is a reserved word and cannot be a name")
    if (
        p.head in ("let", "group", "host", "zone", "service", "set", "template", "chain")
        and len(p.before) == 1
        and p.word
    ):
        if p.word[0] in "$@":
            return Hint(f"write `{p.head} {p.word[1:]}`: `{p.word[0]}` is for its uses")
        return Hint(
            "a name begins with a letter; letters, digits, `_` and single `-` follow", f"`{p.word}` is not a name"
        )
    if (
        "IFNAME" in p.expected
        and "IDENT" not in p.expected
        and len(p.word) > 15
        and re.fullmatch(r"[\w.@-]+[*+]?", p.word)
    ):
        return Hint("the kernel's names have at most 15 characters", f"`{p.word}` is too long for an interface")
    if p.head == "let" and p.word[:1] == ",":
        return Hint("a `let` holds one value; write a `group`, a `service` or a `set`")
    return None


def _states(p: Place) -> Hint | None:
    if p.previous in ("if", "not", "and") and p.word in ("new", "established", "related", "invalid", "untracked"):
        return Hint(f"write `state {p.word}`")
    return None


def _synonyms(p: Place) -> Hint | None:
    other = _SYNONYMS.get(p.word)
    if other is not None and other in _word_table(p):
        return Hint(f"write `{other}`")
    return None


def _similar(p: Place) -> Hint | None:
    near = _near(p.word, _word_table(p))
    return Hint(f"did you mean `{near}`?") if near else None


def _near(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate at the smallest edit distance, when it is small for the word's length."""
    if not 3 <= len(word) <= 20:
        return None
    best, limit = None, 1 if len(word) < 6 else 2
    for candidate in candidates:
        if abs(len(candidate) - len(word)) <= limit:
            distance = _distance(word, candidate)
            if distance <= limit and (distance < limit or best is None):
                best, limit = candidate, distance
    return best


def _distance(a: str, b: str) -> int:
    """Edits, with swapped neighbours as one."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        before, last, row = row, before, [i + 1]
        for j, y in enumerate(b):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (x != y))
            if i and j and x == b[j - 1] and a[i - 1] == y:
                cost = min(cost, last[j - 1] + 1)
            row.append(cost)
    return row[-1]


_HINTS: tuple[Callable[[Place], Hint | None], ...] = (
    _strings, _comments, _blanks, _operators, _not_in_list, _foreign, _verdicts, _line_starts, _port_word, _port_forms,
    _proto, _empty_list, _after_comma, _line_ends, _rates, _durations, _dates, _quotes, _endpoint_port, _addresses,
    _letters, _states, _missing_word, _capitals, _synonyms, _similar, _names, _missing_to, _missing_comma,
)  # fmt: skip


def hint(place: Place) -> Hint:
    """What is known about this mistake; an empty hint when nothing is."""
    for entry in _HINTS:
        found = entry(place)
        if found is not None:
            return found
    return Hint()
