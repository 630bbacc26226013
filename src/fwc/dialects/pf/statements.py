"""Translation, scrub, antispoof, table, set, macro and file statements of pf.conf."""

from __future__ import annotations

import dataclasses

from fwc.dialects.pf.hosts import from_to, host, net, port_number
from fwc.dialects.pf.lexer import NUMBER, STRING
from fwc.dialects.pf.reader import Reader
from fwc.dialects.pf.rules import check_anchor_name, direction, family, pool_options
from fwc.dialects.pf.tree import (
    Antispoof,
    Dummynet,
    Host,
    HostKind,
    Include,
    LoadAnchor,
    Macro,
    Pool,
    Scrub,
    SetOption,
    TableDef,
    Translation,
    Verbatim,
)
from fwc.dialects.pf.words import DEBUG_LEVELS, LIMITS, OPTIMIZATIONS, TIMEOUTS
from fwc.net.addresses import parse_v4
from fwc.net.hooks import Family


def translation(r: Reader, no: bool, first: int) -> Translation:
    """nat, rdr or binat after an optional `no`."""
    kind = r.values[r.at]
    r.at += 1
    passes = r.key("pass")
    if passes and no:
        raise r.fail('"pass" is not valid with "no"', r.at - 1)
    log = r.log() if passes or not r.macos else None
    ifaces = r.on()
    af = family(r)
    protos = r.protocols()
    source, dest = from_to(r)
    tag, tagged, negated, rtable = _tag_options(r)
    pool = redirection(r) if r.punct("->") else None
    if pool is None and not no:
        raise r.unexpected("'->' and an address")
    if pool is not None and no:
        raise r.fail("a translation rule with 'no' takes no '->'", first)
    if pool is not None and (tag or tagged) and kind != "nat" and not r.end_of_line():
        raise r.unexpected("the line end")
    rule = Translation(kind, no, passes, log, ifaces, af, protos, source, dest, tag, tagged, negated, rtable, pool)
    return _spanned(rule, r, first)


def _spanned(rule: Translation, r: Reader, first: int) -> Translation:
    return dataclasses.replace(rule, span=r.span(first))


def _tag_options(r: Reader) -> tuple[str, str, bool, int | None]:
    tag, tagged, negated, rtable = "", "", False, None
    while True:
        if r.key("tag"):
            tag = r.tag()
        elif r.key("tagged"):
            tagged = r.tag()
        elif r.values[r.at] == "!" and r.values[r.at + 1] == "tagged":
            r.at += 2
            tagged, negated = r.tag(), True
        elif r.key("rtable"):
            rtable = r.number("a routing table", 255)
        else:
            return tag, tagged, negated, rtable


def redirection(r: Reader) -> Pool:
    hosts = tuple(r.one_or_list(lambda: host(r)))
    ports: tuple[int, int] | None = None
    star = False
    if r.key("port"):
        at = r.at
        text = r.text_or_number("a port")
        low, colon, high = text.partition(":")
        first = port_number(r, low, at)
        if colon and high == "*":
            star = True
            ports = (first, first)
        else:
            ports = (first, port_number(r, high, at) if colon else first)
    return Pool(hosts, ports, star, pool_options(r))


def translation_anchor(r: Reader) -> Translation:
    first = r.at
    kind = r.values[first].removesuffix("-anchor")
    r.at += 1
    name = r.text("an anchor name")
    check_anchor_name(r, name, r.at - 1)
    ifaces = r.on()
    af = family(r)
    protos = r.protocols()
    source, dest = from_to(r)
    if r.key("rtable"):
        r.number("a routing table", 255)
    if kind == "binat" and (len(protos) > 1 or source.hosts or source.ports or dest.hosts or dest.ports):
        raise r.fail("a binat-anchor takes an interface, a family and a single protocol only", first)
    rule = Translation(kind, ifaces=ifaces, family=af, protocols=protos, source=source, dest=dest, anchor=name)
    return _spanned(rule, r, first)


def scrub(r: Reader, no: bool, first: int) -> Scrub:
    r.at += 1
    way = direction(r)
    log, quick = r.log_quick()
    ifaces = r.on()
    af = family(r)
    protos = r.protocols()
    source, dest = from_to(r)
    options: list[tuple[str, ...]] = []
    while not r.end_of_line():
        options.append(_scrub_option(r))
        if not r.macos:
            r.punct(",")
    return Scrub(no, way, log, quick, ifaces, af, protos, source, dest, tuple(options), span=r.span(first))


