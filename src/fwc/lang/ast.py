"""The tree of a policy: what was written, nothing resolved. Every node ends in the span of its text.

Names are `Name`, uses of `let` values and template parameters are `Variable`. A field that may hold either a literal or a
`$name` has the union type. Lists keep the order of the text.
"""

from __future__ import annotations

from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import Span, Written

# ----- words -----------------------------------------------------------------


class Name(Written):
    text: str
    span: Span


class Variable(Written):
    """`$name`, without the dollar sign."""

    name: str
    span: Span


class Text(Written):
    """A quoted string, unescaped."""

    value: str
    span: Span


class Number(Written):
    """An integer, decimal or 0x."""

    value: int
    span: Span


class Ports(Written):
    """A port or an inclusive range; low <= high <= 65535 is checked by the parser."""

    low: int
    high: int
    span: Span


class Rate(Written):
    """`10/minute`, `2MB/second`: `amount` per `seconds`; `unit` is "packets" or "bytes"."""

    amount: int
    seconds: int
    unit: str
    span: Span


class Duration(Written):
    """In milliseconds, because `ms` is a unit."""

    milliseconds: int
    span: Span


class Date(Written):
    """ISO text, checked to be a day of the calendar."""

    text: str
    span: Span


class Masked(Written):
    """`0x10` or `0x10/0xff`; the mask is all ones when not written."""

    value: int
    mask: int
    span: Span


class Address(Written):
    """An address, a prefix or a range: all addresses low..high of one family. `text` is as written."""

    family: Family
    low: int
    high: int
    text: str
    span: Span


class Dns(Written):
    """`dns "name"`: resolved by `fwc lock`."""

    name: str
    span: Span


class SetName(Written):
    """`@name`."""

    name: str
    span: Span


class Self(Written):
    span: Span


class Any(Written):
    span: Span


class Iface(Written):
    """`iface eth3`, or an item of a zone's `iface` list; may end in a wildcard."""

    name: str
    span: Span


class Mac(Written):
    value: int
    text: str
    span: Span


Member = Address | Dns | Name | Variable
Endpoint = Address | Dns | Name | Variable | SetName | Self | Any | Iface | Mac


class Endpoints(Written):
    """`items except excluded in zones`: the list, minus the except list, then intersected with the zones (when given)."""

    items: tuple[Endpoint, ...]
    excluded: tuple[Endpoint, ...]
    zones: tuple[Name | Variable, ...]
    span: Span


# ----- traffic ---------------------------------------------------------------


class AnyTraffic(Written):
    span: Span


class L4(Written):
    """`tcp 80 sport 1024-65535`. A bare port in a list has been given the protocol before it; then `protocol_span` is the
    span of that earlier word. `port` or `sport` None means every port."""

    protocol: str
    port: Ports | Variable | None
    sport: Ports | Variable | None
    span: Span


class Icmp(Written):
    """`icmp echo-request`, `icmpv6 1/3`. `type` is a type's name, a number, (type, code), or None for all."""

    version: Family
    type: str | int | tuple[int, int] | None
    span: Span


class Protocol(Written):
    """`proto gre`, `proto 47`."""

    protocol: str | int
    span: Span


class ServiceName(Written):
    name: str
    span: Span


TrafficItem = AnyTraffic | L4 | Icmp | Protocol | ServiceName | Variable


class Traffic(Written):
    items: tuple[TrafficItem, ...]
    span: Span


# ----- conditions ------------------------------------------------------------


class StateCond(Written):
    states: tuple[Name, ...]
    span: Span


class MarkCond(Written):
    """`mark 0x10/0xff`; `connection` for `ctmark`."""

    mark: Masked
    connection: bool
    span: Span


class CompareCond(Written):
    """`ttl 255`, `ttl < 5`, `length 100-200`: `field` is "ttl" or "length", the value lies in low..high."""

    field: str
    low: int
    high: int
    span: Span


class DscpCond(Written):
    values: tuple[Name | Number, ...]
    span: Span


class FragmentCond(Written):
    span: Span


class OwnerCond(Written):
    """`user` or `usergroup` (`kind` "user" or "group")."""

    kind: str
    names: tuple[Name | Number | Text, ...]
    span: Span


class TimeCond(Written):
    """`time 22:00-06:00 on mon, tue` or `days sat, sun`; minutes of the day, None when only days are given. `mon-fri`
    arrives as the five days."""

    start: int | None
    end: int | None
    days: tuple[Name, ...]
    span: Span


class UntilCond(Written):
    date: Date
    span: Span


class FlagsCond(Written):
    """`flags syn of syn, ack`: of the flags in `mask`, exactly `flags` are set. Without `of` the mask is the flags."""

    flags: tuple[Name, ...]
    mask: tuple[Name, ...]
    span: Span


class DnatCond(Written):
    """`dnat`, `dnat port 443`: the packet's connection was translated; to these original ports."""

    ports: tuple[Ports | Variable, ...]
    span: Span


