"""What a rule does: actions, which let the packet go on, and one verdict, which may end its way."""

from __future__ import annotations

import dataclasses
from enum import Enum, StrEnum

from fwc.ir.match import Field, Values, WithinRate
from fwc.net.hooks import Family
from fwc.records import Record

# ----- actions ---------------------------------------------------------------


LOG_FLAGS = ("tcp sequence", "tcp options", "ip options", "skuid", "ether")


class Log(Record):
    """Write a log line; `prefix` is verbatim. `level` is a syslog word or empty for the target's default. With
    `nflog_group` the packet goes to that NFLOG group. `rate` limits the log alone, never the verdict. `flags` are those of
    `LOG_FLAGS`, in its order: what else the line shows. For an NFLOG group `size` is how many bytes of the packet are copied
    (None: all) and `threshold` how many packets are gathered before the kernel hands them over (0: the kernel's default)."""

    prefix: str = ""
    level: str = ""
    nflog_group: int | None = None
    rate: WithinRate | None = None
    flags: tuple[str, ...] = ()
    size: int | None = None
    threshold: int = 0


class Count(Record):
    """Count packets and bytes; `name` is a named counter, empty for the rule's own."""

    name: str = ""


class SetField(Record):
    """Write a field: `(old & ~mask) ^ value` for MARK and CT_MARK; DSCP, TTL take `value` whole (`mask` all ones)."""

    field: Field
    value: int
    mask: int = 0xFFFFFFFF


class SetPriority(Record):
    """The packet's queueing priority (tc class `major:minor` as one integer)."""

    value: int


class CopyMark(Record):
    """Copy the packet mark to the connection (`save`) or back (`restore`), limited to `mask`."""

    direction: str
    mask: int = 0xFFFFFFFF


class ClampMss(Record):
    """Lower the TCP MSS option; `size4`/`size6` None means to the path MTU. Belongs on SYN and SYN-ACK."""

    size4: int | None = None
    size6: int | None = None


class NoTrack(Record):
    pass


class SetZone(Record):
    """Track the packet's connection in the conntrack zone `zone` (16 bits), apart from equal connections of other zones;
    `direction` "original" or "reply" is for packets of that direction alone. The first one of a packet counts, and only
    before it is tracked (xt_CT.c, nft_ct_set_zone_eval() in nft_ct.c)."""

    zone: int
    direction: str = ""


class AssignHelper(Record):
    """Attach the conntrack helper `name` (for instance "sip") to the connection; `protocol` is "tcp" or "udp"."""

    name: str
    protocol: str = ""


class AddToSet(Record):
    """Insert the packet's SADDR or DADDR (the `fields`) into a run-time set; `timeout` in seconds, None for the set's own.
    `refresh` renews the timeout of an element already present."""

    set: str
    fields: tuple[Field, ...]
    timeout: int | None = None
    refresh: bool = True
    delete: bool = False


class Tag(Record):
    """pf: attach the tag `name` to the packet and its state."""

    name: str


class Duplicate(Record):
    """Send a copy of the packet to `gateway`, an address of `family` in a network of this machine, by the interface `oif`
    where that is given; the packet itself goes on (xt_TEE.c and nft_dup_ipv4.c call the same nf_dup_ipv4.c)."""

    family: Family
    gateway: int
    oif: str = ""


class Via(Record):
    """pf: how the packet travels on, never whether: `kind` is route-to or fastroute (the packet leaves by one of `hops`, not as
    the routing table says), reply-to (its replies do), dup-to (a copy does) or rtable (that table is asked). `hops` are
    interfaces and gateways as pf.conf writes them, empty where the kind needs none. The packet itself is not changed."""

    kind: str
    hops: str = ""


class OpaqueAction(Record):
    """A statement or target of `dialect` that fwc does not model; the packet goes on to the next rule. `writes` are the fields
    that it is known to change: conditions behind it see other values."""

    dialect: str
    text: str
    kind: str = ""
    writes: tuple[Field, ...] = ()


Action = (
    Log
    | Count
    | SetField
    | SetPriority
    | CopyMark
    | ClampMss
    | NoTrack
    | SetZone
    | AssignHelper
    | AddToSet
    | Tag
    | Duplicate
    | Via
    | OpaqueAction
)

