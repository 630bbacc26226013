"""Every output of a random policy is proved equal to the policy, as plain list and as lookups.

`compile` raises InternalError when its proof fails, so that it returns is what is tested. Statements that fwc refuses (a rule
that nothing can match, a feature that the target lacks) are taken out.

`python -m tests.properties.test_compile_is_proved FIRST LAST` runs more seeds and prints the figures.
"""

from __future__ import annotations

import collections
import random
import sys

import pytest
from tests.properties.memory_files import NoFiles
from tests.properties.policies import Generated, policy

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import Severity
from fwc.errors import InternalError
from fwc.source import SourceFile

ENDS = (
    "wan",
    "wan",
    "nas",
    "old",
    "far",
    "staff",
    "any",
    "10.0.0.0/25",
    "10.0.0.64/26",
    "2001:db8:1::/64",
    "203.0.113.0/24",
)


class Extras:
    """Statements with state, translations and changes of packets."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"extras {seed}")

    def port(self) -> str:
        return str(self.random.choice((22, 53, 80, 443, 8000)))

    def end(self) -> str:
        return self.random.choice(ENDS)

    def statement(self) -> str:
        pick = self.random.choice
        transport = f"{pick(('tcp', 'udp'))} {self.port()}"
        to = pick(("self", "self", self.end()))
        return pick(
            (
                lambda: f"allow {transport} from {self.end()} to {to} limit {pick((3, 10))}/{pick(('second', 'minute'))} "
                f"{pick(('', 'burst 7 '))}{pick(('', 'per source', 'per source mask 24 64', 'per destination'))} "
                f"{pick(('', 'else reject', 'else deny'))}",
                lambda: f"allow tcp {self.port()} from {self.end()} to {to} max {pick((2, 20))} connections "
                f"{pick(('', 'per source'))}",
                lambda: f"allow tcp {self.port()} from {self.end()} to self limit 5/minute per source "
                "else deny and add source to @caught timeout 1h",
                lambda: f"{pick(('deny', 'allow', 'reject'))} any from @{pick(('caught', 'known'))} to {to}",
                lambda: f"{pick(('deny', 'allow', 'reject'))} {transport} from {self.end()} to {to} log \"x \" rate 5/minute",
                lambda: f"log {transport} from {self.end()} to {to}",
                lambda: f"masquerade from {self.end()} to wan",
                lambda: f"snat from {self.end()} to wan -> 203.0.113.77",
                lambda: f"forward tcp {self.port()} from wan to 203.0.113.5 -> 10.0.0.20:{self.port()}",
                lambda: f"redirect tcp {self.port()} from {self.end()} to any -> self:3128",
                lambda: f"no-nat from {self.end()} to 10.200.0.0/16",
                lambda: f"notrack {transport} from {self.end()} to {to}",
                lambda: f"mark {pick(('0x10', '0x10/0xff'))} for any from {self.end()} to any",
                lambda: f"rewrite dscp to ef for {transport} from {self.end()} to wan",
                lambda: f"clamp mss to {pick(('1300', 'pmtu'))} for tcp from any to wan",
                lambda: f"allow {transport} from {self.end()} to {to} stateless",
                lambda: f"{pick(('deny', 'allow'))} tcp {self.port()} from {self.end()} to {to} if "
                + pick(("flags syn of syn, ack", "not flags syn of fin, syn, rst, ack", "length > 500", "mark 0x10", "ttl 255",
                        "time 22:00-06:00", "state new", "fragment", "sport 1024-65535", "chance 10%")),
                lambda: f"early {{ deny any from {self.end()} to {to} }}",
                lambda: f"jump sanity for tcp from {self.end()} to {to}",
            )
        )()  # fmt: skip

    def for_pf(self) -> str:
        """Without what pf cannot be proved for yet: rules that only stop tracking, stateless pairs, fragments with ports. Such a
        compile ends in an internal error and writes nothing."""
        while True:
            found = self.statement()
            if not found.startswith("notrack") and not found.endswith(("if fragment", "stateless")):
                return found

    def policy(self, base: Generated, target: str = "") -> Generated:
        head = [
            *base.head,
            "set caught of addresses timeout 1h",
            "set known of addresses dynamic = { 192.0.2.1, 2001:db8:77::9 }",
            "chain sanity { deny tcp from any to any if flags syn, fin of syn, fin; return }",
        ]
        rules = list(base.rules)
        for _ in range(self.random.randint(1, 6)):
            rules.insert(self.random.randint(0, len(rules)), self.for_pf() if target == "pf" else self.statement())
        return Generated(head, rules, base.tail)


def long_policy(seed: int) -> Generated:
    """20 to 200 rules over a few networks, hosts and ports, so that they overlap, conflict and become lookups."""
    rng = random.Random(f"long {seed}")
    head = [
        "zone wan { iface eth0 }",
        "zone lan { iface eth1; net 10.0.0.0/8, 2001:db8::/32 }",
        "zone dmz { iface eth2; net 172.16.0.0/12, fd00::/8 }",
    ]
    few = rng.choice((0.0, 0.05, 0.3))

    def address(first: int) -> str:
        if rng.random() < 0.15:
            return f"2001:db8:{rng.randrange(4)}::{rng.choice(('/48', '1', '2', '/64'))}"
        return rng.choice(
            (
                f"10.0.0.{rng.randrange(24)}",
                f"10.0.{rng.randrange(3)}.{8 * rng.randrange(3)}/29",
                "10.0.0.0/16",
                f"10.{first}.0.0/16",
            )
        )

    rules = []
    for _ in range(rng.randint(20, 200)):
        verdict = rng.choice(("deny", "reject")) if rng.random() < few else "allow"
        port = rng.choice((22, 53, 80, 443))
        traffic = (
            f"{rng.choice(('tcp', 'tcp', 'udp'))} {rng.choice((str(port), f'{port}-{port + rng.choice((1, 5, 400))}'))}"
        )
        log = ' log "l "' if rng.random() < 0.2 else ""
        to = rng.choice(("self", "self", "wan", "dmz"))
        rules.append(f"{verdict} {traffic} from {address(rng.randrange(4))} in lan to {to}{log}")
    return Generated(head, rules, ["default input deny", "default forward deny"])


def outcome(generated: Generated | None, target: str, level: int) -> str:
    """How the compile ends once refused statements are out: "proved", or "refused" when a declaration is at fault."""
    while generated is not None:
        source = SourceFile("random.fw", generated.text)
        options = CompileOptions(targets=(target,), optimize=level, lint=False)
        _, found = compile_policy(source, NoFiles(), options)
        errors = [d for d in found if d.severity is Severity.ERROR]
        if not errors:
            return "proved"
        lines = sorted({d.primary.span.line for d in errors if d.primary is not None}, reverse=True)
        before = generated
        for line in lines:
            generated = generated.without(line) if generated is not None else None
        if generated is before:
            return "refused"
    return "refused"


RUNS = (("nftables", 0), ("nftables", 1), ("iptables", 0), ("iptables", 1), ("pf", 0))


@pytest.mark.parametrize(("target", "level"), RUNS)
def test_policies_with_everything(target: str, level: int) -> None:
    ends = collections.Counter(outcome(Extras(seed).policy(policy(seed), target), target, level) for seed in range(20))
    assert ends["proved"] >= 16, ends


@pytest.mark.parametrize(("target", "level"), RUNS[:4])
def test_long_policies(target: str, level: int) -> None:
    ends = collections.Counter(outcome(long_policy(seed), target, level) for seed in range(6))
    assert ends["proved"] == 6, ends


def _campaign(first: int, last: int) -> None:
    ends: collections.Counter[tuple[str, int, str, str]] = collections.Counter()
    for seed in range(first, last):
        for kind in ("everything", "long"):
            for target, level in RUNS:
                if kind == "long" and target == "pf":
                    continue
                made = long_policy(seed) if kind == "long" else Extras(seed).policy(policy(seed), target)
                try:
                    end = outcome(made, target, level)
                except InternalError as problem:
                    end = "NOT PROVED"
                    print(f"seed {seed} {kind} {target} -O{level}: {problem}", flush=True)
                ends[target, level, kind, end] += 1
    for key, count in sorted(ends.items()):
        print(*key, count)


if __name__ == "__main__":
    _campaign(int(sys.argv[1]), int(sys.argv[2]))
