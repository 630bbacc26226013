"""pass, block and anchor rules of pf.conf."""

from __future__ import annotations

import re
from collections.abc import Callable

from fwc.dialects.pf.hosts import from_to, host, icmp_test, id_test
from fwc.dialects.pf.lexer import NEWLINE, NUMBER, PUNCT
from fwc.dialects.pf.reader import Reader
from fwc.dialects.pf.tree import Filter, Flags, Host, IcmpTest, IdTest, Peer, RouteTo, State, Statement
from fwc.dialects.pf.words import FLAG_BITS, ICMP4_CODES, ICMP6_CODES, LATER_OPTIONS, TIMEOUTS, TOS_WORDS
from fwc.net.hooks import Family

_PROBABILITY = re.compile(r"[0-9]*\.?[0-9]+(?:e-?[0-9]+)?%?\Z")
POOL_WORDS = frozenset(
    ("bitmask", "random", "source-hash", "round-robin", "static-port", "sticky-address", "extfilter")
)


def direction(r: Reader) -> str:
    if r.key("in"):
        return "in"
    return "out" if r.key("out") else ""


def family(r: Reader) -> Family | None:
    if r.key("inet"):
        return Family.V4
    return Family.V6 if r.key("inet6") else None


def _icmp_code(r: Reader, codes: dict[tuple[int, str], int], type_: int) -> int:
    at = r.at
    text = r.text_or_number("an ICMP code")
    value = int(text[:6]) if text.isascii() and text.isdigit() else codes.get((type_, text), 256)
    if value > 255:
        raise r.fail(f"unknown icmp code {text}", at)
    return value


def block_answer(r: Reader) -> tuple[str, tuple[int, ...]]:
    """What stands after `block`."""
    for word in ("drop", "return"):
        if r.key(word):
            return word, ()
    if r.key("return-rst"):
        if r.punct("("):
            r.need_key("ttl")
            ttl = r.number("a TTL", 255)
            r.need(")")
            return "return-rst", (ttl,)
        return "return-rst", ()
    if r.key("return-icmp"):
        if not r.punct("("):
            return "return-icmp", ()
        codes = [_icmp_code(r, ICMP4_CODES, 3)]
        if r.punct(","):
            codes.append(_icmp_code(r, ICMP6_CODES, 1))
        r.need(")")
        return "return-icmp", tuple(codes)
    if r.key("return-icmp6"):
        if not r.punct("("):
            return "return-icmp6", ()
        code = _icmp_code(r, ICMP6_CODES, 1)
        r.need(")")
        return "return-icmp6", (code,)
    return "", ()


def route(r: Reader) -> RouteTo | None:
    if r.key("fastroute"):
        return RouteTo("fastroute")
    for word in ("route-to", "reply-to", "dup-to"):
        if r.key(word):
            targets = tuple(r.one_or_list(lambda: _route_target(r)))
            return RouteTo(word, targets, pool_options(r))
    return None


def _route_target(r: Reader) -> tuple[str, Host | None]:
    if r.punct("("):
        name = r.text("an interface")
        gateway = host(r)
        r.need(")")
        return name, gateway
    if not r.macos and not r.is_text():
        return "", host(r)
    return r.text("an interface"), None


def pool_options(r: Reader) -> tuple[str, ...]:
    out: list[str] = []
    while r.values[r.at] in POOL_WORDS and r.kinds[r.at] <= 1:
        word = r.values[r.at]
        r.at += 1
        if word == "source-hash" and r.is_text():
            word = f"source-hash {r.text('a hash key')}"
        elif word == "extfilter":
            word = f"extfilter {r.text('ei, ad or apd')}"
        out.append(word)
    return tuple(out)


def parse_flags(r: Reader) -> Flags:
    if r.key("any"):
        return Flags(any=True)
    first = r.at
    ones = 0 if r.values[r.at] == "/" else _flag_bits(r)
    r.need("/")
    mask = _flag_bits(r)
    if ones & mask != ones:
        raise r.fail("these flags can never match: a flag that must be set is not in the mask", first)
    return Flags(ones, mask)