# ----- verdicts --------------------------------------------------------------


class RejectKind(StrEnum):
    """Answers to a refused packet. DEFAULT: a TCP RST for tcp, port unreachable for the rest."""

    DEFAULT = "default"
    TCP_RESET = "tcp-reset"
    PORT_UNREACHABLE = "port-unreachable"
    HOST_UNREACHABLE = "host-unreachable"
    NET_UNREACHABLE = "net-unreachable"
    PROTO_UNREACHABLE = "proto-unreachable"
    ADMIN_PROHIBITED = "admin-prohibited"
    HOST_PROHIBITED = "host-prohibited"
    NET_PROHIBITED = "net-prohibited"
    NO_ROUTE = "no-route"
    ADDRESS_UNREACHABLE = "address-unreachable"
    POLICY_FAIL = "policy-fail"
    REJECT_ROUTE = "reject-route"


class Accept(Record):
    """Ends this base chain; other base chains of the hook still see the packet."""


class Drop(Record):
    """Final for the packet."""


class Reject(Record):
    """As Drop, with an answer. `RejectKind.DEFAULT` depends on the protocol."""

    kind: RejectKind = RejectKind.DEFAULT


class Jump(Record):
    chain: str


class Goto(Record):
    chain: str


class Return(Record):
    """Back to the caller; in a base chain the policy decides."""


class Continue(Record):
    """No verdict: on to the next rule."""


class VerdictMap(Record):
    """Look the fields up among `entries`; the first entry that holds the packet gives the verdict, none means Continue.
    Entries of one map never overlap."""

    fields: tuple[Field, ...]
    entries: tuple[tuple[tuple[Values, ...], Verdict], ...]
    name: str = dataclasses.field(default="", compare=False)


class NatTarget(Record):
    """Where a translation goes: an inclusive address range of one family (None: keep the address) and an inclusive port
    range (None: keep the port, or as the kernel chooses)."""

    family: Family | None = None
    low: int = 0
    high: int = 0
    ports: tuple[int, int] | None = None


class PortChoice(Enum):
    """How the port is chosen: as the kernel likes, at random, keeping the client's mapping, or each port of a range to the
    port at the same offset (`forward tcp 8000-8010 -> host:9000-9010`)."""

    DEFAULT = "default"
    RANDOM = "random"
    PERSISTENT = "persistent"
    OFFSET = "offset"


class Snat(Record):
    """Rewrite the source. Ends the nat hook."""

    target: NatTarget
    choice: PortChoice = PortChoice.DEFAULT


class Masquerade(Record):
    """Rewrite the source to the egress interface's address."""

    ports: tuple[int, int] | None = None
    choice: PortChoice = PortChoice.DEFAULT


class Dnat(Record):
    """Rewrite the destination. With several `targets` one is chosen per connection, at random, evenly."""

    targets: tuple[NatTarget, ...]
    choice: PortChoice = PortChoice.DEFAULT


class Redirect(Record):
    """Rewrite the destination to this machine (the ingress interface's address), at `ports` if given."""

    ports: tuple[int, int] | None = None
    choice: PortChoice = PortChoice.DEFAULT


class Netmap(Record):
    """Replace the prefix of the `field` (SADDR or DADDR), host bits kept: 1:1 NAT, or NPTv6 in IPv6."""

    field: Field
    family: Family
    low: int
    length: int


class OpaqueVerdict(Record):
    """A terminal statement or target that fwc does not model (queue, tproxy, a foreign extension). `terminal` is True when
    it is known that no later rule of the chain sees the packet, None when unknown. With an empty `dialect` it stands for rules
    that other programs fill in at run time (an anchor of pf): they give any verdict, or none."""

    dialect: str
    text: str
    kind: str = ""
    terminal: bool | None = None


Verdict = (
    Accept
    | Drop
    | Reject
    | Jump
    | Goto
    | Return
    | Continue
    | VerdictMap
    | Snat
    | Masquerade
    | Dnat
    | Redirect
    | Netmap
    | OpaqueVerdict
)

ACCEPT = Accept()
DROP = Drop()
RETURN = Return()
CONTINUE = Continue()
