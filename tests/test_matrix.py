"""Every statement, condition and option of the language (sections 2.1 to 2.8) on every target: compiled and proved, or refused.

`n`, `i` and `p` say which of nftables, iptables and pf compile the policy; the others must refuse it with FW031 at the line.
"""

# ruff: noqa: E501 - one row, one line
from __future__ import annotations

import pytest
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import Severity
from fwc.source import SourceFile

TARGETS = {"n": "nftables", "i": "iptables", "p": "pf"}
OS = """
zone wan { iface eth0; address 203.0.113.5; mtu 1500 }
zone lan { iface eth1; net 192.168.10.0/24, 2001:db8:10::/64 }
host nas = 192.168.10.5, 2001:db8:10::5
group staff = { 198.51.100.0/28, 2001:db8:aa::/48 } except 198.51.100.3
set banned of addresses dynamic timeout 6h size 65536
set known of networks = 10.0.0.0/8, 2001:db8:bb::/48
"""

ROWS: dict[str, tuple[str, str]] = {
    # 2.1 file
    "let": ("nip", "let PORT = 8080\nallow tcp $PORT from wan to self"),
    "policy": ("nip", 'policy "edge" { owner "a@example.com" }\nallow ssh from wan to self'),
    # 2.2 declarations
    "zone-within": ("nip", "zone voip within lan { net 192.168.10.64/26 }\nallow sip from voip to self"),
    "zone-overlaps": ("nip", "zone old { iface eth1; net 192.168.0.0/16; overlaps lan }\nallow ssh from old to self"),
    "zone-wildcard": ("ni", "zone vpn { iface wg* }\nallow ssh from vpn to self"),
    "zone-os": ("nip", "zone dmz { iface linux: eth2; iface macos: en2; net 10.9.0.0/16 }\nallow ssh from dmz to self"),
    "host": ("nip", "allow ssh from nas in lan to self"),
    "group-except": ("nip", "allow ssh from staff to self"),
    "service": ("nip", "service dhcp-srv = udp 67 sport 68\nallow dhcp-srv from lan to self"),
    "service-icmp": ("nip", "service frag-need = icmp 3/4\nallow frag-need from wan to self"),
    "service-proto": ("nip", "service ipsec = udp 500, 4500, proto esp\nallow ipsec from wan to self"),
    "set-runtime": ("nip", "deny any from @banned in wan to self"),
    "set-inline": ("nip", "deny any from @known in wan to self"),
    "set-ifaces": ("nip", "set mgmt of ifaces = eth8, eth9\nallow ssh from @mgmt to self"),
    "template": ("nip", "template open(svc, who = any) { allow $svc from $who to self }\nuse open(https)\nuse open(ssh, staff)"),
    "when": ("nip", "when target pf { allow ssh from wan to self } else { allow https from wan to self }"),
    "when-not": ("nip", "when not target pf and family v4 { allow ssh from wan to self }\nallow https from wan to self"),
    # 2.3 rules
    "allow": ("nip", "allow https from any to self"),
    "allow-forward": ("nip", "allow https from lan to wan"),
    "allow-output": ("nip", "default output deny\nallow https from self to wan"),
    "allow-v4": ("nip", "allow v4 https from any to self"),
    "allow-v6": ("nip", "allow v6 https from lan to wan"),
    "allow-udplite": ("ni", "allow udplite 100 from wan to self"),
    "allow-sctp": ("ni", "allow sctp 2905 from wan to self"),
    "allow-sport": ("nip", "allow udp 68 sport 67 from wan to self"),
    "allow-range": ("nip", "allow tcp 8000-8010 from 198.51.100.7-198.51.100.9 in wan to self"),
    "allow-proto": ("nip", "allow proto gre, proto 50 from wan to self"),
    "allow-icmpv6": ("nip", "allow icmpv6 echo-request from wan to self"),
    "deny": ("nip", "deny telnet from any to self"),
    "reject": ("nip", "reject ident from any to self"),
    "reject-rst": ("nip", "reject tcp 25 from self to any except self with tcp-reset"),
    "reject-port": ("nip", "reject udp 137 from wan to self with port-unreachable"),
    "reject-host": ("nip", "reject tcp 137 from wan to self with host-unreachable"),
    "reject-admin": ("nip", "reject tcp 137 from wan to self with admin-prohibited"),
    "log": ("ni", 'log ssh from wan to self log "seen"'),
    "count": ("ni", "count ssh from wan to self as visits"),
    "in": ("nip", "allow ssh from staff except 198.51.100.4 in wan to self"),
    "iface": ("nip", "allow ssh from iface eth3 to self"),
    "mac": ("ni", "allow ssh from mac 52:54:00:12:34:56 in lan to self"),
    "self-self": ("nip", "deny tcp 9000 from self to self"),
    "prefix-block": ("nip", 'from lan to self {\n    allow dns, ntp\n    reject any log "lan"\n}'),
    "early": ("ni", "early { deny any from @banned to self }"),
    "default": ("nip", "default input deny\ndefault forward reject\ndefault output allow"),
    "default-log": ("nip", 'default input deny log "in" rate 10/minute burst 20'),
    # conditions
    "if-state": ("ni", "early { deny tcp from wan to self if state established and dscp 5 }"),
    "if-mark": ("ni", "allow ssh from wan to self if mark 0x10/0xff"),
    "if-ctmark": ("ni", "allow ssh from wan to self if ctmark 1"),
    "if-ttl": ("ni", "allow bgp from wan to self if ttl 255"),
    "if-ttl-below": ("ni", "deny any from wan to self if ttl < 5"),
    "if-dscp": ("ni", "allow any from lan to self if dscp ef"),
    "if-length": ("ni", "deny icmp from wan to self if length > 468"),
    "if-fragment": ("nip", "deny any from wan to self if fragment"),
    "if-not": ("ni", "deny any from wan to self if not ttl 64"),
    "if-user": ("nip", "deny tcp from self to wan if user nobody"),
    "if-usergroup": ("nip", "deny tcp from self to wan if usergroup users"),
    "if-time": ("ni", "allow ssh from lan to self if time 22:00-06:00 on mon-fri"),
    "if-days": ("ni", "allow ssh from lan to self if days sat, sun"),
    "if-until": ("ni", "allow ssh from lan to self if until 2035-12-31"),
    "if-flags": ("nip", "deny tcp from wan to self if flags syn, fin of syn, fin"),
    "if-dnat": ("nip", "forward https from wan to 203.0.113.5 -> nas:8443 without accept\nallow tcp from wan to nas if dnat"),
    "if-dnat-port": ("nip", "allow tcp 8443 from wan to nas if dnat port 443"),
    "if-snat": ("ni", "allow tcp from lan to wan if snat"),
    "if-ipsec": ("ni", "allow ssh from wan to self if ipsec"),
    "if-pkttype": ("ni", "deny any from wan to self if pkttype broadcast"),
    "if-chance": ("ni", "deny udp from wan to self if chance 1%"),
    "if-helper": ("ni", "allow udp from wan to self if helper sip"),
    "if-within": ("ni", "deny tcp 22 from wan to self if not within 6/minute burst 3"),
    "if-within-per": ("ni", "deny tcp 22 from wan to self if within 6/minute burst 3 per source"),
    "if-native": ("i", 'deny tcp 22 from wan to self if native iptables """-m string --string "x" --algo bm"""'),
    "if-native-nft": ("n", 'deny tcp 22 from wan to self if native nft """meta rtclassid 7"""'),
    "if-native-local": ("nip", 'deny tcp 22 from wan to self if native nft """fib daddr type local"""'),
    "flags-none": ("nip", "deny tcp from wan to self if flags none of fin, syn"),
    "log-verbatim": ("nip", 'settings { log verbatim on }\ndeny tcp from wan to self log "x "'),
    "hook-clamp": ("ni", "hook forward priority mangle as m { clamp mss to pmtu for tcp from any to wan }"),
    "hook-notrack": ("ni", "hook prerouting priority raw as r { notrack udp 53 from wan to any }"),
    "if-cgroup": ("ni", 'deny tcp from self to wan if cgroup "system.slice"'),
    "if-sport": ("nip", "deny udp from wan to self if sport 19, 123"),
    "if-and": ("ni", "deny udp from wan to self if sport 19 and length > 512"),
    # options
    "option-log": ("nip", 'deny telnet from wan to self log "telnet"'),
    "option-log-level": ("nip", 'deny telnet from wan to self log "telnet" level warning'),
    "option-log-rate": ("nip", 'deny telnet from wan to self log "telnet" rate 5/minute burst 10'),
    "option-nflog": ("ni", 'deny telnet from wan to self log "telnet" nflog 5'),
    "limit": ("ni", "allow ping from wan to self limit 5/second burst 10"),
    "limit-source": ("nip", "allow ssh from wan to self limit 6/minute per source"),
    "limit-destination": ("ni", "allow ssh from wan to lan limit 6/minute per destination"),
    "limit-mask": ("ni", "allow ssh from wan to self limit 6/minute per source mask 24 64"),
    "limit-bytes": ("ni", "allow tcp 80 from lan to wan limit 2MB/second"),
    "limit-else": ("ni", "allow ssh from wan to self limit 6/minute per source else reject"),
    "limit-add": ("nip", "allow ssh from wan to self limit 6/minute per source else deny and add source to @banned timeout 1h"),
    "max": ("nip", "allow https from wan to self max 1000 connections"),
    "max-source": ("nip", "allow https from wan to self max 20 connections per source"),
    "option-count": ("nip", "deny telnet from wan to self count blocked"),
    "option-as": ("nip", "allow ssh from wan to self as door"),
    "option-stateless": ("nip", "allow udp 53 from wan to self stateless"),
    "option-add": ("ni", "deny tcp 7842 from wan to self add source to @banned"),
    "option-words": ("nip", 'allow ssh from wan to self comment "c" owner "o@example.com" ticket "T-1" expires 2035-01-01'),
    "option-disabled": ("nip", 'allow telnet from wan to self disabled because "not yet"\nallow ssh from wan to self'),
    "option-block": ("nip", "allow ssh from wan to self {\n    as door\n    comment \"c\"\n}"),
    # 2.4 NAT
    "masquerade": ("nip", "masquerade from lan to wan\nallow any from lan to wan"),
    "masquerade-without-net": ("np", "zone dmz { iface eth2 }\nmasquerade from dmz to wan"),
    "masquerade-v6": ("nip", "masquerade v6 from lan to wan\nallow any from lan to wan"),
    "snat": ("nip", "snat smtp from nas to wan -> 203.0.113.2"),
    "snat-range": ("nip", "snat any from 192.168.10.0/24 in lan to wan -> 203.0.113.2-203.0.113.9"),
    "snat-ports": ("nip", "snat tcp from lan to wan -> 203.0.113.2 ports 20000-29999"),
    "snat-random": ("nip", "snat tcp from lan to wan -> 203.0.113.2 random"),
    "snat-persistent": ("nip", "snat tcp from lan to wan -> 203.0.113.2-203.0.113.3 persistent"),
    "forward": ("nip", "forward https from wan to 203.0.113.5 -> nas:8443 as nas-web"),
    "forward-hairpin": ("nip", "masquerade from lan to wan\nforward https from wan, lan to 203.0.113.5 -> nas:8443 hairpin"),
    "forward-range": ("nip", "forward tcp 8000-8010 from wan to self -> 192.168.10.20:9000-9010"),
    "forward-balance": ("nip", "forward tcp 443 from wan to self -> 192.168.10.7, 192.168.10.8 random"),
    "redirect": ("nip", "redirect tcp 80 from lan to any -> self:3128"),
    "map": ("nip", "map 203.0.113.16/28 <-> 192.168.10.16/28 on wan"),
    "map-v6": ("nip", "map 2001:db8:f::/64 <-> 2001:db8:10::/64 on wan"),
    "no-nat": ("nip", "no-nat from lan to 10.200.0.0/16\nmasquerade from lan to wan"),
    # 2.5 packet changes
    "mark": ("ni", "mark 0x10/0xff for any from 192.168.10.32/27 in lan to any"),
    "rewrite-dscp": ("ni", "rewrite dscp to ef for udp 5060 from lan to wan"),
    "rewrite-ttl": ("ni", "rewrite ttl to 64 for any from lan to wan"),
    "rewrite-ctmark": ("ni", "rewrite ctmark to 7 for any from lan to wan"),
    "rewrite-priority": ("ni", "rewrite priority to 5 for any from lan to wan"),
    "clamp-pmtu": ("nip", "clamp mss to pmtu for tcp from any to wan"),
    "clamp-mtu": ("nip", "clamp mss to mtu 1420 for tcp from any to wan"),
    "notrack": ("nip", "notrack udp 53 from any to self\nallow udp 53 from any to self stateless"),
    "helper": ("ni", "helper sip for udp 5060 from lan to any"),
    "helper-to-zone": ("n", "helper sip for udp 5060 from lan to wan"),
    # 2.6 chains and placement
    "chain-jump": ("nip", "chain sanity { deny tcp from any to any if flags syn, fin of syn, fin; return }\njump sanity for tcp from wan to self"),
    "chain-goto": ("nip", "chain web { allow https from any to self; deny any from any to any }\ngoto web for tcp from wan to self"),
    "hook": ("ni", "hook prerouting priority raw -10 type filter policy accept as ddos {\n    deny udp from any to any if sport 19\n}"),
    "native-nft": ("nip", 'when target nft { native nft at forward-start """\n    meta l4proto sctp counter\n""" }\nallow ssh from wan to self'),
    "native-pf": ("nip", 'when target pf { native pf at options """\n    set optimization normal\n""" }\nallow ssh from wan to self'),
    "native-iptables": ("nip", 'when target iptables { native iptables at input-start """\n    -p sctp\n""" }\nallow ssh from wan to self'),
    # 2.7 tests and suppressions
    "test": ("nip", 'allow ssh from wan to self\ntest "t" { packet tcp 198.51.100.7 -> self:22 in wan expect allow }'),
    "assert": ("nip", "allow ssh from staff to self\nassert never ssh from any except staff to self"),
    "lint-ignore": ("nip", 'lint ignore allow-any because "a lab"\nallow ssh from wan to self'),
    # 2.8 settings
    "family": ("nip", "settings { family v4 }\nallow ssh from wan to self"),
    "stateful-off": ("nip", "settings { stateful off }\nallow ssh from wan to self stateless"),
    "implicit-off": ("nip", "settings { implicit loopback off; implicit icmpv6-nd off }\nallow ssh from wan to self"),
    "rpfilter": ("ni", "settings { implicit rpfilter strict }\nallow ssh from wan to self"),
    "antispoof": ("ni", "settings { implicit antispoof on }\nallow ssh from lan to self"),
    "log-settings": ("nip", 'settings { log prefix "fwc "; log rate 10/minute burst 20; log level info }\ndeny any from wan to self log'),
    "reject-with": ("nip", "settings { reject-with tcp-reset }\nreject tcp 25 from wan to self"),
    "table": ("nip", 'settings { table "mine"; anchor "mine" }\nallow ssh from wan to self'),
    "coexist-docker": ("nip", "settings { coexist docker }\nallow ssh from wan to self\ndeny https from wan to lan"),
    "coexist-kubernetes": ("nip", "settings { coexist kubernetes }\nallow ssh from wan to self"),
    "on-expired": ("nip", "settings { on-expired omit }\nallow ssh from wan to self expires 2020-01-01\nallow https from wan to self"),
}  # fmt: skip


def policy(name: str) -> SourceFile:
    return SourceFile("policy.fw", f"syntax 1\n{OS}{ROWS[name][1]}\n")


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("letter", TARGETS)
def test_compiles_or_is_refused(name: str, letter: str) -> None:
    """With the proof on. A refusal names its place and a way out, and leaves nothing to write."""
    options = CompileOptions((TARGETS[letter],), today="2026-06-01", lint=False)
    outputs, diagnostics = compile_policy(policy(name), NoFiles(), options)
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    if letter in ROWS[name][0]:
        assert [d.message for d in errors] == []
        assert outputs and all(file.text for file in outputs[0].files)
        return
    assert not outputs
    assert errors, "neither compiled nor refused"
    for each in errors:
        assert each.code == "FW031", each.message
        assert each.primary is not None and each.primary.span.line > 8, each.message
        assert "when not target" in " ".join([each.help, *each.notes]), each.message