def _scrub_option(r: Reader) -> tuple[str, ...]:
    first = r.at
    if r.key("no-df") or r.key("random-id"):
        return (r.values[first],)
    if r.key("min-ttl") or r.key("max-mss"):
        word = r.values[first]
        return word, str(r.number("a number", 255 if word == "min-ttl" else 65535))
    if r.key("fragment"):
        for mode in ("reassemble", "crop", "drop-ovl"):
            if r.key(mode):
                return "fragment", mode
        if not r.macos and r.is_text() and r.values[r.at] == "no":
            r.at += 1
        raise r.unexpected("reassemble, crop or drop-ovl")
    if r.key("reassemble"):
        if r.text("tcp") != "tcp":
            raise r.fail("scrub reassemble supports only tcp", r.at - 1)
        return "reassemble", "tcp"
    if r.key("rtable"):
        return "rtable", str(r.number("a routing table", 255))
    if not r.macos and r.values[first] in ("set-tos", "tagged", "queue"):
        r.later(r.values[first], first)
        r.at += 1
        return r.values[first], r.text_or_number("a value")
    raise r.unexpected("a scrub option")


def scrub_anchor(r: Reader) -> Scrub:
    first = r.at
    r.at += 1
    name = r.text("an anchor name")
    check_anchor_name(r, name, r.at - 1)
    ifaces = r.on()
    af = family(r)
    protos = r.protocols()
    source, dest = from_to(r)
    return Scrub(ifaces=ifaces, family=af, protocols=protos, source=source, dest=dest, anchor=name, span=r.span(first))


def dummynet(r: Reader) -> Dummynet:
    """Apple's `dummynet-anchor` and `dummynet ... pipe N`; kept as text."""
    first = r.at
    anchor = r.values[first] == "dummynet-anchor"
    r.at += 1
    if anchor:
        check_anchor_name(r, r.text("an anchor name"), r.at - 1)
    else:
        direction(r)
        r.log_quick()
    r.on()
    family(r)
    r.protocols()
    from_to(r)
    while not anchor and not r.end_of_line():
        word = r.text("pipe, queue, tag or user") if r.is_text() else r.values[r.at]
        if word == "pipe":
            r.number("a pipe number")
        else:
            r.at += 0 if word == "" else 1
            if r.end_of_line():
                break
    return Dummynet(" ".join(r.span(first).text.replace("\\\n", " ").split()), r.span(first))


def antispoof(r: Reader) -> Antispoof:
    first = r.at
    r.at += 1
    log, quick = r.log_quick()
    r.need_key("for")
    ifaces = tuple(r.one_or_list(lambda: _antispoof_iface(r)))
    af = family(r)
    label = ""
    while r.key("label"):
        label = r.label()
    return Antispoof(ifaces, log, quick, af, label, r.span(first))


def _antispoof_iface(r: Reader) -> Host:
    negated = r.punct("!")
    if r.punct("("):
        name = r.text("an interface")
        r.need(")")
        return Host(HostKind.DYNAMIC, negated, name=name)
    return Host(HostKind.NAME, negated, name=r.text("an interface"))


def table(r: Reader) -> TableDef:
    first = r.at
    r.at += 1
    name = r.table_name()
    options: list[str] = []
    hosts: list[Host] | None = None
    files: list[str] = []
    while not r.end_of_line():
        at = r.at
        if r.values[at] == "{":
            hosts = (hosts or []) + _table_hosts(r)
        elif r.key("file"):
            files.append(r.text("a file name"))
        else:
            word = r.text("const, persist, file or a list in braces")
            if word == "counters" and not r.macos:
                r.later(word, at)
            elif word not in ("const", "persist"):
                raise r.fail(f"invalid table option '{word}'", at)
            if word not in options:
                options.append(word)
    return TableDef(name, tuple(options), None if hosts is None else tuple(hosts), tuple(files), r.span(first))


def _table_hosts(r: Reader) -> list[Host]:
    r.need("{")
    r.newlines()
    if r.punct("}"):
        return []
    r.at -= 1
    while r.values[r.at] != "{":
        r.at -= 1

    def one() -> Host:
        at = r.at
        if r.kinds[at] == NUMBER and r.values[at + 1] != "/" and not r.macos:
            value = parse_v4(r.values[at] + ".0.0.0")
            if value is not None:
                r.at += 1
                return net(Family.V4, value, 32)
        item = host(r)
        if item.kind is HostKind.RANGE:
            raise r.fail("a table takes no address ranges", at, "write the prefixes the range consists of")
        if item.kind is HostKind.DYNAMIC and (r.macos or item.name != "self"):
            raise r.fail(
                "a table takes no (interface)", at, "write the interface without parentheses; it is read at load time"
            )
        if item.kind in (HostKind.TABLE, HostKind.NO_ROUTE, HostKind.URPF_FAILED, HostKind.ROUTE):
            raise r.fail("a table holds addresses, prefixes, interfaces and self only", at)
        return item

    return r.items(one)


