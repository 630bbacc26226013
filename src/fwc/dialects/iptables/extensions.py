"""One row per -m module and -j target: its options, how many words each takes, and what it becomes in the IR.

A module whose options say more than the IR can hold stays `Opaque` with its exact text, and so does one that has no row.
Sources: iptables-extensions(8) and the sources of iptables 1.8.9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fwc.dialects.iptables import match_rows as m
from fwc.dialects.iptables import rate_rows as r
from fwc.dialects.iptables.match_rows import Converter
from fwc.records import Record


class Module(Record):
    """`options` maps an option to the number of its words; aliases have an entry of their own. `convert` is None where the
    module is always opaque."""

    options: Mapping[str, int]
    convert: Converter | None = None


def _row(text: str, convert: Callable[..., object] | None = None) -> Module:
    """`--a --b=0`: options, with the number of words where it is not one."""
    options: dict[str, int] = {}
    for word in text.split():
        name, equal, count = word.partition("=")
        options[name] = int(count) if equal else 1
    return Module(options, convert)  # type: ignore[arg-type]


_PORTS = "--sport --source-port --dport --destination-port --sports --source-ports --dports --destination-ports"

MATCHES: dict[str, Module] = {
    "tcp": _row(f"{_PORTS} --syn=0 --tcp-flags=2 --tcp-option", m.tcp),
    "udp": _row(_PORTS, m.ports),
    "udplite": _row(_PORTS, m.ports),
    "sctp": _row(f"{_PORTS} --chunk-types=2", m.ports),
    "dccp": _row(f"{_PORTS} --dccp-types --dccp-option", m.ports),
    "multiport": _row("--sports --source-ports --dports --destination-ports --ports --port", m.multiport),
    "icmp": _row("--icmp-type", m.icmp),
    "icmp6": _row("--icmpv6-type --icmp6-type --icmp-type", m.icmp),
    "conntrack": _row(
        "--ctstate --ctproto --ctorigsrc --ctorigdst --ctreplsrc --ctrepldst --ctorigsrcport --ctorigdstport"
        " --ctreplsrcport --ctrepldstport --ctstatus --ctexpire --ctdir",
        m.conntrack,
    ),
    "state": _row("--state", m.state),
    "comment": _row("--comment", m.comment),
    "limit": _row("--limit --limit-burst", r.limit),
    "hashlimit": _row(
        "--hashlimit --hashlimit-upto --hashlimit-above --hashlimit-burst --hashlimit-mode --hashlimit-name"
        " --hashlimit-srcmask --hashlimit-dstmask --hashlimit-htable-size --hashlimit-htable-max"
        " --hashlimit-htable-expire --hashlimit-htable-gcinterval --hashlimit-rate-match=0 --hashlimit-rate-interval",
        r.hashlimit,
    ),
    "connlimit": _row(
        "--connlimit-upto --connlimit-above --connlimit-mask --connlimit-saddr=0 --connlimit-daddr=0", r.connlimit
    ),
    "iprange": _row("--src-range --dst-range", m.iprange),
    "mac": _row("--mac-source", m.mac),
    "mark": _row("--mark", m.packet_mark),
    "connmark": _row("--mark", m.connection_mark),
    "dscp": _row("--dscp --dscp-class", m.dscp),
    "ttl": _row("--ttl --ttl-eq --ttl-gt --ttl-lt", m.ttl),
    "hl": _row("--hl --hl-eq --hl-gt --hl-lt", m.ttl),
    "length": _row("--length", m.length),
    "pkttype": _row("--pkt-type", m.pkttype),
    "owner": _row("--uid-owner --gid-owner --socket-exists=0 --suppl-groups=0", m.owner),
    "helper": _row("--helper", m.helper),
    "statistic": _row("--mode --probability --every --packet", r.statistic),
    "time": _row(
        "--timestart --timestop --datestart --datestop --monthdays --weekdays --kerneltz=0 --utc=0 --localtz=0"
        " --contiguous=0",
        m.time,
    ),
    "set": _row(
        "--match-set=2 --set=2 --return-nomatch=0 --update-counters=0 --update-subcounters=0 --packets-eq --packets-gt"
        " --packets-lt --bytes-eq --bytes-gt --bytes-lt",
        m.ip_set,
    ),
    "policy": _row("--dir --pol --strict=0 --reqid --spi --proto --mode --tunnel-src --tunnel-dst --next=0", m.policy),
    "rpfilter": _row("--loose=0 --validmark=0 --accept-local=0 --invert=0", m.rpfilter),
    "addrtype": _row("--src-type --dst-type --limit-iface-in=0 --limit-iface-out=0", m.addrtype),
    "cgroup": _row("--path --cgroup", m.cgroup),
    "u32": _row("--u32", m.u32),
    "ipv6header": _row("--header --soft=0", m.ipv6header),
    "frag": _row("--fragid --fraglen --fragres=0 --fragfirst=0 --fragmore=0 --fraglast=0", m.frag),
    "recent": _row(
        "--set=0 --rcheck=0 --update=0 --remove=0 --rsource=0 --rdest=0 --mask --name --seconds --reap=0 --hitcount --rttl=0",
        r.recent,
    ),
    "string": _row("--algo --from --to --string --hex-string --icase=0"),
    "rt": _row("--rt-type --rt-segsleft --rt-len --rt-0-res=0 --rt-0-addrs --rt-0-not-strict=0"),
    "tcpmss": _row("--mss"),
    "physdev": _row("--physdev-in --physdev-out --physdev-is-in=0 --physdev-is-out=0 --physdev-is-bridged=0"),
    "socket": _row("--transparent=0 --nowildcard=0 --restore-skmark=0"),
    "ah": _row("--ahspi --ahlen --ahres=0"),
    "esp": _row("--espspi"),
    "tos": _row("--tos", m.tos),
    "ecn": _row("--ecn-tcp-cwr=0 --ecn-tcp-ece=0 --ecn-ip-ect", m.ecn),
    "realm": _row("--realm"),
    "connbytes": _row("--connbytes --connbytes-dir --connbytes-mode"),
    "connlabel": _row("--label --set=0"),
    "quota": _row("--quota"),
    "nfacct": _row("--nfacct-name"),
    "cpu": _row("--cpu"),
    "devgroup": _row("--src-group --dst-group"),
    "cluster": _row("--cluster-total-nodes --cluster-local-node --cluster-local-nodemask --cluster-hash-seed"),
    "bpf": _row("--bytecode --object-pinned"),
    "osf": _row("--genre --ttl --log"),
    "rateest": _row(
        "--rateest --rateest1 --rateest2 --rateest-delta=0 --rateest-bps --rateest-bps1 --rateest-bps2 --rateest-pps"
        " --rateest-pps1 --rateest-pps2 --rateest-lt=0 --rateest-gt=0 --rateest-eq=0"
    ),
    "dst": _row("--dst-len --dst-opts"),
    "hbh": _row("--hbh-len --hbh-opts"),
    "eui64": _row(""),
    "mh": _row("--mh-type"),
    "srh": _row("--srh-next-hdr --srh-hdr-len-eq --srh-hdr-len-gt --srh-hdr-len-lt --srh-segs-left-eq --srh-tag"),
    "ipcomp": _row("--ipcompspi --compres=0"),
    "ipvs": _row("--ipvs=0 --vproto --vaddr --vport --vdir --vmethod --vportctl"),
    "unclean": _row(""),
    "geoip": _row("--src-cc --source-country --dst-cc --destination-country"),
    "psd": _row("--psd-weight-threshold --psd-delay-threshold --psd-lo-ports-weight --psd-hi-ports-weight"),
    "account": _row("--aaddr --aname --ashort=0"),
    "condition": _row("--condition"),
    "fuzzy": _row("--lower-limit --upper-limit"),
    "nth": _row("--every --counter --start --packet"),
    "random": _row("--average"),
    "layer7": _row("--l7proto --l7dir --l7pkt"),
}
MATCHES["icmpv6"] = MATCHES["icmp6"]
MATCHES["mport"] = MATCHES["multiport"]

_LOG = (
    "--log-prefix --log-level --log-tcp-sequence=0 --log-tcp-options=0 --log-ip-options=0 --log-uid=0 --log-macdecode=0"
)
_NAT = "--random=0 --random-fully=0 --persistent=0"

TARGETS: dict[str, Mapping[str, int]] = {
    name: _row(text).options
    for name, text in {
        "ACCEPT": "",
        "DROP": "",
        "RETURN": "",
        "QUEUE": "",
        "REJECT": "--reject-with",
        "LOG": _LOG,
        "NFLOG": "--nflog-prefix --nflog-group --nflog-range --nflog-size --nflog-threshold",
        "ULOG": "--ulog-prefix --ulog-nlgroup --ulog-cprange --ulog-qthreshold",
        "SNAT": f"--to-source --to {_NAT}",
        "DNAT": f"--to-destination --to {_NAT}",
        "MASQUERADE": f"--to-ports {_NAT}",
        "REDIRECT": f"--to-ports --to-port {_NAT}",
        "NETMAP": "--to",
        "MARK": "--set-mark --set-xmark --and-mark --or-mark --xor-mark",
        "CONNMARK": "--set-mark --set-xmark --and-mark --or-mark --xor-mark --save-mark=0 --restore-mark=0 --mask --nfmask"
        " --ctmask",
        "TCPMSS": "--set-mss --clamp-mss-to-pmtu=0",
        "DSCP": "--set-dscp --set-dscp-class",
        "TTL": "--ttl-set --ttl-dec --ttl-inc",
        "HL": "--hl-set --hl-dec --hl-inc",
        "CLASSIFY": "--set-class",
        "CT": "--notrack=0 --helper --ctevents --expevents --zone --zone-orig --zone-reply --timeout",
        "NOTRACK": "",
        "SET": "--add-set=2 --del-set=2 --map-set=2 --timeout --exist=0 --map-mark=0 --map-prio=0 --map-queue=0",
        "NFQUEUE": "--queue-num --queue-balance --queue-bypass=0 --queue-cpu-fanout=0",
        "TPROXY": "--on-port --on-ip --tproxy-mark",
        "TEE": "--gateway --oif",
        "LED": "--led-trigger-id --led-delay --led-always-blink=0",
        "TARPIT": "--tarpit=0 --honeypot=0 --reset=0",
        "TOS": "--set-tos --and-tos --or-tos --xor-tos",
        "CHECKSUM": "--checksum-fill=0",
        "TRACE": "",
        "AUDIT": "--type",
        "SECMARK": "--selctx",
        "CONNSECMARK": "--save=0 --restore=0",
        "IDLETIMER": "--timeout --label --alarm=0",
        "RATEEST": "--rateest-name --rateest-interval --rateest-ewmalog",
        "SYNPROXY": "--mss --wscale --sack-perm=0 --timestamp=0 --ecn=0",
        "TCPOPTSTRIP": "--strip-options",
        "ECN": "--ecn-tcp-remove=0",
        "HMARK": "--hmark-tuple --hmark-mod --hmark-offset --hmark-src-prefix --hmark-dst-prefix --hmark-rnd --hmark-proto",
        "CLUSTERIP": "--new=0 --hashmode --clustermac --total-nodes --local-node --hash-init",
        "DNPT": "--src-pfx --dst-pfx",
        "SNPT": "--src-pfx --dst-pfx",
        "ROUTE": "--oif --iif --gw --continue=0 --tee=0",
        "ACCOUNT": "--addr --tname",
        "MIRROR": "",
        "SAME": "--to --nodst=0 --random=0",
    }.items()
}

_ACTIONS = """
LOG NFLOG ULOG TEE LED TOS CHECKSUM TRACE AUDIT SECMARK CONNSECMARK IDLETIMER RATEEST TCPOPTSTRIP ECN HMARK MARK
CONNMARK TCPMSS DSCP TTL HL CLASSIFY CT NOTRACK SET DNPT SNPT ACCOUNT
"""
ACTIONS = frozenset(_ACTIONS.split())
"""Targets after which the packet goes on to the next rule (XT_CONTINUE)."""
FINAL = frozenset(["TARPIT", "SYNPROXY", "TPROXY", "NFQUEUE", "QUEUE", "MIRROR", "SAME"])
"""Targets that never return the packet to the next rule when they act."""
