"""Addresses, ports, users and ICMP types in pf.conf."""

from __future__ import annotations

import re

from fwc.dialects.pf.lexer import NUMBER, WORD
from fwc.dialects.pf.reader import Reader
from fwc.dialects.pf.tree import Host, HostKind, IcmpTest, IdTest, Peer, PortTest
from fwc.dialects.pf.words import SERVICES, icmp_codes, icmp_types
from fwc.net.addresses import parse_v4, parse_v6, prefix_run
from fwc.net.hooks import Family

_NAME = re.compile(r"[A-Za-z0-9_.-]+(?::(?:network|broadcast|peer|0))*\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,4}\Z")
_SHORT_V4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){0,3}\Z")


def net(family: Family, value: int, length: int, negated: bool = False, scope: str = "") -> Host:
    low, high = prefix_run(value, length, family.bits)
    return Host(HostKind.NET, negated, family, low, high, scope=scope)


def _literal(text: str) -> tuple[Family, int, str] | None:
    """Family, value and scope of an address as inet_aton and getaddrinfo read it, or None."""
    if ":" in text:
        plain, _, scope = text.partition("%")
        v6 = parse_v6(plain)
        return None if v6 is None else (Family.V6, v6, scope)
    v4 = parse_v4(text)
    return None if v4 is None else (Family.V4, v4, "")


def _short_v4(text: str) -> int | None:
    """`10`, `10.1` and `10.1.2` before a `/N`: missing octets are zero (inet_net_pton)."""
    if not _SHORT_V4.match(text):
        return None
    return parse_v4(text + ".0" * (3 - text.count(".")))


def host(r: Reader) -> Host:
    """`xhost` of the grammar, with its `!`."""
    negated = r.punct("!")
    first = r.at
    if r.key("no-route"):
        return Host(HostKind.NO_ROUTE, negated)
    if r.key("urpf-failed"):
        return Host(HostKind.URPF_FAILED, negated)
    if r.key("route"):
        return Host(HostKind.ROUTE, negated, name=r.text("a route label"))
    if r.punct("("):
        name = r.text("an interface name")
        r.need(")")
        return Host(HostKind.DYNAMIC, negated, name=name, length=_length(r))
    if r.values[first] == "<":
        return Host(HostKind.TABLE, negated, name=r.table_name())
    if r.kinds[first] == NUMBER:
        text = r.values[first]
        r.at += 1
        length = _length(r)
        value = _short_v4(text)
        if length is None or value is None:
            raise r.fail(f"{text} is not an address", first)
        return _with_length(r, first, Family.V4, value, length, negated)
    text = r.text("an address, a table, an interface or any")
    if r.punct("-"):
        return _range(r, first, text, negated)
    return _named(r, first, text, negated)


def _length(r: Reader) -> int | None:
    return r.number("a prefix length", 128) if r.punct("/") else None


def _with_length(
    r: Reader, first: int, family: Family, value: int, length: int | None, negated: bool, scope: str = ""
) -> Host:
    bits = family.bits if length is None else length
    if bits > family.bits:
        raise r.fail(f"/{bits} is longer than an IPv{family.value} address", first)
    return net(family, value, bits, negated, scope)


def _range(r: Reader, first: int, low_text: str, negated: bool) -> Host:
    low = _literal(low_text)
    high = _literal(r.text("the last address of the range"))
    if low is None or high is None or low[0] is not high[0]:
        raise r.fail("a range needs two addresses of one family", first)
    return Host(HostKind.RANGE, negated, low[0], low[1], high[1])


def _named(r: Reader, first: int, text: str, negated: bool) -> Host:
    if "/" in text:  # a quoted "10.0.0.0/8"
        text, _, length_text = text.partition("/")
        if not (length_text.isascii() and length_text.isdigit()) or int(length_text[:4]) > 128:
            raise r.fail(f"'{length_text}' is not a prefix length", first)
        length: int | None = int(length_text[:4])
    else:
        length = _length(r)
    literal = _literal(text)
    if literal is not None:
        return _with_length(r, first, literal[0], literal[1], length, negated, literal[2])
    if length is not None:
        value = _short_v4(text)
        if value is not None:
            return _with_length(r, first, Family.V4, value, length, negated)
    if text == "self":
        return Host(HostKind.SELF, negated, length=length)
    if (text[:1].isdigit() and text.replace(".", "").isdigit()) or not _NAME.match(text):
        raise r.fail(f"no address is known for {text}", first)
    if not r.macos and r.kinds[first] == WORD and text == "urpf-failed":
        return Host(HostKind.URPF_FAILED, negated)
    return Host(HostKind.NAME, negated, name=text, length=length)


