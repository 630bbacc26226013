"""The tree of a policy: what was written, nothing resolved. Every node ends in the span of its text.

Names are `Name`, uses of `let` values and template parameters are `Variable`. A field that may hold either a literal or a
`$name` has the union type. Lists keep the order of the text.
"""

from __future__ import annotations

from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import Span

# ----- words -----------------------------------------------------------------


class Name(Record):
    text: str
    span: Span


class Variable(Record):
    """`$name`, without the dollar sign."""

    name: str
    span: Span


class Text(Record):
    """A quoted string, unescaped."""

    value: str
    span: Span


class Number(Record):
    """An integer, decimal or 0x."""

    value: int
    span: Span


class Ports(Record):
    """A port or an inclusive range; low <= high <= 65535 is checked by the parser."""

    low: int
    high: int
    span: Span


class Rate(Record):
    """`10/minute`, `2MB/second`: `amount` per `seconds`; `unit` is "packets" or "bytes"."""

    amount: int
    seconds: int
    unit: str
    span: Span


class Duration(Record):
    """In milliseconds, because `ms` is a unit."""

    milliseconds: int
    span: Span


class Date(Record):
    """ISO text, checked to be a day of the calendar."""

    text: str
    span: Span


class Masked(Record):
    """`0x10` or `0x10/0xff`; the mask is all ones when not written."""

    value: int
    mask: int
    span: Span


class Address(Record):
    """An address, a prefix or a range: all addresses low..high of one family. `text` is as written."""

    family: Family
    low: int
    high: int
    text: str
    span: Span


class Dns(Record):
    """`dns "name"`: resolved by `fwc lock`."""

    name: str
    span: Span


class SetName(Record):
    """`@name`."""

    name: str
    span: Span


class Self(Record):
    span: Span


class Any(Record):
    span: Span


class Iface(Record):
    """`iface eth3`, or an item of a zone's `iface` list; may end in a wildcard."""

    name: str
    span: Span


class Mac(Record):
    value: int
    text: str
    span: Span


Member = Address | Dns | Name | Variable
Endpoint = Address | Dns | Name | Variable | SetName | Self | Any | Iface | Mac


class Endpoints(Record):
    """`items except excluded in zones`: the list, minus the except list, then intersected with the zones (when given)."""

    items: tuple[Endpoint, ...]
    excluded: tuple[Endpoint, ...]
    zones: tuple[Name | Variable, ...]
    span: Span


# ----- traffic ---------------------------------------------------------------


class AnyTraffic(Record):
    span: Span


class L4(Record):
    """`tcp 80 sport 1024-65535`. A bare port in a list has been given the protocol before it; then `protocol_span` is the
    span of that earlier word. `port` or `sport` None means every port."""

    protocol: str
    port: Ports | Variable | None
    sport: Ports | Variable | None
    span: Span


class Icmp(Record):
    """`icmp echo-request`, `icmpv6 1/3`. `type` is a type's name, a number, (type, code), or None for all."""

    version: Family
    type: str | int | tuple[int, int] | None
    span: Span


class Protocol(Record):
    """`proto gre`, `proto 47`."""

    protocol: str | int
    span: Span


class ServiceName(Record):
    name: str
    span: Span


TrafficItem = AnyTraffic | L4 | Icmp | Protocol | ServiceName | Variable


class Traffic(Record):
    items: tuple[TrafficItem, ...]
    span: Span


# ----- conditions ------------------------------------------------------------


class StateCond(Record):
    states: tuple[Name, ...]
    span: Span


class MarkCond(Record):
    """`mark 0x10/0xff`; `connection` for `ctmark`."""

    mark: Masked
    connection: bool
    span: Span


class CompareCond(Record):
    """`ttl 255`, `ttl < 5`, `length 100-200`: `field` is "ttl" or "length", the value lies in low..high."""

    field: str
    low: int
    high: int
    span: Span


class DscpCond(Record):
    values: tuple[Name | Number, ...]
    span: Span


class FragmentCond(Record):
    span: Span


class OwnerCond(Record):
    """`user` or `usergroup` (`kind` "user" or "group")."""

    kind: str
    names: tuple[Name | Number | Text, ...]
    span: Span


class TimeCond(Record):
    """`time 22:00-06:00 on mon, tue` or `days sat, sun`; minutes of the day, None when only days are given. `mon-fri`
    arrives as the five days."""

    start: int | None
    end: int | None
    days: tuple[Name, ...]
    span: Span


