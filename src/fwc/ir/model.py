"""Ruleset, tables, chains, rules and sets: the value that every front end produces and every consumer reads."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

from fwc.ir.match import ALWAYS, Field, Match, Values
from fwc.ir.verdict import CONTINUE, Action, Verdict
from fwc.net.addresses import NO_ADDRESS, AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.records import Record
from fwc.source import NO_ORIGIN, Origin


class Role(StrEnum):
    """Why a rule exists, for output comments, assertions and lints."""

    USER = "user"
    LOOPBACK = "loopback"
    ESTABLISHED = "established"
    INVALID_DROP = "invalid-drop"
    ICMPV6_ND = "icmpv6-nd"
    DHCP_CLIENT = "dhcp-client"
    RPFILTER = "rpfilter"
    ANTISPOOF = "antispoof"
    FORWARD_ACCEPT = "forward-accept"  # the accept that a `forward` or `redirect` implies
    REPLY = "reply"  # the reverse of a `stateless` rule, of `notrack`
    HAIRPIN = "hairpin"
    DEFAULT = "default"
    IMPORTED = "imported"
    OPTIMIZER = "optimizer"  # a dispatch or shared ending that a pass made


class Rule(Record):
    """If `match` holds: do the actions in order, then the verdict.

    `label` is the user's name for it (`as web`), `comment` free text; both may reach the output. Equality ignores where
    the rule came from and why.
    """

    match: Match = ALWAYS
    actions: tuple[Action, ...] = ()
    verdict: Verdict = CONTINUE
    label: str = ""
    comment: str = ""
    role: Role = dataclasses.field(default=Role.USER, compare=False)
    origin: Origin = dataclasses.field(default=NO_ORIGIN, compare=False, repr=False)


class Base(Record):
    """How a chain is attached to the kernel. `policy` is Accept or Drop. `priority` orders chains of one hook, lowest first."""

    hook: Hook
    type: ChainType
    priority: int
    policy: Verdict
    device: str = ""


class Chain(Record):
    """`base` is None for a chain that is only jumped to. `comment` says in the output what the chain is for."""

    name: str
    rules: tuple[Rule, ...] = ()
    base: Base | None = None
    comment: str = ""
    origin: Origin = dataclasses.field(default=NO_ORIGIN, compare=False, repr=False)


class NamedSet(Record):
    """A set that rules refer to by `SetRef`, or one whose content is fixed and that output should name.

    `elements` are known members (one tuple of values per element, one value per field). `runtime` sets are filled by rules
    or by other programs, so their content is unknown. `timeout` in seconds. `kind` is the language's word: addresses,
    networks, ports, macs, ifaces; several fields make a concatenation. `own` sets hold this machine's addresses besides.
    """

    name: str
    fields: tuple[Field, ...]
    elements: tuple[tuple[Values, ...], ...] = ()
    kind: str = ""
    runtime: bool = False
    timeout: int | None = None
    size: int | None = None
    counters: bool = False
    comment: str = ""
    origin: Origin = dataclasses.field(default=NO_ORIGIN, compare=False, repr=False)
    own: bool = False


class NativeText(Record):
    """Verbatim text of one target (`native nft at forward-start \"\"\"...\"\"\"`)."""

    target: str
    place: str
    text: str
    origin: Origin = dataclasses.field(default=NO_ORIGIN, compare=False, repr=False)


class Table(Record):
    """`family` is nft's word: inet, ip, ip6, arp, bridge, netdev; "pf" for a pf ruleset. `kind` is iptables' table name
    (filter, nat, mangle, raw, security) when the table came from there."""

    name: str
    family: str = "inet"
    chains: tuple[Chain, ...] = ()
    sets: tuple[NamedSet, ...] = ()
    kind: str = ""
    origin: Origin = dataclasses.field(default=NO_ORIGIN, compare=False, repr=False)

    def chain(self, name: str) -> Chain | None:
        return next((c for c in self.chains if c.name == name), None)


class Zone(Record):
    """A zone of the policy, resolved for one host and target OS. `parent` is the zone it lies `within`."""

    name: str
    ifaces: IfaceSet
    nets: AddressSet = NO_ADDRESS  # empty: the zone is not limited by address
    has_nets: bool = False
    addresses: AddressSet = NO_ADDRESS  # our own, when static
    mtu: int | None = None
    parent: str = ""
    origin: Origin = dataclasses.field(default=NO_ORIGIN, compare=False, repr=False)


class Settings(Record):
    """Section 2.8 of the language, resolved. `coexist` holds docker, kubernetes, fail2ban."""

    target: str = ""
    os: str = "linux"
    families: tuple[Family, ...] = (Family.V4, Family.V6)
    stateful: bool = True
    table: str = "fwc"
    anchor: str = "fwc"
    keep_apple: bool = True
    coexist: frozenset[str] = frozenset()
    log_prefix: str = ""
    rpfilter: str = "off"


class Ruleset(Record):
    """Everything one machine loads. `source` says what it was read from: "fwc", "iptables-save", "nft", "pf".

    `foreign` is text around the tables that belongs to the file but not to a table (comments, `flush ruleset`), for
    importers. `names` maps indices used as field values (PF_TAG) to names.
    """

    tables: tuple[Table, ...] = ()
    zones: tuple[Zone, ...] = ()
    settings: Settings = Settings()
    natives: tuple[NativeText, ...] = ()
    own_addresses: AddressSet = NO_ADDRESS
    source: str = "fwc"
    names: tuple[str, ...] = ()
