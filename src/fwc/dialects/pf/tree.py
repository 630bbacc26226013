"""The syntax tree of a pf.conf, with macros resolved: one node per statement, in file order."""

from __future__ import annotations

import dataclasses
from enum import Enum

from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import SourceFile, Span


class HostKind(Enum):
    """What an address in a rule or table is."""

    NET = "net"  # an address or prefix
    RANGE = "range"  # low - high
    TABLE = "table"  # <name>
    NAME = "name"  # an interface or a host name, frozen at load
    DYNAMIC = "dynamic"  # (interface)
    SELF = "self"
    NO_ROUTE = "no-route"
    URPF_FAILED = "urpf-failed"
    ROUTE = "route"


class Host(Record):
    """One address item. `low`..`high` are the addresses of NET and RANGE; `name` is the table, the interface with its
    modifiers (`en0:network`), the host name or the route label; `length` the `/N` of a name; `scope` the zone of fe80::1%en0."""

    kind: HostKind
    negated: bool = False
    family: Family | None = None
    low: int = 0
    high: int = 0
    name: str = ""
    length: int | None = None
    scope: str = ""


class PortTest(Record):
    """`op` is one of `= != < <= > >= : >< <>`; `:` includes both ends, `><` and `<>` neither."""

    op: str
    low: int
    high: int = 0


class Peer(Record):
    """One side of a rule; no hosts is any address, no ports any port."""

    hosts: tuple[Host, ...] = ()
    ports: tuple[PortTest, ...] = ()
    os: tuple[str, ...] = ()


class IdTest(Record):
    """A user or group: `low` and `high` are a name or a decimal id."""

    op: str
    low: str
    high: str = ""


class IcmpTest(Record):
    family: Family
    type: int
    code: int | None = None


class Flags(Record):
    """`flags set/mask`; `any` is `flags any`."""

    set: int = 0
    mask: int = 0
    any: bool = False


class State(Record):
    """`kind` is keep, modulate, synproxy or no; `options` are words with their arguments, in order."""

    kind: str
    options: tuple[tuple[str, ...], ...] = ()


class Pool(Record):
    """Where a translation or route points: addresses, ports (`star` for `N:*`), and pool options in order."""

    hosts: tuple[Host, ...]
    ports: tuple[int, int] | None = None
    star: bool = False
    options: tuple[str, ...] = ()


class RouteTo(Record):
    """`kind` is route-to, reply-to, dup-to or fastroute; a target is an interface and a gateway (None: none given)."""

    kind: str
    targets: tuple[tuple[str, Host | None], ...] = ()
    options: tuple[str, ...] = ()


class Iface(Record):
    name: str
    negated: bool = False


class Filter(Record):
    """pass, block, match or anchor. `answer` is what block answers ("" for the block policy, drop, return, return-rst,
    return-icmp, return-icmp6) with `codes` (ttl for return-rst). `anchor` is the name of an anchor, `body` its rules when they
    stand in braces. `extra` holds words of later OpenBSD and FreeBSD releases, verbatim."""

    action: str
    answer: str = ""
    codes: tuple[int, ...] = ()
    direction: str = ""
    log: tuple[str, ...] | None = None
    quick: bool = False
    ifaces: tuple[Iface, ...] = ()
    route: RouteTo | None = None
    family: Family | None = None
    protocols: tuple[int, ...] = ()
    source: Peer = Peer()
    dest: Peer = Peer()
    users: tuple[IdTest, ...] = ()
    groups: tuple[IdTest, ...] = ()
    flags: Flags | None = None
    icmp: tuple[IcmpTest, ...] = ()
    tos: int | None = None
    state: State | None = None
    fragment: bool = False
    allow_opts: bool = False
    label: str = ""
    queue: tuple[str, ...] = ()
    tag: str = ""
    tagged: str = ""
    not_tagged: bool = False
    probability: str = ""
    rtable: int | None = None
    extra: tuple[str, ...] = ()
    anchor: str = ""
    body: tuple[Statement, ...] | None = None
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class Translation(Record):
    """nat, rdr or binat, their `no` forms, and the three translation anchors (`anchor` set, no `pool`)."""

    kind: str
    no: bool = False
    passes: bool = False
    log: tuple[str, ...] | None = None
    ifaces: tuple[Iface, ...] = ()
    family: Family | None = None
    protocols: tuple[int, ...] = ()
    source: Peer = Peer()
    dest: Peer = Peer()
    tag: str = ""
    tagged: str = ""
    not_tagged: bool = False
    rtable: int | None = None
    pool: Pool | None = None
    anchor: str | None = None
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class Scrub(Record):
    """`options` are words with their arguments. `anchor` is set for a scrub-anchor."""

    no: bool = False
    direction: str = ""
    log: tuple[str, ...] | None = None
    quick: bool = False
    ifaces: tuple[Iface, ...] = ()
    family: Family | None = None
    protocols: tuple[int, ...] = ()
    source: Peer = Peer()
    dest: Peer = Peer()
    options: tuple[tuple[str, ...], ...] = ()
    anchor: str | None = None
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class Dummynet(Record):
    """Apple's `dummynet ... pipe N` and `dummynet-anchor`; shapes traffic, decides nothing."""

    text: str
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class Antispoof(Record):
    ifaces: tuple[Host, ...]
    log: tuple[str, ...] | None = None
    quick: bool = False
    family: Family | None = None
    label: str = ""
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class TableDef(Record):
    """`hosts` None: no braces were written (an empty pair empties the table on load)."""

    name: str
    options: tuple[str, ...] = ()
    hosts: tuple[Host, ...] | None = None
    files: tuple[str, ...] = ()
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class SetOption(Record):
    """`set NAME ...`; `values` are words, or (key, value) pairs for timeout and limit, or interfaces for skip."""

    name: str
    values: tuple[tuple[str, ...], ...]
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class Macro(Record):
    name: str
    value: str
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class LoadAnchor(Record):
    anchor: str
    file: str
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class Include(Record):
    file: str
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class Comment(Record):
    """A line that is only a comment, or a blank line (empty `text`)."""

    text: str
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


class Verbatim(Record):
    """A statement of another pf that fwc keeps as text (`altq`, `queue`, `set state-defaults`), or native text of a policy."""

    text: str
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)


Statement = (
    Filter
    | Translation
    | Scrub
    | Dummynet
    | Antispoof
    | TableDef
    | SetOption
    | Macro
    | LoadAnchor
    | Include
    | Comment
    | Verbatim
)


class PfFile(Record):
    """One pf.conf or anchor file, and further files that belong to it (anchor files). `name` is its usual name."""

    statements: tuple[Statement, ...]
    source: SourceFile | None = dataclasses.field(default=None, compare=False, repr=False)
    name: str = "pf.conf"
    anchor: str = ""
