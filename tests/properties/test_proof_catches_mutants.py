"""Break an output anywhere, and the proof refuses it: no mutant of nftables, iptables or pf text passes for the policy's meaning.

Each mutant is what a fault in a lowering or a printer would write; the text that fwc does write is proved.
"""

from __future__ import annotations

import dataclasses
import re
from functools import cache

import pytest
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy, load_policy
from fwc.diagnostics import Severity
from fwc.dialects.base import OutputFile
from fwc.elaborate.program import ElaborateOptions
from fwc.errors import InternalError
from fwc.ir.model import Ruleset
from fwc.roundtrip import prove
from fwc.source import SourceFile

LINUX = """\
syntax 1
zone wan { iface eth0; address 203.0.113.5, 2001:db8:ffff::5 }
zone lan { iface eth1; net 10.0.0.0/24, 2001:db8:1::/64 }
zone dmz { iface eth2; net 10.0.2.0/24, 2001:db8:2::/64 }
host nas = 10.0.0.20, 2001:db8:1::20
group staff = { 203.0.113.64/28, 2001:db8:77::/64 } except 203.0.113.70
set blocked of addresses timeout 1h
set known of addresses dynamic = { 192.0.2.1, 192.0.2.9 }
chain tcp-sanity {
    deny tcp from any to any if flags syn, fin of syn, fin
    return
}
jump tcp-sanity for tcp from wan to self
deny any from @blocked to self as blocked
allow tcp 81 from @known to self
mark 0x10/0xff for any from 10.0.0.32/27 in lan to any
rewrite dscp to ef for udp 5060 from lan to wan
clamp mss to 1360 for tcp from lan to wan
notrack udp 53 from any to self
masquerade from lan to wan
snat from dmz to wan -> 198.51.100.8
forward tcp 8443 from wan to 203.0.113.5 -> 10.0.0.20:443 as web
redirect tcp 80 from lan to any -> self:3128
allow tcp 22 from staff to self limit 10/minute burst 5 per source else deny and add source to @blocked timeout 1h as ssh
allow tcp 22, 443, udp 53 from lan to self log "adm "
reject tcp 25 from lan to wan
reject udp 25 from lan to wan with admin-prohibited
allow tcp 8000-8010 from lan to dmz except 10.0.2.9
allow udp 5060 from lan to wan
allow udp 123 from wan to self if within 7/minute
allow tcp 993 from lan to wan max 20 connections per source
deny any from dmz to lan
allow icmp echo-request, icmpv6 echo-request from any to self
default input deny log "in " rate 5/minute
default forward deny log "fwd "
default output allow
"""

PF = """\
syntax 1
settings { target pf }
zone wan { iface en0; address 203.0.113.5 }
zone lan { iface en1; net 10.1.1.0/24, 2001:db8:1::/64 }
zone dmz { iface en2; net 10.1.2.0/24 }
set blocked of addresses
masquerade from lan to wan
forward tcp 443 from wan to 203.0.113.5 -> 10.1.2.3:8443 as web
deny any from @blocked to self
deny any from 198.51.100.0/24 to self log
allow tcp 22, 443 from lan to self as mgmt
allow udp 53 from any except 10.9.0.0/16 to self
reject tcp 113 from wan to self
reject udp 113 from wan to self with admin-prohibited
allow tcp 8000-8010 from lan to dmz
allow tcp 25 from lan to wan
deny any from dmz to lan
allow icmp echo-request, icmpv6 echo-request from any to self
allow tcp 80 from self to wan
default input deny
default forward deny
default output deny
"""

POLICIES = {"nftables": LINUX, "iptables": LINUX, "pf": PF}


@cache
def compiled(target: str) -> tuple[tuple[OutputFile, ...], Ruleset]:
    source = SourceFile("mutants.fw", POLICIES[target])
    outputs, found = compile_policy(source, NoFiles(), CompileOptions(targets=(target,), lint=False))
    assert not [d for d in found if d.severity is Severity.ERROR]
    elaborated, _ = load_policy(source, NoFiles(), ElaborateOptions(target))
    assert elaborated is not None
    return outputs[0].files, elaborated.ruleset


