"""What nft can ask a packet for: the words of every selector, and how many there are."""

from __future__ import annotations

# src/proto.c, src/meta.c, src/ct.c, src/exthdr.c of nftables 1.0.6
_FIELDS = {
    "ether": "saddr daddr type",
    "vlan": "id pcp cfi dei type",
    "arp": "htype ptype hlen plen operation",
    "ip": "version hdrlength dscp ecn length id frag-off ttl protocol checksum saddr daddr",
    "ip6": "version dscp ecn flowlabel length nexthdr hoplimit saddr daddr",
    "icmp": "type code checksum id sequence gateway mtu",
    "icmpv6": "type code checksum parameter-problem packet-too-big id sequence max-delay mtu taddr daddr",
    "igmp": "type checksum mrt group",
    "tcp": "sport dport sequence ackseq doff reserved flags window checksum urgptr",
    "udp": "sport dport length checksum",
    "udplite": "sport dport checksum csumcov",
    "sctp": "sport dport vtag checksum",
    "dccp": "sport dport type",
    "th": "sport dport",
    "ah": "nexthdr hdrlength reserved spi sequence",
    "esp": "spi sequence",
    "comp": "nexthdr flags cpi",
    "frag": "nexthdr reserved frag-off reserved2 more-fragments id",
    "hbh": "nexthdr hdrlength",
    "dst": "nexthdr hdrlength",
    "mh": "nexthdr hdrlength type reserved checksum",
    "srh": "flags tag sid seg-left last-entry",
    "rt0": "addr",
    "rt": "mtu nexthop classid ipsec nexthdr hdrlength type seg-left",
    "gre": "hdrlength flags version protocol",
    "geneve": "vni type",
    "vxlan": "vni flags",
}
PAYLOAD = {word: frozenset(fields.split()) for word, fields in _FIELDS.items()}
_META = """
broute cgroup cpu day hour ibriport ibrname ibrpvid ibrvproto iif iifgroup iifkind iifname iiftype ipsec l4proto
length mark nfproto nftrace obriport obrname oif oifgroup oifkind oifname oiftype pkttype priority protocol random
rtclassid sdif sdifname secmark secpath skgid skuid time
"""
META = frozenset(_META.split())
_BARE_META = """
day hour time cgroup cpu ibriport ibrname iif iifgroup iifname iiftype mark nftrace obriport obrname oif oifgroup oifname oiftype
pkttype rtclassid skgid skuid
"""
BARE_META = frozenset(_BARE_META.split())
_CT = """
avgpkt bytes daddr direction event expectation expiration helper id l3proto label mark packets proto-dst proto-src
protocol saddr secmark state status timeout zone
"""
CT = frozenset(_CT.split())
CT_OF_DIRECTION = frozenset(
    ("saddr", "daddr", "l3proto", "protocol", "proto-src", "proto-dst", "bytes", "packets", "avgpkt", "zone")
)
"""What each direction of a connection has of its own."""
FIB_RESULTS = frozenset(("oif", "oifname", "type"))
FIB_FLAGS = frozenset(("saddr", "daddr", "mark", "iif", "oif"))
STARTERS = (
    frozenset(PAYLOAD)
    | BARE_META
    | {"meta", "ct", "fib", "numgen", "jhash", "symhash", "socket", "exthdr", "osf", "ipsec"}
)
