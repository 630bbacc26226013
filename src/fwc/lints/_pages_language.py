"""Pages of the mistakes in single statements of a policy (FW040 to FW052), and of suppressions (FW097 to FW099)."""

PAGES = """
# FW040 value-out-of-range error fwc
A number is larger or smaller than what it counts can be.

## Why is this bad?

No packet has such a value, so the rule would never match, or the target would refuse it.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow tcp 70000 from lan to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow tcp 7000 from lan to self
```

# FW041 bad-date-or-time error fwc
A date, a time of day or a day of the week does not exist.

## Why is this bad?

A window that does not exist never opens.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self if days monday
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self if days mon
```

# FW042 written-twice error fwc
An option or end is written twice in one statement.

## Why is this bad?

Only one of them could hold, and the reader cannot tell which.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self comment "a" comment "b"
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self comment "a"
```

# FW043 invisible-character error fwc
The text holds a character that cannot stand in a policy.

## Why is this bad?

A reader sees another policy than the machine: bidirectional overrides and no-break spaces have been used for that.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self comment "ab"
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self
```

# FW044 bad-escape error fwc
A text holds an escape that means nothing.

## Why is this bad?

In a text only `\\"` and `\\\\` are known, so that what is printed is what was written.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self comment "a\\tb"
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self comment "a b"
```

# FW045 option-of-other-verdict error fwc
An option belongs to another verdict.

## Why is this bad?

`limit` and `max` say how much may pass, so at a `deny` they would let the flood pass and stop the first packets.

# FW046 bad-address error fwc
This is not an address.

## Why is this bad?

An octet above 255, a leading zero (octal to some tools) or a missing part cannot be guessed right.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from 192.168.1.300 to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from 192.168.1.30 to self
```

# FW047 bad-name error fwc
This cannot be a name.

## Why is this bad?

Kernels take interface names of 1 to 15 plain characters; names of the policy are letters, digits and hyphens.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
zone dmz { iface "eth 2" }
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
zone dmz { iface eth2 }
```

# FW048 port-without-protocol error fwc
A port stands without its protocol.

## Why is this bad?

Both tcp and udp have ports, and what is meant decides what is open.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow 22 from lan to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow tcp 22 from lan to self
```

# FW049 nested-too-deep error fwc
Braces or parentheses are nested deeper than any policy needs.

## Why is this bad?

The depth is limited so that a crafted file cannot exhaust the machine.

# FW050 wrong-set-member error fwc
A set of one kind is given a member of another.

## Why is this bad?

The target could not hold it: a set of ports has no place for an address.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
set blocked of ports = { 192.0.2.1 }
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
set blocked of ports = { 22 }
```

# FW051 unknown-os error fwc
There is no such operating system.

## Why is this bad?

`linux:` and `macos:` say which interface names hold where; anything else would silently hold nowhere.

# FW052 not-one-packet error fwc
A `test` packet or a policy's description says more, or other things, than one can.

## Why is this bad?

A test packet is one packet: one source, one destination, one port each.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
test "t" { packet tcp 192.0.2.1 -> self:80-90 in wan expect deny }
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
test "t" { packet tcp 192.0.2.1 -> self:80 in wan expect deny }
```

# FW097 expired-suppression warning fwc iptables-save nft pf
A suppression's last day has passed.

## Why is this bad?

`until=` said how long the finding may wait. It is reported again from the day after.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
# fwc: ignore[FW101] until=2020-01-31 -- the migration ends in January
-A PREROUTING -s 192.0.2.0/24 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.0/24 -j DROP
COMMIT
```

# FW098 suppression-without-reason info fwc iptables-save nft pf
A suppression does not say why.

## Why is this bad?

Whoever reads it next cannot tell whether it still holds. With `require-reason` in the configuration it is an error.

# FW099 unused-suppression warning fwc iptables-save nft pf
A suppression silences nothing.

## Why is this bad?

The finding is gone; the comment stays and would hide the next one.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
# fwc: ignore[FW101] -- kept for the documentation
-A PREROUTING -s 192.0.2.0/24 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.0/24 -j DROP
COMMIT
```
"""
