"""What pf on macOS can express: the rows of `fwc targets`, and the words that refusals use."""

from __future__ import annotations

from fwc.dialects.base import Capability, Support

YES, PARTIAL, NO = Support.YES, Support.PARTIAL, Support.NO

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "zones", YES, "`on IF from <net>`; a forwarded packet is tested coming in and going out, joined by a tag"
    ),
    Capability("interface wildcards", NO, "pf compares exact names; list them with `iface macos: utun4, utun5`"),
    Capability("interface negation", PARTIAL, "one interface can be excluded; name the zones instead"),
    Capability("groups", YES, "tables"),
    Capability(
        "address ranges", YES, "split into prefixes; macOS compares the ends of `a - b` in the wrong byte order"
    ),
    Capability("except", YES, "table with `!`"),
    Capability("port lists", YES, "lists"),
    Capability("ports of other protocols", NO, "pf knows ports of tcp and udp only"),
    Capability("protocol negation", PARTIAL, "written as the list of the other protocols when it is short"),
    Capability("icmp types", YES, "icmp-type and icmp6-type with code; type 255 cannot be tested"),
    Capability("tcp flags", YES, "flags F/M, one rule per combination"),
    Capability(
        "fragment",
        PARTIAL,
        "`fragment` without ports, types and flags; switches reassembly off, as what is reassembled is no fragment",
    ),
    Capability("state", PARTIAL, "new packets only: pf passes known connections before it reads a rule"),
    Capability(
        "limit", PARTIAL, "per source and for tcp only: max-src-conn-rate, without burst; the excess is dropped"
    ),
    Capability(
        "max connections", PARTIAL, "max, max-src-conn (tcp), max-src-states; per single source; the excess is dropped"
    ),
    Capability("add to set", PARTIAL, "overload <table> of a tcp limit"),
    Capability(
        "runtime sets", PARTIAL, "tables of addresses or networks; not together with another limit on the same side"
    ),
    Capability("user", PARTIAL, "tcp and udp sockets of this machine"),
    Capability("reject", YES, "return-rst, return-icmp, return-icmp6"),
    Capability("log", PARTIAL, "`log` on the rule; the prefix becomes its label; no level and no rate"),
    Capability("log without verdict", NO, "pf logs with the verdict; put `log` on the rule that decides"),
    Capability("count", PARTIAL, "every rule counts (`pfctl -vsr`); a rule that only counts is not possible"),
    Capability("early", PARTIAL, "evaluated first, but known connections pass before any rule is read"),
    Capability("notrack", PARTIAL, "`no state`; the rule and its `notrack` may test one set of addresses per side"),
    Capability(
        "stateless",
        PARTIAL,
        "`flags any no state` in both directions; forwarded: only to any destination; keep state, or use `any except self`",
    ),
    Capability("forward", YES, "rdr with a tag"),
    Capability("redirect", YES, "rdr to the interface's address"),
    Capability("masquerade", YES, "nat to (interface)"),
    Capability("snat", YES, "nat; ports as port A:B"),
    Capability("map", YES, "binat"),
    Capability("dnat of local traffic", NO, "pf translates destinations on the way in only"),
    Capability("dnat condition", PARTIAL, "packets that our own rdr tagged"),
    Capability("clamp mss", PARTIAL, "scrub max-mss with a number: needs the zone's `mtu` or `to mtu N`"),
    Capability(
        "rpfilter",
        NO,
        "urpf-failed never matches on macOS; deny the networks of other zones: `deny any from lan-nets in wan to any`",
    ),
    Capability(
        "antispoof",
        PARTIAL,
        "own addresses; networks need two excluded interfaces, and pf has one: `deny any from 192.168.10.0/24 in wan to any`",
    ),
    Capability("mark", NO, "pf has tags, no marks; use `when target` around the statement"),
    Capability("rewrite", NO, "macOS changes no TTL, DSCP or priority"),
    Capability("helper", NO, "macOS has no connection helpers"),
    Capability("mac", NO, "pf sees no link layer; match the address"),
    Capability("ttl", NO, "pf does not test the TTL"),
    Capability("dscp", NO, "macOS tests tos as bits, not as a value"),
    Capability("length", NO, "pf does not test the length"),
    Capability("pkttype", NO, "match the broadcast or multicast address"),
    Capability("time", NO, "load another ruleset from launchd instead"),
    Capability("chance", NO, "`probability` is not modelled"),
    Capability("ipsec", NO, "match the tunnel interface"),
    Capability("cgroup", NO, "match the user"),
    Capability("vlan", NO, "match the VLAN interface"),
    Capability("hook", NO, "pf has no hooks; use `native pf`"),
    Capability(
        "native", YES, "at options, nat-start, nat-end, filter-start, input-start, forward-start, output-start, *-end"
    ),
)

BY_FEATURE = {c.feature: c for c in CAPABILITIES}
