"""Tree to pf.conf text, one statement a line, in the word order that every pfctl takes."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.dialects.pf.tree import (
    Antispoof,
    Comment,
    Dummynet,
    Filter,
    Flags,
    Host,
    HostKind,
    IcmpTest,
    IdTest,
    Iface,
    Include,
    LoadAnchor,
    Macro,
    Peer,
    PfFile,
    Pool,
    PortTest,
    RouteTo,
    Scrub,
    SetOption,
    State,
    Statement,
    TableDef,
    Translation,
    Verbatim,
)
from fwc.dialects.pf.words import FLAG_BITS, KEYWORDS, PROTOCOL_NAMES
from fwc.net.addresses import format_address, format_run
from fwc.net.hooks import Family

_FLAG_NAMES = tuple((bit, letter) for letter, bit in FLAG_BITS.items())
_WORD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.-")


def to_text(tree: PfFile) -> str:
    """The whole file, ending in a line end."""
    return "".join(f"{line}\n" for statement in tree.statements for line in lines(statement))


def lines(statement: Statement) -> list[str]:
    """The lines of one statement."""
    if isinstance(statement, Filter):
        return _filter(statement)
    if isinstance(statement, Translation):
        return [_translation(statement)]
    if isinstance(statement, TableDef):
        return _table(statement)
    if isinstance(statement, Scrub):
        return [_scrub(statement)]
    if isinstance(statement, Comment):
        return [f"# {statement.text}"] if statement.text else [""]
    if isinstance(statement, SetOption):
        return [_set(statement)]
    if isinstance(statement, Antispoof):
        return [_antispoof(statement)]
    if isinstance(statement, Macro):
        return [f"{statement.name} = {quote(statement.value)}"]
    if isinstance(statement, LoadAnchor):
        return [f"load anchor {quote(statement.anchor)} from {quote(statement.file)}"]
    if isinstance(statement, Include):
        return [f"include {quote(statement.file)}"]
    if isinstance(statement, Dummynet | Verbatim):
        return statement.text.split("\n")
    raise AssertionError(statement)


def quote(text: str) -> str:
    """A quoted string; pfctl knows no escape but the quote's own, and drops line ends."""
    if '"' in text and "'" not in text and "\\" not in text:
        return f"'{text}'"
    return '"' + text.replace('"', '\\"') + '"'


def _word(text: str) -> str:
    """A bare word where pfctl reads one as text, quoted otherwise."""
    if (
        text
        and text not in KEYWORDS
        and text[0] not in "-."
        and not text.isdigit()
        and _WORD_CHARACTERS.issuperset(text)
    ):
        return text
    return quote(text)


def _list(items: list[str]) -> str:
    return items[0] if len(items) == 1 else "{ " + ", ".join(items) + " }"


def host_text(host: Host) -> str:
    sign = "! " if host.negated else ""
    length = "" if host.length is None else f"/{host.length}"
    kind = host.kind
    if kind is HostKind.NET:
        assert host.family is not None
        text = format_run(host.family, (host.low, host.high))
        if host.scope:
            address, slash, tail = text.partition("/")
            text = f"{address}%{host.scope}{slash}{tail}"
        return sign + text
    if kind is HostKind.RANGE:
        assert host.family is not None
        return f"{sign}{format_address(host.family, host.low)} - {format_address(host.family, host.high)}"
    if kind is HostKind.TABLE:
        return f"{sign}<{host.name}>"
    if kind is HostKind.DYNAMIC:
        return f"{sign}({_word(host.name)}){length}"
    if kind is HostKind.NAME:
        return sign + _word(host.name) + length
    if kind is HostKind.ROUTE:
        return f"{sign}route {quote(host.name)}"
    return f"{sign}{kind.value}{length}"


def _port(test: PortTest) -> str:
    if test.op == ":":
        return f"{test.low}:{test.high}"
    if test.op in ("><", "<>"):
        return f"{test.low} {test.op} {test.high}"
    return str(test.low) if test.op == "=" else f"{test.op} {test.low}"


