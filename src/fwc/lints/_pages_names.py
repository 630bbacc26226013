"""Pages of the mistakes in files, names, zones and expansion of a policy (FW060 to FW082)."""

PAGES = """
# FW060 include-failed error fwc
A file that the policy includes cannot be read.

## Why is this bad?

What it would have allowed or denied is missing, so nothing is compiled.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
include "not-there.fw"
```

# FW061 include-cycle error fwc
Files include each other in a circle.

## Why is this bad?

There is no order in which they could be read.

# FW062 template-recursion error fwc
A template uses itself.

## Why is this bad?

The expansion would never end.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
template a(x) { use b($x) }
template b(x) { use a($x) }
use a(lan)
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
template a(x) { allow ssh from $x to self }
use a(lan)
```

# FW063 wrong-arguments error fwc
A template is used with other arguments than it declares.

## Why is this bad?

What stands in the gap decides what is allowed, so it is not guessed.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
template web(x, y) { allow http from $x to $y }
use web(lan)
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
template web(x, y) { allow http from $x to $y }
use web(lan, self)
```

# FW064 expansion-too-large error fwc
Expansion gives more rules than fwc takes.

## Why is this bad?

Time and memory are bounded, so that a small file cannot exhaust the machine.

# FW065 bad-setting error fwc
`settings` holds a key or value that does not exist.

## Why is this bad?

A setting with a typing error would silently be the default.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
settings { stateful perhaps }
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
settings { stateful on }
```

# FW066 host-choice error fwc
It is not clear, or not possible, which machine this is compiled for.

## Why is this bad?

A fleet file describes several machines; `--host NAME` says which one.

# FW067 bad-zone error fwc
A zone contradicts itself.

## Why is this bad?

Its rules would hold for other interfaces or addresses than meant.

# FW068 zone-overlap error fwc
Two zones hold the same packets.

## Why is this bad?

A rule for one would also hold for the other. Write `within` when one lies inside the other.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
zone office { iface eth1 }
```

# FW069 bad-interface-name error fwc
This cannot be the name of an interface.

## Why is this bad?

Linux has at most 15 characters and no blanks or slashes; a wildcard alone is every interface.

# FW070 wrong-kind error fwc
A name stands for something that has no place here.

## Why is this bad?

A group holds addresses, a zone interfaces, a service ports: one cannot be used for the other.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
group g = { lan }
allow ssh from g to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
group g = { 192.0.2.1 }
allow ssh from g to self
```

# FW071 not-in-lock error fwc
`policy.lock` has no addresses of a DNS name.

## Why is this bad?

fwc never asks DNS while it compiles: what is allowed must not depend on who answers. `fwc lock` writes the addresses
down for review.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow https from self to dns "updates.example.org"
```

# FW072 bad-set-file error fwc
A file of set elements cannot be read or holds something else.

## Why is this bad?

An element that is left out could be the one that should have been blocked.

# FW073 bad-set error fwc
A set is declared or used in a way that it cannot be.

## Why is this bad?

Its kind says what it holds, and only a run-time set can be filled by rules.

# FW074 bad-when error fwc
A `when` block asks for something that nobody can answer.

## Why is this bad?

Whether its rules hold would be a guess.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
when host nobody-here { allow ssh from lan to self }
```

# FW075 expired error fwc
A rule's last day has passed.

## Why is this bad?

The exception was meant to end. Remove the rule, or extend the date with a reason.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from wan to self expires 2020-01-31
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self
```

# FW076 misplaced-statement error fwc
A statement stands where it cannot stand.

## Why is this bad?

Declarations stand at the top level; rules inside of blocks that hold rules.

# FW077 bad-traffic error fwc
There is no such protocol, ICMP type or service.

## Why is this bad?

A rule about traffic that does not exist never matches.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow icmp nonsense from lan to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow icmp echo-request from lan to self
```

# FW078 cyclic-service error fwc
Services are defined by each other in a circle.

## Why is this bad?

None of them has a content.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
service a = b
service b = a
allow a from lan to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
service a = tcp 8080
allow a from lan to self
```

# FW079 syntax-version error fwc
The policy is written in a version of the language that this fwc does not read.

## Why is this bad?

Later versions may give the same words another meaning.

# FW080 reserved-name error fwc
A name of the language cannot be given to something else.

## Why is this bad?

`self`, `any` and others have a fixed meaning in every policy.

# FW081 zone-not-on-this-os error fwc
A zone has no interface on the operating system that is compiled for.

## Why is this bad?

Its rules would hold nowhere. Name its interface for this system, or put the rules in a `when` block.

# FW082 matches-nothing error fwc
The statement can match no packet.

## Why is this bad?

Something in it contradicts something else, so what it was written for does not happen.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow tcp 22 from 2001:db8::1 to 192.0.2.7
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow tcp 22 from 192.0.2.1 to 192.0.2.7
```
"""