def mutant(target: str, name: str, pattern: str, replacement: str) -> tuple[OutputFile, ...]:
    """The files with the first match of `pattern` replaced in file `name`."""
    files, _ = compiled(target)
    out = []
    for file in files:
        if file.name == name:
            text, count = re.subn(pattern, replacement, file.text, count=1, flags=re.M)
            assert count == 1, "the mutation must change the text"
            assert text != file.text
            file = dataclasses.replace(file, text=text)
        out.append(file)
    return tuple(out)


# what the fault is: (what is written, what the fault writes)
Mutants = dict[str, tuple[str, str]]

NFTABLES: Mutants = {
    "drop a port": (r"tcp \. 22, tcp \. 443, udp", "tcp . 22, udp"),
    "one port more": (r"tcp \. 22, tcp \. 443, udp", "tcp . 22, tcp . 80, tcp . 443, udp"),
    "one port lower": (r"dport 8000-8010 accept", "dport 7999-8010 accept"),
    "widen a prefix": (r"ip saddr 10\.0\.0\.0/24 ip daddr \{ 10", "ip saddr 10.0.0.0/16 ip daddr { 10"),
    "lose a hole": (r"\{ 10\.0\.2\.0-10\.0\.2\.8, 10\.0\.2\.10-10\.0\.2\.255 \}", "10.0.2.0/24"),
    "set element lost": (r"203\.0\.113\.64-203\.0\.113\.69, ", ""),
    "set element added": (r"(elements = \{ )", r"\g<1>203.0.113.1, "),
    "accept for drop": (r"(ip saddr @blocked4) drop", r"\1 accept"),
    "drop for accept": (r"icmp type echo-request accept", "icmp type echo-request drop"),
    "forget the IPv6 half": (r"\n\t\tip6 saddr @blocked6 drop[^\n]*", ""),
    "forget the IPv4 half": (r"\n\t\tip saddr @staff4 tcp dport 22 goto ssh", ""),
    "swap two rules": (r"(\t\tudp dport 25 ip daddr[^\n]*\n)(\t\tudp[^\n]*\n)(\t\tudp[^\n]*\n)", r"\3\1\2"),
    "swap accept and drop": (
        r"(\t\tip saddr @blocked4[^\n]*\n)((?:[^\n]*\n)*?)(\t\tip saddr @staff4[^\n]*\n)",
        r"\3\2\1",
    ),
    "lose an interface": (r"iifname \"eth1\" oifname \"eth2\" ip saddr", r'iifname "eth1" ip saddr'),
    "another interface": (r"oifname \"eth2\" ip saddr", r'oifname "eth3" ip saddr'),
    "out for in": (r"iifname \"eth2\" oifname \"eth1\" ip saddr", r'iifname "eth1" oifname "eth2" ip saddr'),
    "reject kind": (r"icmpx admin-prohibited", "icmpx port-unreachable"),
    "drop for reject": (r"reject with tcp reset", "drop"),
    "log prefix": (r"log prefix \"adm: \"", r'log prefix "amd: "'),
    "log lost": (r"log prefix \"adm: \" accept", "accept"),
    "log level": (r"(log prefix \"adm: \")", r"\1 level err"),
    "limit rate": (r"limit rate 5/minute burst 5 packets log", "limit rate 6/minute burst 5 packets log"),
    "limit burst": (r"limit rate 5/minute burst 5 packets log", "limit rate 5/minute burst 9 packets log"),
    "limit lost": (r"limit rate 5/minute burst 5 packets log", "log"),
    "rate asked by others too": (
        r"udp dport 123 (limit rate 7/minute burst 5 packets)",
        r"\1 udp dport 123",
    ),
    "per source limit rate": (r"(update @ssh4 \{ ip saddr limit rate )10/minute", r"\g<1>10/second"),
    "limit over for within": (r"(update @ssh4 \{ ip saddr limit rate )10/", r"\1over 10/"),
    "limit per destination": (r"update @ssh4 \{ ip saddr", "update @ssh4 { ip daddr"),
    "limit of another family only": (r"\n\t\tupdate @ssh6 [^\n]*", ""),
    "connections counted": (r"add @tcp_9934 \{ ip saddr ct count 20", "add @tcp_9934 { ip saddr ct count 21"),
    "timeout of an added element": (r"(update @blocked4 \{ ip saddr timeout) 1h", r"\1 2h"),
    "element added for the destination": (r"update @blocked4 \{ ip saddr", "update @blocked4 { ip daddr"),
    "element added to another set": (r"update @blocked4 \{ ip saddr timeout", "update @ssh4 { ip saddr timeout"),
    "nothing added": (r"\n\t\tmeta nfproto ipv4 update @blocked4 [^\n]*", ""),
    "another set looked up": (r"ip saddr @blocked4 drop", "ip saddr @ssh4 drop"),
    "destination looked up": (r"ip saddr @blocked4 drop", "ip daddr @blocked4 drop"),
    "mark value": (r"\| 0x00000010", "| 0x00000011"),
    "mark mask": (r"meta mark & 0xffffff00", "meta mark & 0xffff0000"),
    "ct mark for mark": (r"meta mark set meta mark", "ct mark set ct mark"),
    "mss size": (r"maxseg size set 1360", "maxseg size set 1460"),
    "mss only one way": (r"\n\t\tiifname \"eth0\" oifname \"eth1\" ip daddr [^\n]*maxseg[^\n]*", ""),
    "dscp value": (r"ip dscp set 0x2e", "ip dscp set 0x2f"),
    "dnat address": (r"dnat ip to 10\.0\.0\.20:443", "dnat ip to 10.0.0.21:443"),
    "dnat port": (r"dnat ip to 10\.0\.0\.20:443", "dnat ip to 10.0.0.20:444"),
    "dnat port lost": (r"dnat ip to 10\.0\.0\.20:443", "dnat ip to 10.0.0.20"),
    "redirect port": (r"redirect to :3128", "redirect to :3129"),
    "snat address": (r"snat ip to 198\.51\.100\.8", "snat ip to 198.51.100.9"),
    "masquerade lost": (r"\n[^\n]*masquerade", ""),
    "snat for masquerade": (r"masquerade", "snat ip to 203.0.113.5"),
    "missing ct state": (r"established : accept, related : accept", "established : accept"),
    "ct state too many": (r"invalid : drop", "invalid : drop, new : accept"),
    "invalid accepted": (r"invalid : drop", "invalid : accept"),
    "no dnat status": (r" ct original proto-dst 8443 ct status dnat accept", " accept"),
    "another original port": (r"ct original proto-dst 8443", "ct original proto-dst 8444"),
    "policy of input": (r"(hook input priority filter; policy) drop", r"\1 accept"),
    "policy of output": (r"(hook output priority filter; policy) accept", r"\1 drop"),
    "chain not called": (r"\n\t\tiifname \"eth0\" meta l4proto tcp jump tcp_sanity", ""),
    "goto for jump": (r"meta l4proto tcp jump tcp_sanity", "meta l4proto tcp goto tcp_sanity"),
    "another chain called": (r"meta l4proto tcp jump tcp_sanity", "meta l4proto tcp jump ssh"),
    "another hook": (r"filter hook forward priority mangle", "filter hook postrouting priority mangle"),
    "prerouting for input": (r"filter hook input priority filter", "filter hook prerouting priority filter"),
    "raw after conntrack": (r"filter hook prerouting priority raw", "filter hook prerouting priority filter"),
    "dstnat before the marks": (r"hook prerouting priority dstnat", "hook prerouting priority -200"),
    "notrack lost": (r"\n[^\n]*notrack", ""),
    "fib condition lost": (r" fib daddr type local notrack", " notrack"),
    "flags": (r"tcp flags fin,syn / fin,syn drop", "tcp flags syn / fin,syn drop"),
    "one table for IPv4 only": (r"table inet fwc \{", "table ip fwc {"),
    "rule repeated earlier": (r"(hook input priority filter; policy drop;)", r"\1\n\t\ttcp dport 22 accept"),
    "hop limit lost": (r" ip6 hoplimit 255 accept", " accept"),
    "protocol": (r"(ip daddr 203\.0\.113\.5) tcp dport 8443", r"\1 udp dport 8443"),
}