def _peer(word: str, peer: Peer) -> str:
    text = word + " " + (_list([host_text(h) for h in peer.hosts]) if peer.hosts else "any")
    if peer.ports:
        text += " port " + _list([_port(p) for p in peer.ports])
    if peer.os:
        text += " os " + _list([quote(name) for name in peer.os])
    return text


def _peers(source: Peer, dest: Peer) -> str:
    if source == dest == Peer():
        return "all"
    return _peer("from", source) + " " + _peer("to", dest)


def protocol_text(protocol: int) -> str:
    return PROTOCOL_NAMES.get(protocol) or str(protocol)


def flags_text(flags: Flags) -> str:
    if flags.any:
        return "any"
    return _bits(flags.set) + "/" + _bits(flags.mask)


def _bits(value: int) -> str:
    return "".join(letter for bit, letter in _FLAG_NAMES if value & bit)


def _id(test: IdTest) -> str:
    if test.op in ("><", "<>"):
        return f"{_word(test.low) if not test.low.isdigit() else test.low} {test.op} {test.high}"
    low = test.low if test.low.isdigit() else _word(test.low)
    return low if test.op == "=" else f"{test.op} {low}"


def _icmp(tests: tuple[IcmpTest, ...]) -> str:
    word = "icmp-type" if tests[0].family is Family.V4 else "icmp6-type"
    return f"{word} " + _list([str(t.type) if t.code is None else f"{t.type} code {t.code}" for t in tests])


def _state(state: State) -> str:
    text = f"{state.kind} state"
    if state.options:
        text += " (" + ", ".join(" ".join(option) for option in state.options) + ")"
    return text


def _log(log: tuple[str, ...] | None) -> list[str]:
    if log is None:
        return []
    return ["log (" + ", ".join(log) + ")"] if log else ["log"]


def _on(ifaces: tuple[Iface, ...]) -> list[str]:
    if not ifaces:
        return []
    return ["on", _list([("! " if i.negated else "") + _word(i.name) for i in ifaces])]


def _family(family: Family | None) -> list[str]:
    return [] if family is None else ["inet" if family is Family.V4 else "inet6"]


def _protocols(protocols: tuple[int, ...]) -> list[str]:
    return ["proto", _list([protocol_text(p) for p in protocols])] if protocols else []


def route_text(route: RouteTo) -> str:
    return " ".join(_route(route))


def _route(route: RouteTo) -> list[str]:
    if route.kind == "fastroute":
        return ["fastroute"]
    targets = [
        _word(name) if gw is None else f"({_word(name)} {host_text(gw)})" if name else host_text(gw)
        for name, gw in route.targets
    ]
    return [route.kind, _list(targets), *route.options]


def _answer(rule: Filter) -> str:
    if rule.answer == "return-rst" and rule.codes:
        return f"return-rst (ttl {rule.codes[0]})"
    if rule.codes:
        return f"{rule.answer} (" + ", ".join(map(str, rule.codes)) + ")"
    return rule.answer


def _filter(rule: Filter) -> list[str]:
    out = [rule.action]
    if rule.anchor:
        out.append(quote(rule.anchor))
    if rule.answer:
        out.append(_answer(rule))
    if rule.direction:
        out.append(rule.direction)
    out += _log(rule.log)
    if rule.quick:
        out.append("quick")
    out += _on(rule.ifaces)
    if rule.route is not None:
        out += _route(rule.route)
    out += _family(rule.family) + _protocols(rule.protocols)
    out.append(_peers(rule.source, rule.dest))
    out += _filter_options(rule)
    if rule.body is None:
        return [" ".join(out)]
    inner = [f"\t{line}" for statement in rule.body for line in lines(statement)]
    return [" ".join(out) + " {", *inner, "}"]