class SnatCond(Written):
    span: Span


class IpsecCond(Written):
    span: Span


class PkttypeCond(Written):
    types: tuple[Name, ...]
    span: Span


class ChanceCond(Written):
    millionths: int
    span: Span


class HelperCond(Written):
    name: Name
    span: Span


class CgroupCond(Written):
    path: Text
    span: Span


class SportCond(Written):
    ports: tuple[Ports | Variable, ...]
    span: Span


class WithinCond(Written):
    """`within 5/minute burst 10 per source`: the bucket still has a token."""

    rate: Rate | Variable
    burst: Number | Variable | None
    per: PerPart | None
    span: Span


class NativeCond(Written):
    """`native iptables \"\"\"-m recent ...\"\"\"`: a condition in one target's own words."""

    target: Name
    text: str
    span: Span


class NotCond(Written):
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


class PerPart(Written):
    """`per source mask 24 64`: `side` is "source" or "destination"; masks None when not written."""

    side: str
    mask4: Number | None
    mask6: Number | None
    span: Span


class AddPart(Written):
    """`add source to @set timeout 6h`."""

    side: str
    set: SetName
    timeout: Duration | None
    span: Span


class ElsePart(Written):
    """`else deny and add source to @set`; `verdict` is "allow", "deny" or "reject"."""

    verdict: str
    add: AddPart | None
    span: Span


class LogOption(Written):
    prefix: Text | None
    level: Name | None
    rate: Rate | Variable | None
    burst: Number | Variable | None
    nflog: Number | None
    span: Span


class LimitOption(Written):
    rate: Rate | Variable
    burst: Number | Variable | None
    per: PerPart | None
    otherwise: ElsePart | None
    span: Span


class MaxOption(Written):
    """`max N connections per source`."""

    count: Number | Variable
    per: PerPart | None
    otherwise: ElsePart | None
    span: Span


class WithOption(Written):
    """`with tcp-reset`."""

    kind: Name
    span: Span


class CountOption(Written):
    name: Name | None
    span: Span


class LabelOption(Written):
    """`as web`."""

    name: Name
    span: Span


class TextOption(Written):
    """`comment`, `owner` or `ticket` (`kind`) with its string."""

    kind: str
    text: Text
    span: Span


class ExpiresOption(Written):
    date: Date
    span: Span


class IgnoreOption(Written):
    """`ignore LINT because "..."`."""

    lint: Name
    reason: Text
    span: Span


class AddOption(Written):
    add: AddPart
    span: Span


class FlagOption(Written):
    """`stateless`, `hairpin`, `without accept` ("without-accept"), `random`, `persistent`."""

    kind: str
    span: Span


class DisabledOption(Written):
    reason: Text
    span: Span


class PortsOption(Written):
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


class Syntax(Written):
    version: Number
    span: Span


class PolicyInfo(Written):
    name: Text
    options: tuple[Option, ...]
    span: Span


class Include(Written):
    path: Text
    span: Span


Scalar = Number | Text | Rate | Duration | Ports | Date | Address | Name | SetName | Variable
"""What `let` and template arguments may hold; a service with ports (`tcp 22`) is an `L4`."""

Argument = Scalar | L4 | Any | Self


class Let(Written):
    name: Name
    value: Scalar
    span: Span


class Setting(Written):
    """One line of `settings { }`: its first word and the words after it. Signed numbers arrive as Number."""

    key: Name
    values: tuple[Name | Text | Number | Rate | Duration | Address, ...]
    span: Span


class SettingsBlock(Written):
    settings: tuple[Setting, ...]
    span: Span


class LintIgnore(Written):
    lint: Name
    reason: Text
    span: Span


class LintLevel(Written):
    """`lint error|warn|off NAME`."""

    level: str
    lint: Name
    span: Span


# ----- declarations ----------------------------------------------------------


class ZoneIfaces(Written):
    """`iface eth0` or `iface linux: eth0`; `os` is None when it holds everywhere."""

    os: Name | None
    ifaces: tuple[Iface, ...]
    span: Span


class ZoneNets(Written):
    nets: tuple[Address, ...]
    span: Span


class ZoneAddresses(Written):
    addresses: tuple[Address, ...]
    span: Span


class ZoneMtu(Written):
    mtu: Number
    span: Span


class ZoneOverlaps(Written):
    zones: tuple[Name, ...]
    span: Span


class ZoneComment(Written):
    text: Text
    span: Span


ZoneProperty = ZoneIfaces | ZoneNets | ZoneAddresses | ZoneMtu | ZoneOverlaps | ZoneComment


class Zone(Written):
    name: Name
    within: Name | None
    properties: tuple[ZoneProperty, ...]
    span: Span


class HostAddress(Written):
    """`host nas = ...`."""

    name: Name
    members: tuple[Member, ...]
    span: Span


class HostOs(Written):
    os: Name
    span: Span


class HostTarget(Written):
    target: Name
    span: Span