_LATER_SETS = frozenset(
    (
        "state-defaults",
        "reassemble",
        "syncookies",
        "ruleset-optimisation",
        "keepcounters",
        "fail-policy",
        "queue",
        "prio",
        "keep_counters",
        "delay",
    )
)


def set_option(r: Reader) -> SetOption | Verbatim:
    first = r.at
    r.at += 1
    name_at = r.at
    name = r.values[name_at]
    r.at += 1
    values = _set_values(r, name, name_at)
    if values is None:
        if r.macos or name not in _LATER_SETS:
            r.at = name_at
            raise r.unexpected("an option of set")
        r.later(f"set {name}", name_at)
        while not r.end_of_line():
            r.at += 1
        return Verbatim(" ".join(r.span(first).text.replace("\\\n", " ").split()), r.span(first))
    return SetOption(name, values, r.span(first))


def _one_of(r: Reader, words: frozenset[str], what: str) -> tuple[tuple[str, ...], ...]:
    at = r.at
    text = r.text(what)
    if text not in words:
        raise r.fail(f"unknown {what} {text}", at)
    return ((text,),)


def _pairs(r: Reader, names: frozenset[str], what: str) -> tuple[tuple[str, ...], ...]:
    def one() -> tuple[str, ...]:
        at = r.at
        name = r.text_or_number(what) if not r.peek("states") else r.text(what)
        if name not in names and (r.macos or name not in ("anchors", "pktdelay-pkts", "udp.timeout", "pfrkentries")):
            raise r.fail(f"unknown {what} {name}", at)
        return name, str(r.number("a number"))

    return tuple(r.one_or_list(one))


def _set_values(r: Reader, name: str, at: int) -> tuple[tuple[str, ...], ...] | None:
    """The values of `set NAME`, or None for an unknown option."""
    if name == "timeout":
        return _pairs(r, TIMEOUTS, "timeout")
    if name == "limit":
        return _pairs(r, LIMITS, "limit")
    if name == "optimization":
        return _one_of(r, OPTIMIZATIONS, "optimization")
    if name == "ruleset-optimization":
        if r.key("no"):
            return (("none",),)
        return _one_of(r, frozenset(("none", "basic", "profile", "yes")), "ruleset-optimization")
    if name == "debug":
        return _one_of(
            r,
            DEBUG_LEVELS if r.macos else DEBUG_LEVELS | {"err", "notice", "info", "debug", "warning", "crit"},
            "debug level",
        )
    if name == "block-policy":
        if r.key("drop") or r.key("return"):
            return ((r.values[r.at - 1],),)
        raise r.unexpected("drop or return")
    if name == "state-policy":
        if r.key("if-bound") or r.key("floating"):
            return ((r.values[r.at - 1],),)
        raise r.unexpected("if-bound or floating")
    if name == "loginterface":
        return ((r.text("an interface or none"),),)
    if name == "fingerprints":
        return ((r.text("a file name"),),)
    if name == "hostid":
        if r.kinds[r.at] != NUMBER and r.is_text() and r.values[r.at].startswith("0x"):
            return ((r.text("a host id"),),)
        if r.number("a host id") == 0:
            raise r.fail("the host id must not be 0", r.at - 1)
        return ((r.values[r.at - 1],),)
    if name == "require-order":
        if r.key("no"):
            return (("no",),)
        return _one_of(r, frozenset(("yes",)), "yes or no")
    if name == "skip":
        ifaces = r.on()
        if not ifaces:
            raise r.unexpected("on and an interface")
        return tuple(("!", i.name) if i.negated else (i.name,) for i in ifaces)
    return None


def macro(r: Reader) -> Macro:
    first = r.at
    name = r.values[first]
    r.at += 2
    parts = [r.text_or_number("a value")]
    while not r.end_of_line():
        parts.append(r.text_or_number("a value"))
    return Macro(name, " ".join(parts), r.span(first))


def load_anchor(r: Reader) -> LoadAnchor:
    first = r.at
    r.at += 1
    if not r.key("anchor"):
        raise r.unexpected("anchor")
    name = r.text("an anchor name")
    r.need_key("from")
    return LoadAnchor(name, r.text("a file name"), r.span(first))


def include(r: Reader) -> Include:
    first = r.at
    r.at += 1
    if r.kinds[r.at] != STRING and r.macos and not r.is_text():
        raise r.unexpected("a file name")
    return Include(r.text("a file name"), r.span(first))