def _filter_options(rule: Filter) -> list[str]:
    out: list[str] = []
    for word, tests in (("user", rule.users), ("group", rule.groups)):
        if tests:
            out += [word, _list([_id(t) for t in tests])]
    if rule.flags is not None:
        out += ["flags", flags_text(rule.flags)]
    if rule.icmp:
        out.append(_icmp(rule.icmp))
    if rule.tos is not None:
        out.append(f"tos 0x{rule.tos:02x}")
    if rule.fragment:
        out.append("fragment")
    if rule.allow_opts:
        out.append("allow-opts")
    if rule.state is not None:
        out.append(_state(rule.state))
    if rule.probability:
        out += ["probability", rule.probability]
    if rule.rtable is not None:
        out.append(f"rtable {rule.rtable}")
    if rule.queue:
        out.append(
            "queue " + (_word(rule.queue[0]) if len(rule.queue) == 1 else "(" + ", ".join(map(_word, rule.queue)) + ")")
        )
    if rule.tag:
        out += ["tag", _word(rule.tag)]
    if rule.tagged:
        out.append(("! " if rule.not_tagged else "") + "tagged " + _word(rule.tagged))
    if rule.label:
        out += ["label", quote(rule.label)]
    return out + list(rule.extra)


def _pool(pool: Pool) -> str:
    out = "-> " + _list([host_text(h) for h in pool.hosts])
    if pool.ports is not None:
        low, high = pool.ports
        out += f" port {low}:*" if pool.star else f" port {low}" if low == high else f" port {low}:{high}"
    return " ".join([out, *pool.options])


def _translation(rule: Translation) -> str:
    out: list[str] = ["no"] if rule.no else []
    out.append(rule.kind if rule.anchor is None else f"{rule.kind}-anchor {quote(rule.anchor)}")
    if rule.passes:
        out.append("pass")
    out += _log(rule.log) + _on(rule.ifaces) + _family(rule.family) + _protocols(rule.protocols)
    out.append(_peers(rule.source, rule.dest))
    if rule.tag:
        out += ["tag", _word(rule.tag)]
    if rule.tagged:
        out.append(("! " if rule.not_tagged else "") + "tagged " + _word(rule.tagged))
    if rule.rtable is not None:
        out.append(f"rtable {rule.rtable}")
    if rule.pool is not None:
        out.append(_pool(rule.pool))
    return " ".join(out)


def _table(table: TableDef) -> list[str]:
    out = [f"table <{table.name}>", *table.options]
    out += [f"file {quote(name)}" for name in table.files]
    if table.hosts is None:
        return [" ".join(out)]
    hosts = [host_text(h).replace("! ", "!") for h in table.hosts]
    one_line = " ".join([*out, "{", ", ".join(hosts), "}"]) if hosts else " ".join([*out, "{ }"])
    if len(one_line) <= 120:
        return [one_line]
    return [" ".join([*out, "{"]), *_wrapped(hosts), "}"]


def _wrapped(items: Iterable[str]) -> list[str]:
    rows: list[str] = []
    row = "\t"
    for item in items:
        if len(row) + len(item) > 110 and row != "\t":
            rows.append(row.rstrip())
            row = "\t"
        row += f"{item}, "
    rows.append(row.rstrip().rstrip(","))
    return rows


def _scrub(rule: Scrub) -> str:
    out = ["no"] if rule.no else []
    out.append("scrub" if rule.anchor is None else f"scrub-anchor {quote(rule.anchor)}")
    if rule.direction:
        out.append(rule.direction)
    out += _log(rule.log)
    if rule.quick:
        out.append("quick")
    out += _on(rule.ifaces) + _family(rule.family) + _protocols(rule.protocols)
    out.append(_peers(rule.source, rule.dest))
    return " ".join([*out, *(" ".join(option) for option in rule.options)])


def _set(option: SetOption) -> str:
    if option.name == "skip":
        return "set skip on " + _list(
            [
                " ".join(v if w == "!" else _word(v) for w, v in zip(("", *value), value, strict=False))
                for value in option.values
            ]
        )
    if option.name == "fingerprints":
        return f"set fingerprints {quote(option.values[0][0])}"
    return f"set {option.name} " + _list([" ".join(value) for value in option.values])


def _antispoof(rule: Antispoof) -> str:
    out = ["antispoof", *_log(rule.log)]
    if rule.quick:
        out.append("quick")
    out += ["for", _list([host_text(h) for h in rule.ifaces]), *_family(rule.family)]
    if rule.label:
        out += ["label", quote(rule.label)]
    return " ".join(out)