def _flag_bits(r: Reader) -> int:
    first = r.at
    text = r.text("TCP flags")
    bits = 0
    for letter in text:
        if letter not in FLAG_BITS:
            raise r.fail(f"unknown TCP flag {letter}", first)
        bits |= FLAG_BITS[letter]
    return bits


def state_options(r: Reader) -> tuple[tuple[str, ...], ...]:
    if not r.punct("("):
        return ()
    out: list[tuple[str, ...]] = []
    seen: set[str] = set()
    while True:
        first = r.at
        option = _state_option(r)
        if option[0] in seen and option[0] != "overload":
            raise r.fail(f"'{option[0]}' is given twice", first)
        seen.add(option[0])
        out.append(option)
        r.newlines()
        r.punct(",")
        r.newlines()
        if r.punct(")"):
            return tuple(out)


def _state_option(r: Reader) -> tuple[str, ...]:
    first = r.at
    word = r.values[first]
    if r.kinds[first] > 1:
        raise r.unexpected("a state option")
    r.at += 1
    if word in ("max", "max-src-states", "max-src-conn", "max-src-nodes"):
        return word, str(r.number("a count"))
    if word == "max-src-conn-rate":
        count = r.number("a count")
        r.need("/")
        return word, f"{count}/{r.number('seconds')}"
    if word == "overload":
        name = r.table_name()
        if not r.key("flush"):
            return word, f"<{name}>"
        return (word, f"<{name}>", "flush", "global") if r.key("global") else (word, f"<{name}>", "flush")
    if word == "source-track":
        if r.key("rule") or r.key("global"):
            return word, r.values[r.at - 1]
        return (word,)
    if word in ("if-bound", "floating", "no-sync"):
        return (word,)
    if word in TIMEOUTS:
        return word, str(r.number("seconds"))
    if word in ("sloppy", "pflow", "allow-related"):
        r.later(word, first)
        return (word,)
    if not r.macos and r.kinds[r.at] == NUMBER:
        r.later(word, first)
        return word, str(r.number("a count"))
    raise r.fail(f"unknown state option {word}", first)


class _Options:
    """The options of a rule while they are read."""

    __slots__ = ("fields", "first_of")

    def __init__(self) -> None:
        self.fields: dict[str, object] = {}
        self.first_of: dict[str, int] = {}

    def once(self, r: Reader, name: str, value: object, at: int) -> None:
        if name in self.fields:
            raise r.fail(f"'{name}' cannot be given twice in one rule", at)
        self.fields[name] = value


def filter_options(r: Reader, in_anchor: bool) -> dict[str, object]:
    """Every option up to the line end or `{`, as fields of `Filter`."""
    options = _Options()
    while not r.end_of_line() and r.values[r.at] not in ("{", "}"):
        at = r.at
        if r.punct("!"):
            r.need_key("tagged") if not (not r.macos and r.peek("received-on")) else None
            if r.values[r.at - 1] == "tagged":
                options.once(r, "tagged", r.tag(), at)
                options.fields["not_tagged"] = True
            else:
                _later_option(r, options)
            continue
        if r.kinds[at] > 1:
            raise r.unexpected("an option")
        handler = _OPTIONS.get(r.values[at])
        if handler is not None:
            r.at += 1
            handler(r, options, at)
        else:
            _later_option(r, options)
    if in_anchor and "state" in options.fields:
        raise r.fail("an anchor takes no state options", options.first_of.get("state", r.at))
    return options.fields


def _later_option(r: Reader, options: _Options) -> None:
    """A word of another pf: kept verbatim up to the next option that is known."""
    first = r.at
    word = r.values[first]
    if r.macos or (word not in LATER_OPTIONS and word not in ("from", "to", "all", "inet", "inet6", "proto", "quick")):
        raise r.unexpected("an option")
    r.later(word, first)
    r.at += 1
    depth = 0
    while not r.end_of_line():
        value, kind = r.values[r.at], r.kinds[r.at]
        if kind == PUNCT and value in "({":
            depth += 1
        elif kind == PUNCT and value in ")}":
            depth -= 1
        elif depth <= 0 and kind <= 1 and (value in _OPTIONS or value in LATER_OPTIONS) and r.at > first + 1:
            break
        r.at += 1
    span = r.span(first)
    extra = options.fields.get("extra", ())
    assert isinstance(extra, tuple)
    options.fields["extra"] = (*extra, " ".join(span.text.replace("\\\n", " ").split()))