class UntilCond(Record):
    date: Date
    span: Span


class FlagsCond(Record):
    """`flags syn of syn, ack`: of the flags in `mask`, exactly `flags` are set. Without `of` the mask is the flags."""

    flags: tuple[Name, ...]
    mask: tuple[Name, ...]
    span: Span


class DnatCond(Record):
    """`dnat`, `dnat port 443`: the packet's connection was translated; to these original ports."""

    ports: tuple[Ports | Variable, ...]
    span: Span


class SnatCond(Record):
    span: Span


class IpsecCond(Record):
    span: Span


class PkttypeCond(Record):
    types: tuple[Name, ...]
    span: Span


class ChanceCond(Record):
    millionths: int
    span: Span


class HelperCond(Record):
    name: Name
    span: Span


class CgroupCond(Record):
    path: Text
    span: Span


class SportCond(Record):
    ports: tuple[Ports | Variable, ...]
    span: Span


class WithinCond(Record):
    """`within 5/minute burst 10 per source`: the bucket still has a token."""

    rate: Rate | Variable
    burst: Number | Variable | None
    per: PerPart | None
    span: Span


class NativeCond(Record):
    """`native iptables \"\"\"-m recent ...\"\"\"`: a condition in one target's own words."""

    target: Name
    text: str
    span: Span


class NotCond(Record):
    cond: Condition
    span: Span


Condition = (
    StateCond
    | MarkCond
    | CompareCond
    | DscpCond
    | FragmentCond
    | OwnerCond
    | TimeCond
    | UntilCond
    | FlagsCond
    | DnatCond
    | SnatCond
    | IpsecCond
    | PkttypeCond
    | ChanceCond
    | HelperCond
    | CgroupCond
    | SportCond
    | WithinCond
    | NativeCond
    | NotCond
)

# ----- options ---------------------------------------------------------------


class PerPart(Record):
    """`per source mask 24 64`: `side` is "source" or "destination"; masks None when not written."""

    side: str
    mask4: Number | None
    mask6: Number | None
    span: Span


class AddPart(Record):
    """`add source to @set timeout 6h`."""

    side: str
    set: SetName
    timeout: Duration | None
    span: Span


class ElsePart(Record):
    """`else deny and add source to @set`; `verdict` is "allow", "deny" or "reject"."""

    verdict: str
    add: AddPart | None
    span: Span


class LogOption(Record):
    prefix: Text | None
    level: Name | None
    rate: Rate | Variable | None
    burst: Number | Variable | None
    nflog: Number | None
    span: Span


class LimitOption(Record):
    rate: Rate | Variable
    burst: Number | Variable | None
    per: PerPart | None
    otherwise: ElsePart | None
    span: Span


class MaxOption(Record):
    """`max N connections per source`."""

    count: Number | Variable
    per: PerPart | None
    otherwise: ElsePart | None
    span: Span


class WithOption(Record):
    """`with tcp-reset`."""

    kind: Name
    span: Span


class CountOption(Record):
    name: Name | None
    span: Span


class LabelOption(Record):
    """`as web`."""

    name: Name
    span: Span


class TextOption(Record):
    """`comment`, `owner` or `ticket` (`kind`) with its string."""

    kind: str
    text: Text
    span: Span


class ExpiresOption(Record):
    date: Date
    span: Span


class IgnoreOption(Record):
    """`ignore LINT because "..."`."""

    lint: Name
    reason: Text
    span: Span


class AddOption(Record):
    add: AddPart
    span: Span


class FlagOption(Record):
    """`stateless`, `hairpin`, `without accept` ("without-accept"), `random`, `persistent`."""

    kind: str
    span: Span


class DisabledOption(Record):
    reason: Text
    span: Span


class PortsOption(Record):
    """`ports 20000-29999` of a source translation."""

    ports: Ports
    span: Span


Option = (
    LogOption
    | LimitOption
    | MaxOption
    | WithOption
    | CountOption
    | LabelOption
    | TextOption
    | ExpiresOption
    | IgnoreOption
    | AddOption
    | FlagOption
    | DisabledOption
    | PortsOption
)


class Clauses(Record):
    """The tail that rules, NAT and packet changes share. A clause that stands twice is an error of the parser. `source` and
    `destination` are None when the clause is not written (a prefix block may supply them)."""

    source: Endpoints | None
    destination: Endpoints | None
    conditions: tuple[Condition, ...]
    options: tuple[Option, ...]


# ----- file level ------------------------------------------------------------


