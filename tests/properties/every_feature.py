"""Random policies of every feature: traffic lists, excluded ends, several conditions, logs, rates, translations, changes, chains.

`python -m tests.properties.every_feature 0 1000 nftables` compiles a thousand of them and shows, with as few statements as
possible, those whose output is not proved: bugs, since what a target cannot say has to be refused at its line.
"""

from __future__ import annotations

import collections
import random
import sys

from tests.properties.policies import Generated
from tests.properties.test_compile_is_proved import NoFiles

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import Severity
from fwc.errors import InternalError
from fwc.source import SourceFile

PORTS = ("22", "80", "443", "53", "8000-8010", "1024-65535")
ENDS = (
    "wan", "lan", "dmz", "any", "10.0.0.0/24", "192.0.2.7", "2001:db8::/32", "g", "any except g", "lan except 10.0.0.9",
    "10.0.0.5-10.0.0.9", "203.0.113.0/24, 2001:db8:9::1", "mac 52:54:00:12:34:56",
)  # fmt: skip
CONDITIONS = (
    "state new", "not state new", "mark 0x10", "ttl 255", "ttl < 5", "length > 500", "fragment", "not fragment", "dscp ef",
    "time 22:00-06:00", "time 09:00-17:00", "days mon, tue", "chance 10%", "within 3/minute", "within 6/minute per source",
    "not within 5/minute", "within 10/second burst 30 per destination mask 24 64", "flags syn of syn, ack",
    "not flags syn of fin, syn, rst, ack", "sport 1024-65535", "pkttype broadcast", "dnat", "not dnat", "ipsec", "user 1000",
)  # fmt: skip
RATES = ("3/minute", "10/second", "6/hour", "3/minute burst 9")
KINDS = (
    "port-unreachable",
    "admin-prohibited",
    "host-unreachable",
    "tcp-reset",
    "net-unreachable",
    "proto-unreachable",
)


