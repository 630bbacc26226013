"""Pages of the codes that reading a ruleset reports about text and conditions (FW001 to FW014)."""

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
"""