class Syntax(Record):
    version: Number
    span: Span


class PolicyInfo(Record):
    name: Text
    options: tuple[Option, ...]
    span: Span


class Include(Record):
    path: Text
    span: Span


Scalar = Number | Text | Rate | Duration | Ports | Date | Address | Name | SetName | Variable
"""What `let` and template arguments may hold; a service with ports (`tcp 22`) is an `L4`."""

Argument = Scalar | L4 | Any | Self


class Let(Record):
    name: Name
    value: Scalar
    span: Span


class Setting(Record):
    """One line of `settings { }`: its first word and the words after it. Signed numbers arrive as Number."""

    key: Name
    values: tuple[Name | Text | Number | Rate | Duration | Address, ...]
    span: Span


class SettingsBlock(Record):
    settings: tuple[Setting, ...]
    span: Span


class LintIgnore(Record):
    lint: Name
    reason: Text
    span: Span


class LintLevel(Record):
    """`lint error|warn|off NAME`."""

    level: str
    lint: Name
    span: Span


# ----- declarations ----------------------------------------------------------


class ZoneIfaces(Record):
    """`iface eth0` or `iface linux: eth0`; `os` is None when it holds everywhere."""

    os: Name | None
    ifaces: tuple[Iface, ...]
    span: Span


class ZoneNets(Record):
    nets: tuple[Address, ...]
    span: Span


class ZoneAddresses(Record):
    addresses: tuple[Address, ...]
    span: Span


class ZoneMtu(Record):
    mtu: Number
    span: Span


class ZoneOverlaps(Record):
    zones: tuple[Name, ...]
    span: Span


class ZoneComment(Record):
    text: Text
    span: Span


ZoneProperty = ZoneIfaces | ZoneNets | ZoneAddresses | ZoneMtu | ZoneOverlaps | ZoneComment


class Zone(Record):
    name: Name
    within: Name | None
    properties: tuple[ZoneProperty, ...]
    span: Span


class HostAddress(Record):
    """`host nas = ...`."""

    name: Name
    members: tuple[Member, ...]
    span: Span


class HostOs(Record):
    os: Name
    span: Span


class HostTarget(Record):
    target: Name
    span: Span


class HostOwnAddress(Record):
    addresses: tuple[Address, ...]
    span: Span


class ManagedHost(Record):
    """`host web1 { os linux; target nft; address ...; statements }`; items in the order of the text."""

    name: Name
    items: tuple[HostOs | HostTarget | HostOwnAddress | Statement, ...]
    span: Span


class Group(Record):
    name: Name
    members: tuple[Member, ...]
    excluded: tuple[Member, ...]
    span: Span


class SetFile(Record):
    path: Text
    span: Span


class SetDecl(Record):
    """`set NAME of KIND [dynamic] [timeout T] [size N] [counters] [= file "..." | = members]`. Members of a set of ports are
    Ports, of macs Mac, of ifaces Iface."""

    name: Name
    kind: str
    dynamic: bool
    timeout: Duration | None
    size: Number | None
    counters: bool
    source: SetFile | tuple[Member | Ports | Mac | Iface, ...] | None
    span: Span


class Service(Record):
    name: Name
    traffic: Traffic
    span: Span


class Param(Record):
    name: Name
    default: Argument | None
    span: Span


class Block(Record):
    """`{ statements }`; `comments` are kept by the formatter, not here."""

    statements: tuple[Statement, ...]
    span: Span


class Template(Record):
    name: Name
    params: tuple[Param, ...]
    body: Block
    span: Span


class Use(Record):
    name: Name
    arguments: tuple[Argument, ...]
    span: Span


# ----- rules and the statements around them -----------------------------------


class Rule(Record):
    """`action` is allow, deny, reject, log or count."""

    action: str
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    span: Span


class Default(Record):
    hook: str
    verdict: str
    options: tuple[Option, ...]
    span: Span


class Scope(Record):
    """A prefix block: its clauses are joined to those of the statements inside."""

    source: Endpoints | None
    destination: Endpoints | None
    conditions: tuple[Condition, ...]
    body: Block
    span: Span


class Early(Record):
    body: Block
    span: Span


class WhenTest(Record):
    """`target pf`, `not os linux`: `key` is target, os, host or family."""

    negated: bool
    key: Name
    values: tuple[Name, ...]
    span: Span


class When(Record):
    tests: tuple[WhenTest, ...]
    body: Block
    otherwise: Block | None
    span: Span


