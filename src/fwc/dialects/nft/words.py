"""nft's vocabulary: names of protocols, ICMP types, states and flags as `nft list ruleset` prints them, and its key words."""

from __future__ import annotations

from fwc.ir.match import CtState
from fwc.ir.verdict import RejectKind

# `nft describe inet_proto` (from /etc/protocols) without the names that differ between systems
PROTOCOLS = {
    1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah", 58: "ipv6-icmp",
    89: "ospf", 103: "pim", 108: "ipcomp", 112: "vrrp", 132: "sctp", 136: "udplite",
}  # fmt: skip
PROTOCOL_NUMBERS = {
    **{name: number for number, name in PROTOCOLS.items()},
    "icmpv6": 58, "comp": 108, "ipencap": 4, "ip": 0, "ipip": 94, "eigrp": 88, "l2tp": 115, "encap": 98, "egp": 8, "igp": 9,
    "hopopt": 0, "rsvp": 46, "ipv6-route": 43, "ipv6-frag": 44, "ipv6-nonxt": 59, "ipv6-opts": 60, "etherip": 97, "st": 5,
    "isis": 124, "mpls-in-ip": 137, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142, "mobility-header": 135, "fc": 133,
    "skip": 57, "idrp": 45, "xtp": 36, "ddp": 37, "ggp": 3, "pup": 12, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29,
    "idpr-cmtp": 38, "vmtp": 81, "rspf": 73, "ax.25": 93, "manet": 138, "ethernet": 143, "ospfigp": 89,
}  # fmt: skip
PORT_PROTOCOLS = {"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "dccp": 33}

# src/proto.c (nftables 1.0.6), icmp_type_tbl and icmp6_type_tbl
ICMP_TYPES = {
    0: "echo-reply", 3: "destination-unreachable", 4: "source-quench", 5: "redirect", 8: "echo-request",
    9: "router-advertisement", 10: "router-solicitation", 11: "time-exceeded", 12: "parameter-problem",
    13: "timestamp-request", 14: "timestamp-reply", 15: "info-request", 16: "info-reply", 17: "address-mask-request",
    18: "address-mask-reply",
}  # fmt: skip
ICMPV6_TYPES = {
    1: "destination-unreachable", 2: "packet-too-big", 3: "time-exceeded", 4: "parameter-problem", 128: "echo-request",
    129: "echo-reply", 130: "mld-listener-query", 131: "mld-listener-report", 132: "mld-listener-done",
    133: "nd-router-solicit", 134: "nd-router-advert", 135: "nd-neighbor-solicit", 136: "nd-neighbor-advert",
    137: "nd-redirect", 138: "router-renumbering", 141: "ind-neighbor-solicit", 142: "ind-neighbor-advert",
    143: "mld2-listener-report",
}  # fmt: skip
ICMP_NUMBERS = {name: number for number, name in ICMP_TYPES.items()}
ICMPV6_NUMBERS = {**{name: number for number, name in ICMPV6_TYPES.items()}, "mld-listener-reduction": 132}
ICMP_CODES = {
    "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "frag-needed": 4,
    "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13,
}  # fmt: skip
ICMPV6_CODES = {
    "no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4, "policy-fail": 5,
    "reject-route": 6,
}  # fmt: skip

STATES = {
    "invalid": CtState.INVALID,
    "established": CtState.ESTABLISHED,
    "related": CtState.RELATED,
    "new": CtState.NEW,
    "untracked": CtState.UNTRACKED,
}
STATUS_BITS = {
    "expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32, "dying": 512,
}  # fmt: skip
FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
PKTTYPES = {"host": 0, "unicast": 0, "broadcast": 1, "multicast": 2, "other": 3}
LOG_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}

# what each kind is called for IPv4 and IPv6; "" where the family has no such code (RFC 792, RFC 4443)
REJECTS: dict[RejectKind, tuple[str, str]] = {
    RejectKind.PORT_UNREACHABLE: ("port-unreachable", "port-unreachable"),
    RejectKind.HOST_UNREACHABLE: ("host-unreachable", "addr-unreachable"),
    RejectKind.NET_UNREACHABLE: ("net-unreachable", "no-route"),
    RejectKind.PROTO_UNREACHABLE: ("prot-unreachable", "port-unreachable"),
    RejectKind.ADMIN_PROHIBITED: ("admin-prohibited", "admin-prohibited"),
    RejectKind.HOST_PROHIBITED: ("host-prohibited", "admin-prohibited"),
    RejectKind.NET_PROHIBITED: ("net-prohibited", "admin-prohibited"),
    RejectKind.NO_ROUTE: ("net-unreachable", "no-route"),
    RejectKind.ADDRESS_UNREACHABLE: ("host-unreachable", "addr-unreachable"),
    RejectKind.POLICY_FAIL: ("admin-prohibited", "policy-fail"),
    RejectKind.REJECT_ROUTE: ("net-unreachable", "reject-route"),
}
# the kinds that icmpx has, which picks the code by family (net/netfilter/nft_reject.c)
ICMPX: dict[RejectKind, str] = {
    RejectKind.PORT_UNREACHABLE: "port-unreachable",
    RejectKind.HOST_UNREACHABLE: "host-unreachable",
    RejectKind.ADDRESS_UNREACHABLE: "host-unreachable",
    RejectKind.ADMIN_PROHIBITED: "admin-prohibited",
    RejectKind.NO_ROUTE: "no-route",
    RejectKind.NET_UNREACHABLE: "no-route",
}

# src/scanner.l of nftables 1.0.6 and later: words that cannot be the name of a chain or set
_RESERVED = """
accept add addr addrtype ah all and arp auth avgpkt bridge broadcast btag burst by bytes cfi cgroup cgroupv2 chain chains
    change checksum classid code comment comp confirmed connlimit constant continue count counter counters cpu create ct cwr
    daddr day dccp debug define delete describe destroy dest device devices dir direction dnat dormant dport drop dscp dst dup
    dynamic ecn element elements else eq esp established ether event exists expectation expected expires export exthdr fib
    flags flow flowtable flowtables flush forever frag frag-off from fully-random fwd gateway gc-interval ge geneve goto gre
    group gt handle hash hbh hdrlength helper helpers hint hook hop-limit hoplimit hour htype ibriport ibrname icmp icmp6
    icmpv6 icmpx id if iif iifgroup iifkind iifname iiftype import inc include index inet ingress insert interval ip ip6
    iph ipsec ipv6 jhash json jump key l3proto l4proto label last le length level limit limits list log lsrr lt mac map maps
    mark masquerade mh missing mod monitor mtu nd ne netdev nexthdr nfproto nftrace ngettext nop not notrack numgen obriport
    obrname offload offset oif oifgroup oifkind oifname oiftype option options or original osf over packets performance
    persistent pkttype policy position prefix prerouting priority proto protocol ptype queue queuenum quota quotas ra random
    raw redefine redirect reject rename replace reply reset return router rr rt rtclassid rule rules ruleset sack sack-perm
    saddr sctp second secmark seed seg-left sequence set sets size skgid skuid snaplen snat socket source spi sport src ssrr
    state status stdin string symhash synproxy synproxys table tables tag tcp th time timeout timestamp to total tproxy trans
    transparent ttl tunnel type typeof udp udplite unconfirmed undefine unspec until update urgent used vlan vmap vxlan week
    wildcard window wscale xml xor xt zone minute monday rate rpfilter
"""
RESERVED = frozenset(_RESERVED.split())
