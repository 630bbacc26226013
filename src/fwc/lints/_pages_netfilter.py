"""Pages of the codes that reading a ruleset reports: what the target refuses, or loads with another meaning (FW001 to FW032)."""

PAGES = """
# FW001 syntax-error error fwc iptables-save nft pf
The text is not of its language.

## Why is this bad?

The target's own tool refuses the whole file, so nothing of it protects anything. The caret stands where the reader
gave up, and `help` says what was expected. The rest of the file is read on from the next statement.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
accept ssh from wan to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
allow ssh from wan to self
```

# FW002 unsupported-construct warning iptables-save nft pf
fwc does not model this part of the rule, so it takes it as "may match".

## Why is this bad?

Nothing is wrong with the rule. But what it does is unknown here: it hides no later rule, no assertion relies on it,
and a conversion refuses it.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m notamatch --frobnicate 7 -j DROP
COMMIT
```

## Use instead

Where a match that fwc knows says the same, use that.

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.0/24 -j DROP
COMMIT
```

# FW003 port-without-port-protocol error iptables-save nft pf
A port is compared although the protocol has none.

## Why is this bad?

Only tcp, udp, udplite, sctp and dccp have ports. iptables and pfctl refuse the rule; nft loads some forms and then
compares other bytes of the packet (`th dport` on ICMP compares the checksum).

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p icmp -m multiport --dports 80 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m multiport --dports 80,443 -j DROP
COMMIT
```

# FW006 reset-needs-tcp error iptables-save nft pf
A TCP reset is the answer to packets that need not be TCP.

## Why is this bad?

The kernel refuses the rule when it is loaded; `iptables-restore --test` does not notice.

## Example

```iptables-save
*filter
:refused - [0:0]
-A refused -j REJECT --reject-with tcp-reset
-A OUTPUT -o eth9 -j refused
COMMIT
```

## Use instead

```iptables-save
*filter
:refused - [0:0]
-A refused -p tcp -j REJECT --reject-with tcp-reset
-A OUTPUT -o eth9 -j refused
COMMIT
```

# FW007 wrong-family-address error iptables-save nft pf
An address of one family stands in a table of the other.

## Why is this bad?

An IPv4 table never sees an IPv6 packet. The target refuses the rule.

## Example

```pf
block all
pass quick on lo0 all
pass in quick inet proto tcp from 2001:db8::/32 to any port 443
pass quick inet6 proto ipv6-icmp all
```

## Use instead

```pf
block all
pass quick on lo0 all
pass in quick inet6 proto tcp from 2001:db8::/32 to any port 443
pass quick inet6 proto ipv6-icmp all
```

# FW008 wrong-family-icmp error iptables-save nft pf
ICMP of one family in rules of the other.

## Why is this bad?

ICMP is protocol 1 of IPv4 and ICMPv6 protocol 58 of IPv6. The rule loads without a word and never matches.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.1/32 -p ipv6-icmp -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.1/32 -p icmp -j DROP
COMMIT
```

# FW009 negated-everything error iptables-save nft
The negation of everything matches nothing.

## Why is this bad?

`! -s 0.0.0.0/0` or `! -i +` is a condition that no packet meets. Some versions refuse it, others load a rule that
never does anything.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING ! -s 0.0.0.0/0 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING ! -s 10.0.0.0/8 -i eth1 -j DROP
COMMIT
```

# FW011 reversed-range error fwc iptables-save nft
The range ends before it begins.

## Why is this bad?

An address range of `iprange` that is the wrong way round loads with a warning and never matches; port ranges are
refused.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m iprange --src-range 192.0.2.90-192.0.2.10 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m iprange --src-range 192.0.2.10-192.0.2.90 -j DROP
COMMIT
```

# FW012 host-bits-set warning fwc iptables-save nft
A network is written with bits of a host.

## Why is this bad?

iptables and nft cut `192.168.1.5/24` to `192.168.1.0/24` without a word. Was the host meant, or the network? In a
policy it is an error.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.168.1.5/24 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.168.1.0/24 -j DROP
COMMIT
```

# FW013 host-with-slash-zero error iptables-save
`/0` after an address means any address.

## Why is this bad?

`-s 192.168.1.1/0` looks like one host and matches everybody.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.168.1.1/0 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.168.1.1/32 -j DROP
COMMIT
```

# FW014 non-contiguous-mask warning iptables-save
The mask has holes.

## Why is this bad?

`10.0.0.1/255.0.0.255` matches the host number 1 of 65,536 networks. It loads, but it is nearly always a typing error,
and no other firewall can express it.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 10.0.0.1/255.0.0.255 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 10.0.0.0/255.0.0.0 -j DROP
COMMIT
```

# FW015 jump-undefined error fwc iptables-save nft
The chain or set does not exist.

## Why is this bad?

`iptables-restore --test` accepts it, the load fails: no rule of the file is in force.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -j BLOCKLIST
COMMIT
```

```nft
table inet guard
delete table inet guard
table inet guard {
	chain early {
		type filter hook prerouting priority raw; policy accept;
		iifname "eth0" jump blocklist
	}
}
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:BLOCKLIST - [0:0]
-A PREROUTING -i eth0 -j BLOCKLIST
-A BLOCKLIST -s 192.0.2.0/24 -j DROP
COMMIT
```

# FW016 chain-cycle error fwc iptables-save nft
Chains call each other in a circle.

## Why is this bad?

The kernel refuses the ruleset ("Too many links"), which neither `iptables-restore --test` nor `nft -c` sees. A circle
that no base chain leads to loads, and is a warning.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
-A PREROUTING -i eth0 -j A
-A A -s 192.0.2.0/24 -j B
-A B -d 192.0.2.0/24 -j A
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
-A PREROUTING -i eth0 -j A
-A A -s 192.0.2.0/24 -j B
-A B -d 192.0.2.0/24 -j DROP
COMMIT
```

# FW017 jump-to-builtin error iptables-save nft
A rule jumps to a chain that only the kernel calls.

## Why is this bad?

The load fails: a base chain cannot be the target of a jump.

## Example

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
-A PREROUTING -s 192.0.2.0/24 -j INPUT
COMMIT
```

## Use instead

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:shared - [0:0]
-A PREROUTING -s 192.0.2.0/24 -j shared
-A shared -p udp -j DROP
COMMIT
```

# FW018 policy-on-user-chain error iptables-save
A user chain is given a policy, which iptables ignores.

## Why is this bad?

Only builtin chains have a policy. `:guard DROP` is accepted and replaced by `-`: the default drop that the author
believes in does not exist, and packets return to the calling chain.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:guard DROP [0:0]
-A PREROUTING -i eth0 -j guard
-A guard -s 192.0.2.0/24 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:guard - [0:0]
-A PREROUTING -i eth0 -j guard
-A guard -s 192.0.2.0/24 -j ACCEPT
-A guard -j DROP
COMMIT
```

# FW019 bad-policy error iptables-save
A chain's policy is neither ACCEPT nor DROP.

## Why is this bad?

The load fails, and `iptables-restore --test` does not notice.

## Example

```iptables-save
*mangle
:PREROUTING REJECT [0:0]
COMMIT
```

## Use instead

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
COMMIT
```

# FW020 name-too-long error iptables-save nft pf
A name is longer than the target takes, or is one of its own words.

## Why is this bad?

The load fails: chains of iptables have at most 28 characters, interfaces 15, and `fwd` or `meta` cannot be the name
of an nft chain.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:packets-from-the-office-network - [0:0]
-A PREROUTING -i eth0 -j packets-from-the-office-network
-A packets-from-the-office-network -p udp -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:from-office - [0:0]
-A PREROUTING -i eth0 -j from-office
-A from-office -p udp -j DROP
COMMIT
```

# FW021 silently-truncated warning iptables-save
The log prefix is longer than the 29 characters that LOG keeps.

## Why is this bad?

iptables cuts it without a word, so the program that looks for the prefix in the log finds nothing.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.0/24 -m limit --limit 5/min -j LOG --log-prefix "packets from the documentation: "
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.0/24 -m limit --limit 5/min -j LOG --log-prefix "documentation: "
COMMIT
```

# FW024 set-type-mismatch error nft
A set is used with other fields than it holds.

## Why is this bad?

nft refuses the ruleset: a set of addresses cannot hold a pair of address and port.

## Example

```nft
table inet guard
delete table inet guard
table inet guard {
	set peers {
		type ipv4_addr
		flags dynamic
	}
	chain early {
		type filter hook prerouting priority raw; policy accept;
		ip saddr . tcp dport @peers drop
	}
}
```

## Use instead

```nft
table inet guard
delete table inet guard
table inet guard {
	set peers {
		type ipv4_addr . inet_service
		flags dynamic
	}
	chain early {
		type filter hook prerouting priority raw; policy accept;
		ip saddr . tcp dport @peers drop
	}
}
```

# FW026 mss-needs-syn error iptables-save
TCPMSS stands without a match on the SYN flag.

## Why is this bad?

iptables-legacy refuses it. iptables-nft loads it, and then every packet is looked at although only the first two
carry the option.

## Example

```iptables-save
*mangle
:FORWARD ACCEPT [0:0]
-A FORWARD -p tcp -j TCPMSS --clamp-mss-to-pmtu
COMMIT
```

## Use instead

```iptables-save
*mangle
:FORWARD ACCEPT [0:0]
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
```

# FW028 undefined-variable error nft
A variable is used without a definition, or defined twice.

## Why is this bad?

nft refuses the file.

## Example

```nft
#!/usr/sbin/nft -f
table inet guard
delete table inet guard
table inet guard {
	chain early {
		type filter hook prerouting priority raw; policy accept;
		ip saddr $blocked drop
	}
}
```

## Use instead

```nft
define blocked = 192.0.2.0/24
table inet guard
delete table inet guard
table inet guard {
	chain early {
		type filter hook prerouting priority raw; policy accept;
		ip saddr $blocked drop
	}
}
```

# FW031 lossy-compile error fwc
The target cannot express what the policy says.

## Why is this bad?

Leaving the part out would change what is allowed. fwc refuses, names the part and the way out; `--lossy` accepts
losses that only narrow, and lists them in the output. It is reported by `fwc compile`, for the target compiled for:
`fwc targets` shows what each can express.

# FW615 pf-name-too-long error pf
The name is longer than pf takes.

## Why is this bad?

A table has at most 31 characters, a label, a tag and each part of an anchor at most 63. pfctl refuses the file.

## Example

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
table <addresses-that-knocked-too-often> persist
```

## Use instead

```pf
table <knocked-too-often> persist
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
```
"""