def port_number(r: Reader, text: str, at: int) -> int:
    if text.isascii() and text.isdigit():
        value = int(text[:9])
        if value > 65535:
            raise r.fail(f"{text} is not a port; the highest is 65535", at)
        return value
    known = SERVICES.get(text)
    if known is None and _HEX.match(text):
        known = int(text, 16)
    if known is None:
        help = "a range is written LOW:HIGH" if "-" in text or text.startswith(":") or text.endswith(":") else ""
        raise r.fail(f"unknown port {text}", at, help or "write the port's number")
    return known


def port_test(r: Reader) -> PortTest:
    first = r.at
    op = ""
    if r.punct("!"):
        r.need("=")
        op = "!="
    elif r.punct("="):
        op = "="
    elif r.punct("<") or r.punct(">"):
        op = r.values[r.at - 1] + ("=" if r.punct("=") else "")
    first = r.at
    text = r.text_or_number("a port")
    if ":" in text and not op:
        low, _, high = text.partition(":")
        return PortTest(":", port_number(r, low, first), port_number(r, high, first))
    low_port = port_number(r, text, first)
    if not op and (r.punct("><") or r.punct("<>")):
        op = r.values[r.at - 1]
        at = r.at
        return PortTest(op, low_port, port_number(r, r.text_or_number("a port"), at))
    return PortTest(op or "=", low_port)


def peer_spec(r: Reader) -> Peer:
    """What follows `from` or `to`."""
    hosts: tuple[Host, ...] = ()
    if r.peek("port") or r.key("any"):
        pass
    elif r.values[r.at] == "{":
        hosts = tuple(_host_list(r))
    else:
        hosts = (host(r),)
    ports: tuple[PortTest, ...] = ()
    if r.key("port"):
        ports = tuple(r.one_or_list(lambda: port_test(r)))
    return Peer(hosts, ports)


def _host_list(r: Reader, depth: int = 0) -> list[Host]:
    """A list; where other releases allow `any` in it, the whole list is any."""
    saw_any = False

    def one() -> Host:
        nonlocal saw_any
        if not r.macos and r.peek("any"):
            r.later("any inside a list", r.at)
            r.at += 1
            saw_any = True
            return Host(HostKind.NO_ROUTE)
        if not r.macos and r.values[r.at] == "{":
            first = r.at
            if depth > 16:
                raise r.fail("lists are nested too deep")
            nested = _host_list(r, depth + 1)
            if len(nested) != 1:
                rest.extend(nested[1:])
            r.later("a list inside a list", first)
            return nested[0] if nested else Host(HostKind.NO_ROUTE)
        return host(r)

    rest: list[Host] = []
    out = r.items(one)
    return [] if saw_any else out + rest


def from_to(r: Reader) -> tuple[Peer, Peer]:
    """`all`, or `from X [os ...] to Y`."""
    if r.key("all"):
        return Peer(), Peer()
    source = dest = Peer()
    if r.key("from"):
        source = peer_spec(r)
    if r.key("os"):
        names = tuple(r.one_or_list(lambda: r.text("an operating system")))
        source = Peer(source.hosts, source.ports, names)
    if r.key("to"):
        dest = peer_spec(r)
    return source, dest


def id_test(r: Reader) -> IdTest:
    op = ""
    if r.punct("!"):
        r.need("=")
        op = "!="
    elif r.punct("="):
        op = "="
    elif r.punct("<") or r.punct(">"):
        op = r.values[r.at - 1] + ("=" if r.punct("=") else "")
    first = r.at
    low = r.text_or_number("a user or group")
    if ":" in low:
        raise r.fail(f"unknown user or group {low}", first, "a range is written LOW >< HIGH")
    if not op and (r.punct("><") or r.punct("<>")):
        op = r.values[r.at - 1]
        return IdTest(op, low, r.text_or_number("a user or group"))
    return IdTest(op or "=", low)


def icmp_test(r: Reader, family: Family) -> IcmpTest:
    first = r.at
    text = r.text_or_number("an ICMP type") if not r.peek("skip") else _skip_word(r)
    if text.isascii() and text.isdigit():
        type_ = int(text[:6])
        if type_ > 255:
            raise r.fail(f"illegal icmp-type {text}", first)
    else:
        known = icmp_types(family).get(text)
        if known is None:
            raise r.fail(f"unknown icmp-type {text}", first)
        type_ = known
    code: int | None = None
    if r.key("code"):
        at = r.at
        code_text = r.text_or_number("an ICMP code")
        if code_text.isascii() and code_text.isdigit():
            code = int(code_text[:6])
            if code > 255:
                raise r.fail(f"illegal icmp-code {code_text}", at)
        else:
            code = icmp_codes(family).get((type_, code_text))
            if code is None:
                raise r.fail(f"unknown icmp-code {code_text}", at)
    return IcmpTest(family, type_, code)


def _skip_word(r: Reader) -> str:
    r.at += 1
    return "skip"