class HostOwnAddress(Written):
    addresses: tuple[Address, ...]
    span: Span


class ManagedHost(Written):
    """`host web1 { os linux; target nft; address ...; statements }`; items in the order of the text."""

    name: Name
    items: tuple[HostOs | HostTarget | HostOwnAddress | Statement, ...]
    span: Span


class Group(Written):
    name: Name
    members: tuple[Member, ...]
    excluded: tuple[Member, ...]
    span: Span


class SetFile(Written):
    path: Text
    span: Span


class SetDecl(Written):
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


class Service(Written):
    name: Name
    traffic: Traffic
    span: Span


class Param(Written):
    name: Name
    default: Argument | None
    span: Span


class Block(Written):
    """`{ statements }`; `comments` are kept by the formatter, not here."""

    statements: tuple[Statement, ...]
    span: Span


class Template(Written):
    name: Name
    params: tuple[Param, ...]
    body: Block
    span: Span


class Use(Written):
    name: Name
    arguments: tuple[Argument, ...]
    span: Span


# ----- rules and the statements around them -----------------------------------


class Rule(Written):
    """`action` is allow, deny, reject, log or count."""

    action: str
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    span: Span


class Default(Written):
    hook: str
    verdict: str
    options: tuple[Option, ...]
    span: Span


class Scope(Written):
    """A prefix block: its clauses are joined to those of the statements inside."""

    source: Endpoints | None
    destination: Endpoints | None
    conditions: tuple[Condition, ...]
    body: Block
    span: Span


class Early(Written):
    body: Block
    span: Span


class WhenTest(Written):
    """`target pf`, `not os linux`: `key` is target, os, host or family."""

    negated: bool
    key: Name
    values: tuple[Name, ...]
    span: Span


class When(Written):
    tests: tuple[WhenTest, ...]
    body: Block
    otherwise: Block | None
    span: Span


class Jump(Written):
    """`jump C for ...`, `goto C for ...`, `return for ...` (`kind`); `chain` is None for return."""

    kind: str
    chain: Name | None
    traffic: Traffic | None
    clauses: Clauses
    span: Span


class ChainDecl(Written):
    name: Name
    body: Block
    span: Span


class HookDecl(Written):
    """`hook prerouting priority raw -10 type filter policy accept as ddos { }`. `priority_base` is a name or None."""

    hook: Name
    priority_base: Name | None
    priority: int
    type: Name | None
    policy: Name | None
    name: Name
    body: Block
    span: Span


class Native(Written):
    target: Name
    place: Name | None
    text: str
    span: Span


# ----- translation and packet changes ----------------------------------------


class NatEndpoint(Written):
    """Where a translation goes: an address, a host's name or `self`, and perhaps ports."""

    host: Address | Name | Self | Variable
    ports: Ports | Variable | None
    span: Span


class Masquerade(Written):
    family: Family | None
    traffic: Traffic | None
    clauses: Clauses
    span: Span


class Snat(Written):
    family: Family | None
    traffic: Traffic | None
    clauses: Clauses
    targets: tuple[NatEndpoint, ...]
    span: Span


class Forward(Written):
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    targets: tuple[NatEndpoint, ...]
    span: Span


class Redirect(Written):
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    targets: tuple[NatEndpoint, ...]
    span: Span


class Map(Written):
    """`map OUTER <-> INNER on ZONE`."""

    outer: Address | Name
    inner: Address | Name
    zone: Name
    clauses: Clauses
    span: Span


class NoNat(Written):
    family: Family | None
    traffic: Traffic | None
    clauses: Clauses
    span: Span


class Mark(Written):
    mark: Masked
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    span: Span


class Rewrite(Written):
    """`field` is dscp, ttl, ctmark or priority."""

    field: str
    value: Name | Number
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    span: Span


class Clamp(Written):
    """`to` is "pmtu", ("mtu", n) for `to mtu n`, or ("mss", n) for a plain number."""

    to: str | tuple[str, int]
    traffic: Traffic
    clauses: Clauses
    span: Span


class Notrack(Written):
    family: Family | None
    traffic: Traffic
    clauses: Clauses
    span: Span


class Helper(Written):
    name: Name
    traffic: Traffic
    clauses: Clauses
    span: Span


# ----- tests -----------------------------------------------------------------


class PacketEndpoint(Written):
    """One side of a test packet: an address, a host's name or `self`, and perhaps a port."""

    host: Address | Name | Self
    port: int | None
    span: Span


class TestPacket(Written):
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


class Test(Written):
    title: Text
    host: Name | None
    packets: tuple[TestPacket, ...]
    span: Span


class Assert(Written):
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


class File(Written):
    """One parsed file. `broken` is True when there were syntax errors: such a tree may be linted, never compiled.
    `misread` are the names that lines with syntax errors meant to declare: that these are missing is no news."""

    statements: tuple[Statement, ...]
    broken: bool
    span: Span
    misread: frozenset[str] = frozenset()
