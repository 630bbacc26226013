"""Pages of the codes that reading a ruleset reports about chains, names, sets and targets (FW015 to FW031, FW615)."""

PAGES = """
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