class Author:
    """Writes one policy."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, *words: str) -> str:
        return self.random.choice(words)

    def perhaps(self, chance: float, text: str) -> str:
        return text if self.random.random() < chance else ""

    def policy(self) -> Generated:
        settings = (
            self.perhaps(0.3, f"log rate {self.pick(*RATES)}"),
            self.perhaps(0.15, f"implicit rpfilter {self.pick('strict', 'loose')}"),
            self.perhaps(0.1, "implicit established off"),
            self.perhaps(0.1, "implicit antispoof on"),
            self.perhaps(0.1, "reject with admin-prohibited"),
            self.perhaps(0.1, f"family {self.pick('v4', 'v6')}"),
        )
        head = [
            "settings {", *(line for line in settings if line), "}",
            "zone wan { iface eth0 }",
            "zone lan { iface eth1; net 10.0.0.0/24, 2001:db8:1::/64 }",
            "zone dmz { iface eth2, eth3 }",
            "group g = 10.0.0.7, 198.51.100.0/28, 2001:db8:1::7",
            "set caught of addresses timeout 1h",
            "set known of addresses dynamic = { 192.0.2.1, 2001:db8:77::9 }",
            "chain c { deny tcp from any to any if flags syn, fin of syn, fin; log any from any to any"
            + self.conditions() + ' log "c"; return }',
        ]  # fmt: skip
        rules = [self.statement() for _ in range(self.random.randint(1, 5))]
        verdicts = ("deny", "deny", "reject", "allow")
        tail = [
            f"default {hook} {self.pick(*verdicts)}" + self.perhaps(0.4, " log rate 3/minute")
            for hook in ("input", "forward")
        ]
        return Generated(head, rules, tail)

    # ----- parts of statements ----------------------------------------------------

    def traffic(self) -> str:
        if self.random.random() < 0.15:
            return "any"
        count = self.random.choice((1, 1, 1, 2, 3))
        return ", ".join(dict.fromkeys(self.one_traffic() for _ in range(count)))

    def one_traffic(self) -> str:
        return self.pick(
            f"tcp {self.pick(*PORTS)}", f"udp {self.pick(*PORTS)}", "ping", "icmp echo-request", "icmpv6 echo-request",
            "icmp 3/4", "proto gre", "tcp", "udp", "ssh", "dns", f"tcp {self.pick(*PORTS)} sport 1024-65535", "sctp 5000",
        )  # fmt: skip

    def end(self) -> str:
        return self.pick(*ENDS)

    def target(self) -> str:
        return self.pick("self", "self", self.end())

    def conditions(self) -> str:
        count = self.random.choice((0, 0, 0, 1, 1, 2))
        return " if " + " and ".join(self.pick(*CONDITIONS) for _ in range(count)) if count else ""

    def log(self) -> str:
        prefix = self.perhaps(0.5, f' "x{self.random.randrange(3)}"')
        return "log" + prefix + self.perhaps(0.3, " level info") + self.perhaps(0.5, f" rate {self.pick(*RATES)}")

    def options(self, action: str) -> str:
        chance = self.perhaps
        per = self.pick("", " per source", " per destination")
        otherwise = self.pick("", " else reject", " else deny and add source to @caught")
        found = [
            chance(0.3, self.log()),
            chance(0.15, "count" + self.perhaps(0.5, f" c{self.random.randrange(2)}")),
            chance(0.2, f"as r{self.random.randrange(1000)}"),
        ]
        if action == "allow":
            found.append(chance(0.25, f"limit {self.pick(*RATES)}{per}{otherwise}"))
            found.append(chance(0.1, f"max 4 connections{self.pick('', ' per source')}"))
        if action == "reject":
            found.append(chance(0.4, f"with {self.pick(*KINDS)}"))
        found += [chance(0.08, "stateless"), chance(0.08, "add source to @caught")]
        return "".join(f" {each}" for each in found if each)

    # ----- statements ---------------------------------------------------------------

    def statement(self) -> str:
        at = self.random.random()
        if at < 0.7:
            action, family = self.pick("allow", "allow", "deny", "reject"), self.pick("", "", "", "v4 ", "v6 ")
            ends = f"from {self.end()} to {self.target()}"
            return f"{action} {family}{self.traffic()} {ends}{self.conditions()}{self.options(action)}"
        if at < 0.76:
            return f"log {self.traffic()} from {self.end()} to {self.target()}{self.conditions()} {self.log()}"
        if at < 0.8:
            return f"jump c for {self.traffic()} from {self.end()} to {self.target()}{self.conditions()}"
        return self.translation() if at < 0.9 else self.change()

    def translation(self) -> str:
        return self.pick(
            f"masquerade from {self.pick('lan', 'dmz', '10.0.0.0/24')} to wan",
            f"snat {self.pick('any', 'tcp', 'tcp 80')} from lan to wan -> 203.0.113.77",
            f"forward tcp {self.pick('80', '443', '8000-8010')} from wan to {self.pick('any', '203.0.113.5')} -> 10.0.0.20",
            "forward tcp 80 from wan to 203.0.113.5 -> 10.0.0.20:8080",
            "redirect tcp 80 from lan to any -> self:3128",
            "no-nat from lan to 10.200.0.0/16",
        )

    def change(self) -> str:
        inner = self.pick("mark 0x1 for any from lan to any", "deny udp 9 from any to any", "allow any from lan to any")
        return self.pick(
            f"notrack udp 53 from {self.end()} to self",
            f"mark 0x10/0xff for {self.traffic()} from {self.end()} to any{self.conditions()}",
            f"rewrite dscp to ef for {self.traffic()} from {self.end()} to wan",
            "rewrite ttl to 64 for any from lan to wan",
            "clamp mss to pmtu for tcp from any to wan",
            "clamp mss to 1300 for tcp from lan to wan",
            f"helper ftp for tcp 21 from {self.end()} to {self.pick('any', 'self', 'wan')}",
            f"early {{ deny {self.traffic()} from {self.end()} to any }}",
            f"deny any from @{self.pick('caught', 'known')} to {self.pick('self', 'any')}",
            f"hook prerouting priority mangle policy accept as h{self.random.randrange(9)} {{ {inner} }}",
        )


def failure(generated: Generated | None, options: CompileOptions) -> str:
    """Why the output is not proved once refused statements are out; empty when it is, or when nothing is left."""
    while generated is not None:
        try:
            _, found = compile_policy(SourceFile("random.fw", generated.text), NoFiles(), options)
        except InternalError as problem:
            return str(problem)
        errors = [d for d in found if d.severity is Severity.ERROR]
        before = generated
        for line in sorted({d.primary.span.line for d in errors if d.primary is not None}, reverse=True):
            generated = generated.without(line) if generated is not None else None
        if generated is before:
            return ""
    return ""


def options_for(seed: int, target: str) -> CompileOptions:
    ipset = target == "iptables" and seed % 3 == 0
    return CompileOptions((target,), today="2026-01-01", optimize=seed % 2, ipset=ipset, lint=False)


def _smallest(generated: Generated, options: CompileOptions) -> Generated:
    at = 0
    while at < len(generated.rules):
        fewer = Generated(generated.head, generated.rules[:at] + generated.rules[at + 1 :], generated.tail)
        if failure(fewer, options):
            generated, at = fewer, 0
        else:
            at += 1
    return generated


def main(first: int, last: int, target: str) -> int:
    ends: collections.Counter[str] = collections.Counter()
    for seed in range(first, last):
        made, options = Author(seed).policy(), options_for(seed, target)
        problem = failure(made, options)
        ends["not proved" if problem else "proved or refused"] += 1
        if problem:
            print(f"seed {seed} -O{options.optimize}: {problem}\n{_smallest(made, options).text}", flush=True)
    print(target, dict(ends))
    return 1 if ends["not proved"] else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