class Jump(Record):
    """`jump C for ...`, `goto C for ...`, `return for ...` (`kind`); `chain` is None for return."""

    kind: str
    chain: Name | None
    traffic: Traffic | None
    clauses: Clauses
    span: Span


class ChainDecl(Record):
    name: Name
    body: Block
    span: Span


class HookDecl(Record):
    """`hook prerouting priority raw -10 type filter policy accept as ddos { }`. `priority_base` is a name or None."""

    hook: Name
    priority_base: Name | None
    priority: int
    type: Name | None
    policy: Name | None
    name: Name
    body: Block
    span: Span


class Native(Record):
    target: Name
    place: Name | None
    text: str
    span: Span


# ----- translation and packet changes ----------------------------------------


class NatEndpoint(Record):
    """Where a translation goes: an address, a host's name or `self`, and perhaps ports."""

    host: Address | Name | Self | Variable
    ports: Ports | Variable | None
    span: Span


class Masquerade(Record):
    family: Family | None
    traffic: Traffic | None
    clauses: Clauses
    span: Span


class Snat(Record):
    family: Family | None
    traffic: Traffic | None
    clauses: Clauses
    targets: tuple[NatEndpoint, ...]
    span: Span


class Forward(Record):
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    targets: tuple[NatEndpoint, ...]
    span: Span


class Redirect(Record):
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    targets: tuple[NatEndpoint, ...]
    span: Span


class Map(Record):
    """`map OUTER <-> INNER on ZONE`."""

    outer: Address | Name
    inner: Address | Name
    zone: Name
    clauses: Clauses
    span: Span


class NoNat(Record):
    family: Family | None
    traffic: Traffic | None
    clauses: Clauses
    span: Span


class Mark(Record):
    mark: Masked
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    span: Span


class Rewrite(Record):
    """`field` is dscp, ttl, ctmark or priority."""

    field: str
    value: Name | Number
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    span: Span


class Clamp(Record):
    """`to` is "pmtu", ("mtu", n) for `to mtu n`, or ("mss", n) for a plain number."""

    to: str | tuple[str, int]
    traffic: Traffic
    clauses: Clauses
    span: Span


class Notrack(Record):
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    span: Span


class Helper(Record):
    name: Name
    traffic: Traffic
    clauses: Clauses
    span: Span


# ----- tests -----------------------------------------------------------------


class PacketEndpoint(Record):
    """One side of a test packet: an address, a host's name or `self`, and perhaps a port."""

    host: Address | Name | Self
    port: int | None
    span: Span


class TestPacket(Record):
    """`packet tcp A -> B in wan ... expect allow by x`. `protocol` is an L4 without ports, an Icmp or a Protocol. The other
    fields are None when not written; `verdict` is allow, deny or reject; `by` a label."""

    protocol: L4 | Icmp | Protocol
    source: PacketEndpoint
    destination: PacketEndpoint
    in_zone: Name | None
    out_zone: Name | None
    state: Name | None
    mark: Masked | None
    mac: Mac | None
    user: Name | Number | None
    at: int | None
    verdict: str
    by: Name | None
    snat: PacketEndpoint | None
    dnat: PacketEndpoint | None
    span: Span


class Test(Record):
    title: Text
    host: Name | None
    packets: tuple[TestPacket, ...]
    span: Span


class Assert(Record):
    """`quantifier` is never, always or some; `unless` is the ("from"|"to", endpoints) that is taken out."""

    host: Name | None
    strict: bool
    quantifier: str
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    unless: tuple[str, Endpoints] | None
    span: Span


Statement = (
    Syntax
    | PolicyInfo
    | Include
    | Let
    | SettingsBlock
    | LintIgnore
    | LintLevel
    | Zone
    | HostAddress
    | ManagedHost
    | Group
    | SetDecl
    | Service
    | Template
    | Use
    | Rule
    | Default
    | Scope
    | Early
    | When
    | Jump
    | ChainDecl
    | HookDecl
    | Native
    | Masquerade
    | Snat
    | Forward
    | Redirect
    | Map
    | NoNat
    | Mark
    | Rewrite
    | Clamp
    | Notrack
    | Helper
    | Test
    | Assert
)


class File(Record):
    """One parsed file. `broken` is True when there were syntax errors: such a tree may be linted, never compiled.
    `misread` are the names that lines with syntax errors meant to declare: that these are missing is no news."""

    statements: tuple[Statement, ...]
    broken: bool
    span: Span
    misread: frozenset[str] = frozenset()
