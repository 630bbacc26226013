"""What nftables 1.0.6 and later can express of the policy language, and how."""

from __future__ import annotations

from fwc.dialects.base import Capability, Support

CAPABILITIES: tuple[Capability, ...] = tuple(
    Capability(feature, support, note)
    for feature, support, note in (
        ("zone", Support.YES, "`iifname . ip saddr` in one lookup"),
        ("interface-wildcard", Support.YES, '`"wg*"`'),
        ("mixed-ports", Support.YES, "`meta l4proto . th dport { ... }`"),
        ("groups", Support.YES, "named sets, one for each family"),
        ("except", Support.YES, "set difference, computed"),
        ("sets", Support.YES, "named sets, `flags dynamic` where rules fill them"),
        ("limit", Support.YES, "`limit rate`, one bucket for both families"),
        ("limit-per-source", Support.YES, "`update @set { ip saddr limit rate ... }`; a full set counts as excess"),
        ("max-connections", Support.YES, "`ct count`"),
        ("add-to-set", Support.YES, "`update @set { ip saddr timeout ... }`"),
        ("state", Support.YES, "`ct state`"),
        ("user", Support.YES, "`meta skuid`, `meta skgid`; not negated"),
        ("mac", Support.YES, "`ether saddr`"),
        ("ttl", Support.YES, "`ip ttl`, `ip6 hoplimit`"),
        ("dscp", Support.YES, "`ip dscp`, `ip6 dscp`"),
        ("length", Support.YES, "`meta length`"),
        ("mark", Support.YES, "`meta mark`, `ct mark`"),
        (
            "time",
            Support.YES,
            "`meta hour`, `meta day`, `meta time`; converted when loaded, so reload after a clock change",
        ),
        ("flags", Support.YES, "`tcp flags`"),
        ("fragment", Support.YES, "`ip frag-off`, `exthdr frag`"),
        ("pkttype", Support.YES, "`meta pkttype`"),
        ("chance", Support.YES, "`numgen random`"),
        ("helper", Support.YES, "`ct helper` objects"),
        ("cgroup", Support.PARTIAL, "`socket cgroupv2`; the path must exist when the ruleset is loaded"),
        ("ipsec", Support.YES, "`meta ipsec`, and `rt ipsec` for what leaves"),
        ("dnat-condition", Support.YES, "`ct status dnat`, `ct original proto-dst`"),
        ("snat", Support.YES, "`snat ip to`"),
        ("masquerade", Support.YES, "`masquerade`"),
        ("forward", Support.YES, "`dnat ip to`; several targets by `numgen random`"),
        ("port-offset", Support.YES, "a map from each port to its target"),
        ("redirect", Support.YES, "`redirect to`"),
        ("map", Support.YES, "`snat ip prefix to`, `dnat ip prefix to`"),
        ("hairpin", Support.YES, "`dnat` and `masquerade`"),
        ("clamp", Support.YES, "`tcp option maxseg size set`"),
        ("notrack", Support.YES, "`notrack` in a raw chain"),
        ("early", Support.YES, "a chain at priority raw"),
        ("rewrite", Support.YES, "`ip dscp set`, `ip ttl set`, `meta priority set`, `ct mark set`"),
        ("copy-mark", Support.PARTIAL, "whole marks only"),
        ("rpfilter", Support.YES, "`fib saddr . iif oif`"),
        ("log", Support.YES, "prefix of at most 127 bytes, level, rate, NFLOG group"),
        ("count", Support.YES, "`counter`, named counters"),
        ("reject", Support.YES, "`icmpx` for both families, TCP reset"),
        ("jump", Support.YES, "`jump`, `goto`, `return`; the kernel nests 16 chains"),
        ("hook", Support.YES, "any hook, type and priority"),
        ("native", Support.YES, "verbatim lines at the named place"),
        ("coexist", Support.YES, "an own table; nothing else is flushed"),
        ("tag", Support.NO, "use a mark"),
    )
)