IPTABLES: Mutants = {
    "drop a port": (r"--dports 22,443", "--dports 22"),
    "one port more": (r"--dports 22,443", "--dports 22,80,443"),
    "widen a prefix": (r"-s 10\.0\.0\.0/24 -i eth1 -o eth2", "-s 10.0.0.0/16 -i eth1 -o eth2"),
    "range one longer": (r"10\.0\.2\.8 ", "10.0.2.9 "),
    "ports for port": (r"--dport 8000:8010", "--dport 8000"),
    "sport for dport": (r"--dport 5060 -j ACCEPT", "--sport 5060 -j ACCEPT"),
    "accept for drop": (r"-i eth2 -o eth1 -j DROP", "-i eth2 -o eth1 -j ACCEPT"),
    "rule lost": (r"^-A FORWARD[^\n]*-i eth2 -o eth1 -j DROP\n", ""),
    "swap two rules": (r"(-A ssh -m hashlimit[^\n]*\n)((?:[^\n]*\n)*?)(-A ssh -j DROP\n)", r"\3\2\1"),
    "negation": (r"-A INPUT -i eth0 -p tcp -j", "-A INPUT ! -i eth0 -p tcp -j"),
    "lose an interface": (r" -i eth2 -o eth1 -j DROP", " -i eth2 -j DROP"),
    "interface prefix": (r"-i eth1 -o eth2", "-i eth+ -o eth2"),
    "reject kind": (r"icmp-admin-prohibited", "icmp-port-unreachable"),
    "reset lost": (r"-j REJECT --reject-with tcp-reset", "-j REJECT"),
    "log prefix": (r'"adm: "', '"amd: "'),
    "log lost": (r"-A adm -j LOG[^\n]*\n", ""),
    "limit rate": (r"--limit 5/min", "--limit 5/sec"),
    "rate asked by others too": (r"-m udp --dport 123 (-m limit --limit 7/min)", r"\1 -m udp --dport 123"),
    "hashlimit rate": (r"--hashlimit-upto 10/min", "--hashlimit-upto 11/min"),
    "hashlimit above": (r"--hashlimit-upto 10/min", "--hashlimit-above 10/min"),
    "hashlimit burst": (r"--hashlimit-burst 5", "--hashlimit-burst 50"),
    "hashlimit mode": (r"--hashlimit-mode srcip", "--hashlimit-mode dstip"),
    "hashlimit mask": (r"(--hashlimit-mode srcip)", r"\1 --hashlimit-srcmask 24"),
    "connections counted": (r"--connlimit-upto 20", "--connlimit-upto 2"),
    "connections by network": (r"--connlimit-mask 32", "--connlimit-mask 24"),
    "set's side": (r"--match-set blocked4 src", "--match-set blocked4 dst"),
    "set negated": (r"-m set --match-set blocked4", "-m set ! --match-set blocked4"),
    "added side": (r"--add-set blocked4 src", "--add-set blocked4 dst"),
    "added timeout": (r"--timeout 3600", "--timeout 60"),
    "deleted for added": (r"--add-set blocked4 src --exist --timeout 3600", "--del-set blocked4 src"),
    "mark value": (r"0x10/0xff", "0x11/0xff"),
    "mark mask": (r"0x10/0xff", "0x10/0xffffffff"),
    "dscp value": (r"--set-dscp 0x2e", "--set-dscp 0x2f"),
    "mss size": (r"--set-mss 1360", "--set-mss 1361"),
    "mss to pmtu": (r"--set-mss 1360", "--clamp-mss-to-pmtu"),
    "mss reply lost": (r"^-A FORWARD -d 10[^\n]*TCPMSS[^\n]*\n", ""),
    "dnat address": (r"--to-destination 10\.0\.0\.20:443", "--to-destination 10.0.0.2:443"),
    "dnat port": (r"--to-destination 10\.0\.0\.20:443", "--to-destination 10.0.0.20:8443"),
    "redirect port": (r"--to-ports 3128", "--to-ports 3129"),
    "snat address": (r"--to-source 198\.51\.100\.8", "--to-source 198.51.100.80"),
    "masquerade lost": (r"^-A POSTROUTING[^\n]*MASQUERADE\n", ""),
    "missing ct state": (r"RELATED,ESTABLISHED", "ESTABLISHED"),
    "ct state too many": (r"RELATED,ESTABLISHED", "NEW,RELATED,ESTABLISHED"),
    "dnat status lost": (r" --ctstate DNAT", ""),
    "policy of input": (r":INPUT DROP", ":INPUT ACCEPT"),
    "policy of forward": (r":FORWARD DROP", ":FORWARD ACCEPT"),
    "chain not called": (r"^-A INPUT -i eth0 -p tcp -j tcp_sanity\n", ""),
    "goto for jump": (r"-p tcp -j tcp_sanity", "-p tcp -g tcp_sanity"),
    "another hook": (r"^-A FORWARD (.*) -j DSCP", r"-A POSTROUTING \1 -j DSCP"),
    "another table's hook": (r"^-A PREROUTING (.*) -j MARK", r"-A INPUT \1 -j MARK"),
    "notrack lost": (r"^-A PREROUTING[^\n]*--notrack\n", ""),
    "notrack for everyone": (r" -m addrtype --dst-type LOCAL -j CT", " -j CT"),
    "flags": (r"--tcp-flags FIN,SYN FIN,SYN", "--tcp-flags FIN,SYN SYN"),
    "icmp type": (r"--icmp-type 8", "--icmp-type 13"),
}

