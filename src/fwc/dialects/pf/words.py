"""Words of the pf grammar: keywords, protocols, services, ICMP types and codes, timeouts, limits."""

from __future__ import annotations

from fwc.net.hooks import Family

# sbin/pfctl/parse.y lookup(), OpenBSD 4.3, with Apple's dummynet-anchor, extfilter and extmap.
KEYWORDS = frozenset(
    """
    all allow-opts altq anchor antispoof any bandwidth binat binat-anchor bitmask block block-policy cbq code crop
    debug drop drop-ovl dummynet dummynet-anchor dup-to extfilter extmap fastroute file fingerprints flags
    floating flush for fragment from global group hfsc hostid icmp-type icmp6-type if-bound in include inet inet6
    keep label limit linkshare load log loginterface max max-mss max-src-conn max-src-conn-rate max-src-nodes
    max-src-states min-ttl modulate nat nat-anchor no no-df no-route no-sync on optimization os out overload pass
    port priority priq probability proto qlimit queue quick random random-id rdr rdr-anchor realtime reassemble
    reply-to require-order return return-icmp return-icmp6 return-rst round-robin route route-to rtable rule
    ruleset-optimization scrub scrub-anchor set skip source-hash source-track state state-policy static-port
    sticky-address synproxy table tag tagged tbrsize timeout to tos ttl upperlimit urpf-failed user
    """.split()  # noqa: SIM905
)

LATER_OPTIONS = frozenset(
    """
    af-to binat-to divert-packet divert-reply divert-to dnpipe dnqueue dup-to max-pkt-rate nat-to once prio
    rdomain rdr-to received-on reply-to ridentifier route-to scrub set
    """.split()  # noqa: SIM905
)

PROTOCOLS = {
    "ip": 0, "hopopt": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "ipv4": 4, "st2": 5, "tcp": 6, "egp": 8,
    "igp": 9, "pup": 12, "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "ipv6": 41,
    "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "mobile": 55, "ipv6-icmp": 58,
    "ipv6-nonxt": 59, "ipv6-opts": 60, "eigrp": 88, "ospf": 89, "ospfigp": 89, "etherip": 97, "encap": 98,
    "pim": 103, "ipcomp": 108, "carp": 112, "vrrp": 112, "l2tp": 115, "isis": 124, "sctp": 132, "udplite": 136,
    "mpls-in-ip": 137, "pfsync": 240,
}  # fmt: skip
PROTOCOL_NAMES = {
    1: "icmp", 2: "igmp", 4: "ipencap", 6: "tcp", 17: "udp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah",
    58: "ipv6-icmp", 89: "ospf", 103: "pim", 108: "ipcomp", 112: "carp", 132: "sctp",
}  # fmt: skip

SERVICES = {
    "tcpmux": 1, "echo": 7, "discard": 9, "systat": 11, "daytime": 13, "qotd": 17, "chargen": 19, "ftp-data": 20,
    "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "nameserver": 42, "whois": 43, "nicname": 43,
    "tacacs": 49, "domain": 53, "bootps": 67, "bootpc": 68, "tftp": 69, "gopher": 70, "finger": 79, "http": 80,
    "www": 80, "kerberos": 88, "hostname": 101, "iso-tsap": 102, "pop2": 109, "pop3": 110, "sunrpc": 111,
    "portmap": 111, "rpcbind": 111, "auth": 113, "ident": 113, "nntp": 119, "ntp": 123, "epmap": 135,
    "loc-srv": 135, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap": 143, "imap2": 143,
    "snmp": 161, "snmptrap": 162, "snmp-trap": 162, "bgp": 179, "irc": 194, "ldap": 389, "svrloc": 427,
    "https": 443, "microsoft-ds": 445, "kpasswd": 464, "submissions": 465, "smtps": 465, "urd": 465,
    "isakmp": 500, "exec": 512, "biff": 512, "login": 513, "who": 513, "shell": 514, "syslog": 514,
    "printer": 515, "talk": 517, "ntalk": 518, "router": 520, "route": 520, "uucp": 540, "klogin": 543,
    "kshell": 544, "afpovertcp": 548, "dhcpv6-client": 546, "dhcpv6-server": 547, "rtsp": 554, "nntps": 563,
    "submission": 587, "ipp": 631, "ldaps": 636, "domain-s": 853, "rsync": 873, "ftps-data": 989, "ftps": 990,
    "telnets": 992, "imaps": 993, "ircs": 994, "pop3s": 995, "socks": 1080, "openvpn": 1194, "kazaa": 1214,
    "ms-sql-s": 1433, "ms-sql-m": 1434, "l2tp": 1701, "h323hostcall": 1720, "pptp": 1723, "radius": 1812,
    "radacct": 1813, "ssdp": 1900, "cvspserver": 2401, "cvsup": 5999, "nfs": 2049, "nfsd": 2049, "squid": 3128,
    "mysql": 3306, "svn": 3690, "rdp": 3389, "ms-wbt-server": 3389, "daap": 3689, "iscsi": 3260,
    "ipsec-nat-t": 4500, "ipsec-msft": 4500, "epcc": 4500, "sip": 5060, "sips": 5061, "sip-tls": 5061,
    "xmpp-client": 5222, "jabber-client": 5222, "xmpp-server": 5269, "jabber-server": 5269, "mdns": 5353,
    "postgresql": 5432, "rfb": 5900, "vnc-server": 5900, "vnc": 5900, "x11": 6000, "ircu": 6667, "bootps6": 547,
    "spamd": 8025, "ftp-proxy": 8021, "http-alt": 8080, "webcache": 8080, "git": 9418, "bacula-dir": 9101,
    "bacula-fd": 9102, "bacula-sd": 9103, "amanda": 10080, "kerberos-adm": 749, "krb524": 4444, "rwhois": 4321,
    "munin": 4949, "asf-rmcp": 623, "hunt": 26740, "cvs": 2401, "silc": 706, "dict": 2628, "tproxy": 8081,
    "lockd": 4045, "timed": 525, "wais": 210, "mtp": 57, "supdup": 95, "sftp": 115, "link": 245, "cmd": 514,
    "efs": 520,
}  # fmt: skip