def _users(r: Reader, o: _Options, at: int) -> None:
    o.fields["users"] = tuple(r.one_or_list(lambda: id_test(r)))


def _groups(r: Reader, o: _Options, at: int) -> None:
    o.fields["groups"] = tuple(r.one_or_list(lambda: id_test(r)))


def _flags(r: Reader, o: _Options, at: int) -> None:
    o.once(r, "flags", parse_flags(r), at)


def _icmp4(r: Reader, o: _Options, at: int) -> None:
    o.once(r, "icmp", tuple(r.one_or_list(lambda: icmp_test(r, Family.V4))), at)


def _icmp6(r: Reader, o: _Options, at: int) -> None:
    o.once(r, "icmp", tuple(r.one_or_list(lambda: icmp_test(r, Family.V6))), at)


def _tos(r: Reader, o: _Options, at: int) -> None:
    text = r.text_or_number("a tos value")
    value = TOS_WORDS.get(text)
    if value is None:
        try:
            value = int(text, 16 if text.startswith("0x") else 10) if len(text) < 8 else 256
        except ValueError:
            value = 256
    if not 0 < value <= 255:
        if r.macos:
            raise r.fail(f"illegal tos value {text}", at + 1)
        r.later(f"tos {text}", at)
        extra = o.fields.get("extra", ())
        assert isinstance(extra, tuple)
        o.fields["extra"] = (*extra, f"tos {text}")
        return
    o.once(r, "tos", value, at)


def _state(kind: str) -> Callable[[Reader, _Options, int], None]:
    def read(r: Reader, o: _Options, at: int) -> None:
        r.need_key("state")
        o.first_of["state"] = at
        o.once(r, "state", State(kind, () if kind == "no" else state_options(r)), at)

    return read


def _plain(name: str) -> Callable[[Reader, _Options, int], None]:
    def read(r: Reader, o: _Options, at: int) -> None:
        o.fields[name] = True

    return read


def _label(r: Reader, o: _Options, at: int) -> None:
    o.once(r, "label", r.label(), at)


def _tag(r: Reader, o: _Options, at: int) -> None:
    o.fields["tag"] = r.tag()


def _tagged(r: Reader, o: _Options, at: int) -> None:
    o.once(r, "tagged", r.tag(), at)


def _queue(r: Reader, o: _Options, at: int) -> None:
    if r.punct("("):
        names = [r.text("a queue")]
        while not r.punct(")"):
            r.punct(",")
            names.append(r.text("a queue"))
        o.once(r, "queue", tuple(names), at)
    else:
        o.once(r, "queue", (r.text("a queue"),), at)


def _probability(r: Reader, o: _Options, at: int) -> None:
    text = r.text_or_number("a probability")
    value = float(text.rstrip("%")) / (100 if text.endswith("%") else 1) if _PROBABILITY.match(text) else -1.0
    if r.kinds[r.at - 1] == NUMBER and value > 1:
        value = -1.0
    if not 0 < value <= 1:
        raise r.fail(f"invalid probability {text}", at + 1)
    o.once(r, "probability", text, at)


def _rtable(r: Reader, o: _Options, at: int) -> None:
    o.fields["rtable"] = r.number("a routing table", 255)


_OPTIONS: dict[str, Callable[[Reader, _Options, int], None]] = {
    "user": _users,
    "group": _groups,
    "flags": _flags,
    "icmp-type": _icmp4,
    "icmp6-type": _icmp6,
    "tos": _tos,
    "keep": _state("keep"),
    "modulate": _state("modulate"),
    "synproxy": _state("synproxy"),
    "no": _state("no"),
    "fragment": _plain("fragment"),
    "allow-opts": _plain("allow_opts"),
    "label": _label,
    "tag": _tag,
    "tagged": _tagged,
    "queue": _queue,
    "probability": _probability,
    "rtable": _rtable,
}


