"""What iptables asks of the options of a match or target: which are needed, and which exclude each other.

Source: the x6_options tables and check functions of iptables 1.8.9's extensions/, and what iptables-restore says.
"""

from __future__ import annotations

from collections.abc import Collection

from fwc.dialects.iptables.match_rows import Option, Refused
from fwc.net.hooks import Family

_ALIASES = {
    "--source-port": "--sport", "--destination-port": "--dport", "--source-ports": "--sports",
    "--destination-ports": "--dports", "--port": "--ports", "--ttl": "--ttl-eq", "--hl": "--hl-eq",
    "--hashlimit": "--hashlimit-upto", "--to": "--to-source", "--to-destination": "--to-source", "--to-port": "--to-ports",
    "--icmp6-type": "--icmpv6-type", "--set": "--match-set",
}  # fmt: skip
_REPEATED = frozenset({"policy"})
"""`--strict` policies have an element for each `--next`."""

_NEEDED: dict[str, str] = {
    "state": "--state", "comment": "--comment", "icmp": "--icmp-type", "icmp6": "--icmpv6-type --icmp-type",
    "icmpv6": "--icmpv6-type --icmp-type", "addrtype": "--src-type --dst-type", "iprange": "--src-range --dst-range",
    "mac": "--mac-source", "mark": "--mark", "connmark": "--mark", "dscp": "--dscp --dscp-class",
    "ttl": "--ttl-eq --ttl-gt --ttl-lt", "hl": "--hl-eq --hl-gt --hl-lt", "length": "--length", "pkttype": "--pkt-type",
    "helper": "--helper", "u32": "--u32", "ipv6header": "--header", "string": "--string --hex-string",
    "connlimit": "--connlimit-upto --connlimit-above", "hashlimit": "--hashlimit-upto --hashlimit-above",
    "multiport": "--sports --dports --ports", "statistic": "--probability --every", "tcpmss": "--mss", "tos": "--tos",
    "ecn": "--ecn-tcp-cwr --ecn-tcp-ece --ecn-ip-ect", "realm": "--realm", "connbytes": "--connbytes",
    "connlabel": "--label", "cpu": "--cpu", "set": "--match-set", "cgroup": "--path --cgroup", "nfacct": "--nfacct-name",
    "devgroup": "--src-group --dst-group", "policy": "--dir", "physdev":
    "--physdev-in --physdev-out --physdev-is-in --physdev-is-out --physdev-is-bridged", "owner":
    "--uid-owner --gid-owner --socket-exists",
    "SNAT": "--to-source", "DNAT": "--to-source", "NETMAP": "--to-source", "MARK":
    "--set-mark --set-xmark --and-mark --or-mark --xor-mark", "CONNMARK":
    "--set-mark --set-xmark --and-mark --or-mark --xor-mark --save-mark --restore-mark",
    "TCPMSS": "--set-mss --clamp-mss-to-pmtu", "DSCP": "--set-dscp --set-dscp-class", "TTL": "--ttl-set --ttl-dec --ttl-inc",
    "HL": "--hl-set --hl-dec --hl-inc", "CLASSIFY": "--set-class", "SET": "--add-set --del-set --map-set",
    "TPROXY": "--on-port", "TEE": "--gateway", "TOS": "--set-tos --and-tos --or-tos --xor-tos", "CHECKSUM": "--checksum-fill",
    "AUDIT": "--type", "HMARK": "--hmark-mod", "IDLETIMER": "--timeout", "RATEEST": "--rateest-name", "LED":
    "--led-trigger-id", "TCPOPTSTRIP": "--strip-options", "ECN": "--ecn-tcp-remove",
}  # fmt: skip
"""One of these options must stand there."""

_BESIDES: dict[str, str] = {"string": "--algo", "hashlimit": "--hashlimit-name", "statistic": "--mode", "policy": "--pol",
                            "connbytes": "--connbytes-dir --connbytes-mode"}  # fmt: skip
"""And all of these."""

_ONE_OF: dict[str, str] = {
    "multiport": "--sports --dports --ports", "connlimit": "--connlimit-upto --connlimit-above", "hashlimit":
    "--hashlimit-upto --hashlimit-above", "ttl": "--ttl-eq --ttl-gt --ttl-lt", "hl": "--hl-eq --hl-gt --hl-lt",
    "dscp": "--dscp --dscp-class", "string": "--string --hex-string", "tcp": "--syn --tcp-flags", "MARK":
    "--set-mark --set-xmark --and-mark --or-mark --xor-mark", "TCPMSS": "--set-mss --clamp-mss-to-pmtu", "DSCP":
    "--set-dscp --set-dscp-class", "TTL": "--ttl-set --ttl-dec --ttl-inc", "HL": "--hl-set --hl-dec --hl-inc",
}  # fmt: skip
"""At most one of these."""

_ONLY4 = frozenset(["icmp", "ttl", "realm", "TTL", "CLUSTERIP", "ULOG", "ECN"])
_ONLY6 = frozenset(
    ["icmp6", "icmpv6", "hl", "rt", "frag", "dst", "hbh", "ipv6header", "mh", "eui64", "srh", "HL", "DNPT", "SNPT"]
)


def check_options(name: str, options: Collection[Option], family: Family) -> None:
    """Raises `Refused` for options of a match or target that iptables does not load together."""
    other = _ONLY6 if family is Family.V4 else _ONLY4
    if name in other:
        tool = "iptables" if family is Family.V4 else "ip6tables"
        raise Refused("FW001", f"{tool} has no {name!r}: it belongs to the other family")
    given = [_ALIASES.get(option, option) for option, _, _ in options]
    if name not in _REPEATED:
        for at, option in enumerate(given):
            if option in given[:at]:
                raise Refused("FW001", f"{option} can be given only once", "use one rule for each")
    needed = _NEEDED.get(name, "").split()
    if needed and not any(option in given for option in needed):
        raise Refused("FW001", f"{name} needs {' or '.join(needed)}")
    missing = [option for option in _BESIDES.get(name, "").split() if option not in given]
    if missing:
        raise Refused("FW001", f"{name} needs {' and '.join(missing)}")
    exclusive = [option for option in _ONE_OF.get(name, "").split() if option in given]
    if len(exclusive) > 1:
        raise Refused("FW001", f"{' and '.join(exclusive)} exclude each other", "use one rule for each")