ICMP4_TYPES = {
    "echorep": 0, "unreach": 3, "squench": 4, "redir": 5, "althost": 6, "echoreq": 8, "routeradv": 9,
    "routersol": 10, "timex": 11, "paramprob": 12, "timereq": 13, "timerep": 14, "inforeq": 15, "inforep": 16,
    "maskreq": 17, "maskrep": 18, "trace": 30, "dataconv": 31, "mobredir": 32, "ipv6-where": 33, "ipv6-here": 34,
    "mobregreq": 35, "mobregrep": 36, "skip": 39, "photuris": 40,
}  # fmt: skip
ICMP6_TYPES = {
    "unreach": 1, "toobig": 2, "timex": 3, "paramprob": 4, "echoreq": 128, "echorep": 129, "groupqry": 130,
    "listqry": 130, "grouprep": 131, "listenrep": 131, "groupterm": 132, "listendone": 132, "routersol": 133,
    "routeradv": 134, "neighbrsol": 135, "neighbradv": 136, "redir": 137, "routrrenum": 138, "wrureq": 139,
    "fqdnreq": 139, "niqry": 139, "wrurep": 140, "fqdnrep": 140, "nirep": 140, "mtraceresp": 200, "mtrace": 201,
}  # fmt: skip
ICMP4_CODES = {
    (3, "net-unr"): 0, (3, "host-unr"): 1, (3, "proto-unr"): 2, (3, "port-unr"): 3, (3, "needfrag"): 4,
    (3, "srcfail"): 5, (3, "net-unk"): 6, (3, "host-unk"): 7, (3, "isolate"): 8, (3, "net-prohib"): 9,
    (3, "host-prohib"): 10, (3, "net-tos"): 11, (3, "host-tos"): 12, (3, "filter-prohib"): 13,
    (3, "host-preced"): 14, (3, "cutoff-preced"): 15, (5, "redir-net"): 0, (5, "redir-host"): 1,
    (5, "redir-tos-net"): 2, (5, "redir-tos-host"): 3, (9, "normal-adv"): 0, (9, "common-adv"): 16,
    (11, "transit"): 0, (11, "reassemb"): 1, (12, "badhead"): 0, (12, "optmiss"): 1, (12, "badlen"): 2,
    (40, "unknown-ind"): 1, (40, "auth-fail"): 2, (40, "decrypt-fail"): 3,
}  # fmt: skip
ICMP6_CODES = {
    (1, "admin-unr"): 1, (1, "noroute-unr"): 0, (1, "notnbr-unr"): 2, (1, "beyond-unr"): 2, (1, "addr-unr"): 3,
    (1, "port-unr"): 4, (3, "transit"): 0, (3, "reassemb"): 1, (4, "badhead"): 0, (4, "nxthdr"): 1,
    (5, "redironlink"): 0, (5, "redirrouter"): 1,
}  # fmt: skip


def icmp_types(family: Family) -> dict[str, int]:
    return ICMP4_TYPES if family is Family.V4 else ICMP6_TYPES


def icmp_codes(family: Family) -> dict[tuple[int, str], int]:
    return ICMP4_CODES if family is Family.V4 else ICMP6_CODES


TIMEOUTS = frozenset(
    """
    adaptive.end adaptive.start esp.established esp.first esp.initiating frag grev1.established grev1.first
    grev1.initiating icmp.error icmp.first interval other.first other.multiple other.single src.track tcp.closed
    tcp.closing tcp.established tcp.finwait tcp.first tcp.opening tcp.tsdiff udp.first udp.multiple udp.single
    """.split()  # noqa: SIM905
)
LIMITS = frozenset(
    """
    app-states frags src-nodes states table-entries tables
    """.split()  # noqa: SIM905
)
TOS_WORDS = {
    "lowdelay": 16, "throughput": 8, "reliability": 4,
}  # fmt: skip
FLAG_BITS = {
    "F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "W": 128,
}  # fmt: skip
OPTIMIZATIONS = frozenset(
    """
    aggressive conservative default high-latency normal satellite
    """.split()  # noqa: SIM905
)
DEBUG_LEVELS = frozenset(
    """
    loud misc none urgent
    """.split()  # noqa: SIM905
)
PORT_PROTOCOLS = frozenset({6, 17})
