"""A policy expanded for one host and target: what every later step of the elaboration reads."""

from __future__ import annotations

import dataclasses
from typing import Any

from fwc.elaborate.dns import Lock
from fwc.ir.model import NamedSet, Settings, Zone
from fwc.lang import ast
from fwc.net.addresses import AddressSet
from fwc.records import Record
from fwc.source import Origin, Span


class ElaborateOptions(Record):
    """`host` picks a machine of a fleet file, `target` overrides the policy's, `today` is an ISO date for `expires`."""

    target: str = ""
    host: str = ""
    today: str = ""


class Placed(Record):
    """A statement at its place in the one order.

    No `Variable` is left in it and template parameters are substituted. `scopes` are the prefix blocks around it, outermost
    first; `early` tells that an `early` block surrounds it. `origin` leads from the statement to the `use` that expanded it.
    Bodies of `ChainDecl` and `HookDecl` are expanded too: their statements stand in `body`.
    """

    statement: ast.Statement
    scopes: tuple[ast.Scope, ...]
    early: bool
    origin: Origin
    body: tuple[Placed, ...] = ()


class Limits(Record):
    """Log defaults of the settings: prefix, (amount, seconds), burst, level; `verbatim` prefixes are used as they are written."""

    prefix: str = ""
    amount: int | None = None
    seconds: int = 1
    burst: int = 5
    level: str = ""
    verbatim: bool = False


class Implicit(Record):
    """Switches of the implicit rules (language section 5.4)."""

    loopback: bool = True
    established: bool = True
    invalid_drop: bool = True
    icmpv6_nd: bool = True
    dhcp_client: bool = True
    rpfilter: str = "off"
    antispoof: bool = False
    span: Span | None = dataclasses.field(default=None, compare=False)  # of the setting that asks for the source checks


class Program(Record):
    """Everything the rest of the elaboration needs.

    `statements` are all statements that are not declarations, in order; tests and assertions of other hosts are left out.
    `groups` are hosts and groups by name, resolved to addresses (managed hosts included). `inputs` are (path, sha256) of set
    files. `used` collects names as operands are resolved, for the unused-name lint; `declared` are all declarations. Both
    spell zones, hosts, groups and templates as they are, services as "service NAME", sets as "@NAME", `let` as "$NAME".
    `broken` are names whose declaration has a mistake that was reported: what uses them resolves to None without another
    diagnostic. `misread` are names that a line with a syntax error meant to declare. `absent` are zones without an interface
    on this OS. `lock` answers for
    `dns` names; `elsewhere` says of names that are not declared here where they are. The memos and counters belong to the
    resolvers of operands. `notes` are header lines about what was decided here.
    """

    title: str
    host: str
    settings: Settings
    implicit: Implicit
    log: Limits
    reject_with: str
    on_expired: str
    today: str
    zones: dict[str, Zone]
    zone_overlaps: frozenset[frozenset[str]]
    groups: dict[str, AddressSet]
    services: dict[str, ast.Service]
    sets: dict[str, NamedSet]
    own_addresses: AddressSet
    statements: tuple[Placed, ...]
    inputs: tuple[tuple[str, str], ...]
    declared: dict[str, ast.Statement]
    used: set[str]
    broken: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    misread: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    lock: Lock = dataclasses.field(default_factory=Lock, compare=False, repr=False)
    elsewhere: dict[str, str] = dataclasses.field(default_factory=dict)
    ends_memo: dict[Any, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    traffic_memo: dict[Any, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    counters: dict[str, int] = dataclasses.field(default_factory=dict, compare=False, repr=False)
