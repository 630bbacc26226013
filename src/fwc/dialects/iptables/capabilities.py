"""What iptables can express: the rows of `fwc targets`, and the features that its errors name."""

from __future__ import annotations

from fwc.dialects.base import Capability, Support

_Y, _P, _N = Support.YES, Support.PARTIAL, Support.NO

CAPABILITIES: tuple[Capability, ...] = tuple(
    Capability(feature, support, note)
    for feature, support, note in (
        ("zones", _Y, "-i, -o, -s, -d; several alternatives become chains"),
        ("interface-wildcard", _Y, "`wg*` is written wg+"),
        ("interface-name", _P, "at most 15 characters, not ending in +"),
        ("groups", _Y, "rules; many addresses or combinations become a tree of chains, or an ipset with --ipset"),
        ("sets", _Y, "run-time sets are ipsets, one per family, in ipset.conf"),
        ("set-field", _P, "addresses, ports, MAC addresses and combinations that ipset has"),
        ("ports", _Y, "multiport, 15 at a time"),
        ("except", _Y, "`!`, ranges, or a chain with RETURN"),
        ("limit", _Y, "limit and hashlimit; a rate in whole packets per second, minute, hour or day; per family"),
        ("connections", _Y, "connlimit"),
        ("state", _Y, "conntrack --ctstate"),
        ("ct-status", _P, "dnat and snat; expected, seen-reply, assured, confirmed: some of them set, or none"),
        ("ct-original", _P, "original addresses by prefix, the original destination port by range"),
        ("mark", _Y, "mark, connmark, MARK, CONNMARK"),
        ("ttl", _P, "matched anywhere, changed in the mangle table only"),
        ("dscp", _P, "matched anywhere, changed in the mangle table only"),
        ("length", _Y, "length"),
        ("fragment", _Y, "u32 for IPv4, ipv6header for IPv6"),
        ("tcp-flags", _P, "all but ece and cwr"),
        ("mac", _Y, "mac --mac-source, before the output hooks"),
        ("pkttype", _P, "unicast, broadcast, multicast"),
        ("time", _Y, "time --kerneltz: the kernel's time zone"),
        ("chance", _Y, "statistic --mode random"),
        ("user", _Y, "owner, for packets of this machine"),
        ("helper", _Y, "helper, and CT --helper in the raw table"),
        ("cgroup", _Y, "cgroup --path; the path must exist at load"),
        ("ipsec", _Y, "policy --pol ipsec"),
        ("rpfilter", _Y, "rpfilter"),
        ("local", _Y, "addrtype"),
        ("route", _N, "before routing the exit is not known: limit the destination by addresses"),
        (
            "ingress-after-routing",
            _N,
            "after routing the entry is not known: give the zone its `net`, so that the source tells",
        ),
        ("user-of-received", _N, "owner knows the sockets of this machine that send, in OUTPUT and POSTROUTING"),
        ("absent-interface", _N, "-i is refused in OUTPUT, -o in INPUT and PREROUTING: no packet has one there"),
        ("vlan", _N, "match the VLAN's own interface"),
        ("tag", _N, "use `mark`"),
        ("log", _Y, "LOG and NFLOG, with their own limit"),
        ("log-prefix", _P, "29 characters, 63 for NFLOG"),
        ("reject", _P, "in the filter table only; the kind is mapped per family"),
        ("count", _P, "every rule counts; a name has no place"),
        ("masquerade", _Y, "MASQUERADE"),
        ("snat", _Y, "SNAT, ranges, --random, --persistent"),
        ("forward", _Y, "DNAT; several targets by statistic; port offset as 9000-9010/8000"),
        ("redirect", _Y, "REDIRECT; a port offset becomes one rule per port"),
        ("map", _Y, "NETMAP both ways"),
        ("clamp", _Y, "TCPMSS"),
        ("notrack", _Y, "CT --notrack in the raw table"),
        ("early", _Y, "raw table"),
        ("chains", _Y, "user chains, jump, goto, return; 16 nested, as the kernel's nf_tables takes"),
        (
            "hook",
            _P,
            "priorities that a table is on the same side of tracking and translation as; no ingress, no egress",
        ),
        ("native", _Y, "one rule a line, at input-start, forward-end and so on"),
        ("coexist", _Y, "own chains, --noflush, apply.sh; DOCKER-USER for docker"),
        ("bridge", _N, "frames of a bridge are not seen"),
    )
)