IPTABLES_V6: Mutants = {
    "the IPv6 half of a rule lost": (r"^-A INPUT -s 2001:db8:77::/64[^\n]*\n", ""),
    "prefix": (r"-s 2001:db8:77::/64", "-s 2001:db8:77::/48"),
    "hop limit lost": (r" -m hl --hl-eq 255", ""),
    "policy": (r":INPUT DROP", ":INPUT ACCEPT"),
    "the IPv4 error": (r"icmp6-adm-prohibited", "icmp6-port-unreachable"),
    "set lost": (r"^-A INPUT -m set --match-set blocked6[^\n]*\n", ""),
    "connections by network": (r"--connlimit-mask 128", "--connlimit-mask 64"),
}

IPSET: Mutants = {
    "timeout of the set": (r"timeout 3600", "timeout 60"),
}

PF_TEXT: Mutants = {
    "drop a port": (r"port \{ 22, 443 \}", "port 22"),
    "range one longer": (r"8000:8010 tagged fwc_f3", "8000:8011 tagged fwc_f3"),
    "widen a prefix": (
        r"block drop in log quick inet from 198\.51\.100\.0/24",
        "block drop in log quick inet from 198.51.0.0/16",
    ),
    "lose quick": (r"pass in quick inet proto udp from ! 10\.9", "pass in inet proto udp from ! 10.9"),
    "lose quick of a block": (r"block drop in log quick inet", "block drop in log inet"),
    "negation lost": (r"from ! 10\.9\.0\.0/16", "from 10.9.0.0/16"),
    "forget the IPv6 half": (r"\npass in quick inet6 proto udp from any to any port 53", ""),
    "one family only": (
        r"pass out quick on en0 proto tcp from any to any port 80",
        "pass out quick on en0 inet proto tcp from any to any port 80",
    ),
    "pass for block": (r"block drop in quick all label \"input-policy\"", "pass in quick all"),
    "reject kind": (r"return-icmp \(13, 1\)", "return-icmp (3, 1)"),
    "drop for reset": (r"block return-rst in", "block drop in"),
    "log lost": (r"block drop in log quick", "block drop in quick"),
    "rdr address": (r"-> 10\.1\.2\.3 port", "-> 10.1.2.4 port"),
    "rdr port": (r"port 8443$", "port 8444"),
    "rdr lost": (r"\nrdr on [^\n]*", ""),
    "rdr tag lost": (r" tag fwc_d1 ->", " ->"),
    "nat interface": (r"nat on en0", "nat on en2"),
    "nat source": (r"nat on en0 inet from 10\.1\.1\.0/24", "nat on en0 inet from any"),
    "nat lost": (r"\nnat on [^\n]*", ""),
    "another tag": (r"port 25 tagged fwc_f3", "port 25 tagged fwc_f2"),
    "tag lost": (r"port 25 tagged fwc_f3", "port 25"),
    "tags swapped": (r"tag fwc_f3", "tag fwc_f2"),
    "interface lost": (r"block return-rst in quick on en0", "block return-rst in quick"),
    "local for all": (r"(pass in quick on en2 from any to) ! <fwc_local>", r"\1 any"),
    "table element lost": (r"table <fwc_t2> const \{ 0\.0\.0\.0, ", "table <fwc_t2> const { "),
    "table element added": (r"table <fwc_t2> const \{ ", "table <fwc_t2> const { 192.0.2.0/24, "),
    "another table": (r"block drop in quick from <blocked>", "block drop in quick from <lan>"),
    "local table without self": (r"const \{ self, ", "const { "),
    "local table with a network": (r"const \{ self, ", "const { self, 10.0.0.0/8, "),
    "implicit block lost": (r"\nblock drop out quick all label \"output-policy\"", ""),
    "protocol": (r"on en0 proto tcp from any to any port 80", "on en0 proto udp from any to any port 80"),
    "direction": (
        r"\npass out quick on en0 proto tcp from any to any port 80",
        "\npass in quick on en0 proto tcp from any to any port 80",
    ),
    "icmp type": (r"icmp-type 8", "icmp-type 13"),
    "swap two rules": (r"(block drop in quick on en0 proto udp[^\n]*\n)(block return-icmp[^\n]*\n)", r"\2\1"),
    "keep state lost": (r"(pass in quick inet proto icmp all icmp-type 8)", r"\1 no state"),
}

ALL = {
    ("nftables", "nftables.conf"): NFTABLES,
    ("iptables", "rules.v4"): IPTABLES,
    ("iptables", "rules.v6"): IPTABLES_V6,
    ("iptables", "ipset.conf"): IPSET,
    ("pf", "pf.conf"): PF_TEXT,
}
CASES = [(target, file, fault) for (target, file), faults in ALL.items() for fault in faults]


@pytest.mark.parametrize("target", POLICIES)
def test_what_fwc_writes_is_proved(target: str) -> None:
    files, policy = compiled(target)
    prove(target, files, policy)


@pytest.mark.parametrize(("target", "file", "fault"), CASES, ids=lambda v: v.replace(" ", "-"))
def test_every_mutant_is_refused(target: str, file: str, fault: str) -> None:
    pattern, replacement = ALL[target, file][fault]
    files = mutant(target, file, pattern, replacement)
    with pytest.raises(InternalError):
        prove(target, files, compiled(target)[1])