def filter_rule(r: Reader) -> Filter:
    """A rule that begins with pass, block or match."""
    first = r.at
    action = r.values[first]
    r.at += 1
    if action == "match":
        r.later("match", first)
    answer, codes = block_answer(r) if action == "block" else ("", ())
    way = direction(r)
    log, quick = r.log_quick()
    if not way and not r.macos and not quick:
        way = direction(r)
    ifaces = r.on()
    routed = route(r)
    af = family(r)
    protos = r.protocols()
    source, dest = from_to(r)
    options = filter_options(r, False)
    return _build(r, first, action, answer, codes, way, log, quick, ifaces, routed, af, protos, source, dest, options)


def _tuple(options: dict[str, object], name: str) -> tuple[object, ...]:
    value = options.get(name, ())
    assert isinstance(value, tuple)
    return value


def _build(
    r: Reader,
    first: int,
    action: str,
    answer: str,
    codes: tuple[int, ...],
    way: str,
    log: tuple[str, ...] | None,
    quick: bool,
    ifaces: tuple[object, ...],
    routed: RouteTo | None,
    af: Family | None,
    protos: tuple[int, ...],
    source: Peer,
    dest: Peer,
    options: dict[str, object],
) -> Filter:
    flags, state, tos, rtable = options.get("flags"), options.get("state"), options.get("tos"), options.get("rtable")
    return Filter(
        action,
        answer,
        codes,
        way,
        log,
        quick,
        ifaces,  # type: ignore[arg-type]
        routed,
        af,
        protos,
        source,
        dest,
        tuple(i for i in _tuple(options, "users") if isinstance(i, IdTest)),
        tuple(i for i in _tuple(options, "groups") if isinstance(i, IdTest)),
        flags if isinstance(flags, Flags) else None,
        tuple(i for i in _tuple(options, "icmp") if isinstance(i, IcmpTest)),
        tos if isinstance(tos, int) else None,
        state if isinstance(state, State) else None,
        bool(options.get("fragment")),
        bool(options.get("allow_opts")),
        str(options.get("label", "")),
        tuple(str(i) for i in _tuple(options, "queue")),
        str(options.get("tag", "")),
        str(options.get("tagged", "")),
        bool(options.get("not_tagged")),
        str(options.get("probability", "")),
        rtable if isinstance(rtable, int) else None,
        tuple(str(i) for i in _tuple(options, "extra")),
        span=r.span(first),
    )


def anchor_rule(r: Reader, body: Callable[[Reader], tuple[Statement, ...]]) -> Filter:
    """`anchor [NAME] ... [{ rules }]`; `body` reads the rules between the braces."""
    first = r.at
    r.at += 1
    name = ""
    if r.is_text():
        name = r.text("an anchor name")
        check_anchor_name(r, name, r.at - 1)
    way = direction(r)
    log, quick = r.log_quick()
    if log is not None and r.macos:
        raise r.fail("an anchor takes no log", first)
    ifaces = r.on()
    af = family(r)
    protos = r.protocols()
    source, dest = from_to(r)
    options = filter_options(r, True)
    inner: tuple[Statement, ...] | None = None
    if r.punct("{"):
        if r.kinds[r.at] != NEWLINE and r.macos:
            raise r.unexpected("a line end after '{'")
        inner = body(r)
        r.need("}")
    elif not name:
        raise r.fail("an anchor without a name needs its rules in braces", first)
    rule = _build(r, first, "anchor", "", (), way, log, quick, ifaces, None, af, protos, source, dest, options)
    return Filter(**{f: getattr(rule, f) for f in _FIELDS if f not in ("anchor", "body")}, anchor=name, body=inner)


_FIELDS = tuple(Filter.__dataclass_fields__)


def check_anchor_name(r: Reader, name: str, at: int) -> None:
    if name.startswith("_"):
        raise r.fail("anchor names that begin with '_' are reserved", at)
    if any(len(part) > 63 for part in name.split("/")) or len(name) > 1023:
        raise r.fail("a part of an anchor name has at most 63 characters", at, "shorten it", "FW615")
