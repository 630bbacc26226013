"""Pages of the mistakes in statements, tests and objects of a policy (FW083 to FW094, FW531 to FW533, FW841 to FW845)."""

PAGES = """
# FW083 allow-to-any error fwc
`allow` to everywhere covers more than it seems.

## Why is this bad?

`any` includes this machine and every zone. Say which zone is meant.

# FW084 missing-end error fwc
`from` or `to` is missing.

## Why is this bad?

Nothing is implied by its absence: an `allow` without `from` must not silently mean everybody.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self
```

# FW085 option-not-here error fwc
An option has no meaning in this statement.

## Why is this bad?

It would be ignored, and the rule would do something else than it says.

# FW086 limit-without-allow error fwc
A rate limit stands at a rule that does not allow.

## Why is this bad?

`deny ... limit` would let the flood pass and stop the first packets.

# FW087 bad-condition error fwc
A condition can never hold, or compares something that is not known here.

## Why is this bad?

The rule would never match.

# FW088 bad-reject-kind error fwc
There is no such answer to a refused packet, or not for this protocol.

## Why is this bad?

The target would refuse the rule.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
reject http from wan to self with nonsense
```

# FW089 bad-translation error fwc
A translation cannot work as written.

## Why is this bad?

The kernel would refuse it, or answers would not find their way back.

# FW090 bad-stateless error fwc
A stateless rule lacks what its answers need.

## Why is this bad?

Without connection tracking both directions need a rule.

# FW091 wrong-place error fwc
The statement cannot stand in this block or chain.

## Why is this bad?

Its hook has no such packets, or the target does not allow it there.

# FW092 bad-packet-change error fwc
A packet cannot be changed in this way.

## Why is this bad?

The field has no such value, or it is changed where nobody would notice.

# FW093 bad-test error fwc
A test packet cannot exist.

## Why is this bad?

Its addresses, interfaces and protocol contradict each other, so the test would say nothing.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
test "t" { packet tcp 192.0.2.1 -> [2001:db8::1]:80 in wan expect deny }
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
test "t" { packet tcp 192.0.2.1 -> self:80 in wan expect deny }
```

# FW094 state-of-first-packet error fwc
A rule asks for a connection state that only later packets have.

## Why is this bad?

Rules describe the first packet of a connection; its answers pass by themselves.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self if state established
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from lan to self
```

# FW531 test-failed error fwc
A `test` packet does not meet the fate that the policy expects.

## Why is this bad?

Either the rules or the expectation is wrong; the trace shows which rule decided. Reported by `fwc test`.

# FW532 kernel-disagrees error fwc
A real packet met another fate in the kernel than the test expects.

## Why is this bad?

Reported by `fwc test --kernel`, which sends the packets in network namespaces of its own.

# FW533 not-tested-on-kernel warning fwc
A test packet could not be sent in the kernel laboratory.

## Why is this bad?

It is said rather than counted as passed. Reported by `fwc test --kernel`.

# FW841 undefined-object error fwc
A name is used that nothing defines.

## Why is this bad?

A misspelt group is not an empty group and not everybody: nothing is compiled until it is defined.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow ssh from admins to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
group admins = { 192.0.2.1 }
allow ssh from admins to self
```

# FW843 cyclic-group error fwc
Groups contain each other in a circle.

## Why is this bad?

None of them has a content.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
group a = { b }
group b = { a }
allow ssh from a to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
group a = { 192.0.2.1 }
allow ssh from a to self
```

# FW844 empty-group error fwc
A group, list or condition is empty.

## Why is this bad?

An empty list never means any: the rule would match nothing, and tools that take it for "any" open the machine.

# FW845 redefinition error fwc
A name is defined twice.

## Why is this bad?

One of the two would be ignored, and the reader cannot tell which.

## Example

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
group a = { 192.0.2.1 }
group a = { 192.0.2.2 }
allow ssh from a to self
```

## Use instead

```fwc
syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
group a = { 192.0.2.1, 192.0.2.2 }
allow ssh from a to self
```
"""
