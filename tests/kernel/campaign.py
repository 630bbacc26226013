"""Random policies judged by everyone: reference interpreter, simulator, interpreters of the output, and the kernel.

`python -m tests.kernel.campaign --policies 1000 --packets 100` runs the whole campaign as root and prints the figures;
`--seed N --policies 1` repeats one policy, `--show` prints it with its outputs. `--long` draws policies of up to 300 overlapping
rules, at which the optimiser acts, and proves both its output and the plain list equal to the policy.
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.properties.long_policies import aimed_packets, long_policy
from tests.properties.memory_files import NoFiles
from tests.properties.policies import INTERFACES, Generated, packets, policy
from tests.reference.iptables_oracle import IptablesRules
from tests.reference.nft_oracle import NftRules
from tests.reference.packet import Packet
from tests.reference.policy_oracle import Policy

from fwc.api import CompileOptions, compile_policy, load_policy
from fwc.diagnostics import Diagnostic, Severity
from fwc.elaborate.program import ElaborateOptions
from fwc.ir.model import Ruleset
from fwc.net.hooks import Family, Hook
from fwc.net.packet import Packet as SimulatedPacket
from fwc.project.kernel.frames import Probe
from fwc.project.kernel.laboratory import Interface, Laboratory, LoadError
from fwc.sim.netfilter import Simulator
from fwc.source import SourceFile

Verdict = tuple[str, str]
"""accept, drop or reject, and the answer that a rejected sender gets."""

OPTIONS = CompileOptions(targets=("nftables", "iptables"), verify=False, lint=False)
PROVED = CompileOptions(targets=("nftables", "iptables"), lint=False)
PLAIN = CompileOptions(targets=("nftables", "iptables"), optimize=0, lint=False)


@dataclass(frozen=True)
class Kind:
    """Which policies are drawn, which packets are sent through them, and what each is compiled with; the outputs of the first
    options are judged."""

    policy: Callable[[int], Generated]
    packets: Callable[[str, int, int], list[Packet]]
    options: tuple[CompileOptions, ...]


SHORT = Kind(policy, packets, (OPTIONS,))
LONG = Kind(long_policy, aimed_packets, (PROVED, PLAIN))


@dataclass
class Compiled:
    """A policy that compiles, with its outputs."""

    seed: int
    text: str
    rulesets: tuple[Ruleset, ...]
    nft: str
    v4: str
    v6: str
    ipset: str
    dropped: int


@dataclass
class Difference:
    seed: int
    witness: str
    packet: Packet
    expected: Verdict
    got: Verdict
    rule: int | None


@dataclass
class Figures:
    policies: int = 0
    refused: int = 0
    statements_dropped: int = 0
    packets: int = 0
    verdicts: int = 0
    by_witness: collections.Counter[str] = field(default_factory=collections.Counter)
    by_kind: collections.Counter[str] = field(default_factory=collections.Counter)
    refusals: collections.Counter[str] = field(default_factory=collections.Counter)
    acted: collections.Counter[str] = field(default_factory=collections.Counter)
    """Policies in whose nftables output the optimiser made something of a kind."""
    differences: list[Difference] = field(default_factory=list)


def compiled(seed: int, refusals: collections.Counter[str] | None = None, kind: Kind = SHORT) -> Compiled | None:
    """The policy of a seed without the statements that fwc refuses (a rule that can match nothing, for instance)."""
    generated: Generated | None = kind.policy(seed)
    dropped = 0
    while generated is not None:
        source = SourceFile(f"random-{seed}.fw", generated.text)
        outputs, diagnostics = compile_policy(source, NoFiles(), kind.options[0])
        errors = [d for d in diagnostics if d.severity is Severity.ERROR]
        if not errors:
            for options in kind.options[1:]:
                compile_policy(source, NoFiles(), options)  # raises where its proof fails
            files = {file.name: file.text for output in outputs for file in output.files}
            return Compiled(
                seed,
                generated.text,
                tuple(_rulesets(source)),
                files["nftables.conf"],
                files["rules.v4"],
                files["rules.v6"],
                files.get("ipset.conf", ""),
                dropped,
            )
        for each in errors[:1] if refusals is not None else ():
            refusals[f"{each.code} {each.message}"] += 1
        generated = _without(generated, errors)
        dropped += 1
    return None


def _rulesets(source: SourceFile) -> Iterator[Ruleset]:
    for target in ("nftables", "iptables"):
        elaborated, _ = load_policy(source, NoFiles(), ElaborateOptions(target))
        assert elaborated is not None
        yield elaborated.ruleset


def _without(generated: Generated, errors: Sequence[Diagnostic]) -> Generated | None:
    lines = {d.primary.span.line for d in errors if d.primary is not None}
    for line in sorted(lines, reverse=True):
        smaller = generated.without(line)
        if smaller is None:
            return None
        generated = smaller
    return generated if lines else None


def expected(reference: Policy, packet: Packet) -> tuple[Verdict, int | None]:
    verdict = reference.decide(packet)
    return (verdict.kind, verdict.answer), verdict.rule


def simulated(simulator: Simulator, packet: Packet) -> Verdict:
    """The simulator's verdict, told the routing that the reference was told."""
    moving = SimulatedPacket(
        Family(packet.version),
        packet.protocol,
        packet.source,
        packet.destination,
        packet.sport,
        packet.dport,
        packet.icmp[0] << 8 | packet.icmp[1],
        packet.flags,
        packet.iif,
        packet.oif,
        state=packet.state,
        ttl=packet.ttl,
    )
    trace = simulator.simulate(moving, Hook(packet.hook), trace=False)
    if trace.verdict == "reject" and _is_multicast(packet):
        return "drop", ""
    return trace.verdict, trace.reject.value if trace.reject else ""


def _is_multicast(packet: Packet) -> bool:
    return packet.destination >= (0xE0000000 if packet.version == 4 else 0xFF << 120)


def probe(packet: Packet) -> Probe:
    return Probe(
        packet.iif or None,
        Family(packet.version),
        packet.source,
        packet.destination,
        packet.protocol,
        packet.sport,
        packet.dport,
        packet.flags,
        packet.icmp[0] << 8 | packet.icmp[1] if packet.protocol in (1, 58) else None,
        ttl=packet.ttl,
    )


def judged(lab: Laboratory, sent: Sequence[Packet]) -> list[Verdict]:
    """The kernel's verdicts. Packets of one connection go in different waves, with its table emptied in between: the refusal
    of an own packet travels over the loopback and confirms the connection of the packet it answers."""
    verdicts: dict[int, Verdict] = {}
    waiting = list(range(len(sent)))
    while waiting:
        wave: dict[tuple[object, ...], int] = {}
        for index in waiting:
            wave.setdefault(_connection(index, sent[index]), index)
        lab.flush_connections()
        fates = lab.send([probe(sent[index]) for index in wave.values()])
        verdicts.update((i, (f.verdict, f.reject)) for i, f in zip(wave.values(), fates, strict=True))
        waiting = [index for index in waiting if index not in verdicts]
    return [verdicts[index] for index in range(len(sent))]


def _connection(index: int, packet: Packet) -> tuple[object, ...]:
    """What two packets of one connection have in common, in either direction; echo requests have an id each."""
    if packet.protocol in (1, 58):
        return (index,)
    ends = frozenset(((packet.source, packet.sport), (packet.destination, packet.dport)))
    return (packet.version, packet.protocol, ends)


def laboratory() -> Laboratory:
    return Laboratory(
        [Interface(name, addresses) for name, addresses in INTERFACES.items()],
        [("default", "eth0"), ("default6", "eth0")],
    )


def witnesses(case: Compiled, sent: Sequence[Packet], lab: Laboratory | None, legacy: bool) -> dict[str, list[Verdict]]:
    """Everyone's verdicts on the packets of a policy."""
    out: dict[str, list[Verdict]] = {}
    for name, ruleset in zip(("simulator", "simulator-iptables"), case.rulesets, strict=True):
        simulator = Simulator(ruleset)
        out[name] = [simulated(simulator, packet) for packet in sent]
    nft = NftRules(case.nft)
    out["nft-text"] = [nft.decide(packet) for packet in sent]
    v4, v6 = IptablesRules(case.v4, case.ipset), IptablesRules(case.v6, case.ipset)
    out["iptables-text"] = [(v4 if packet.version == 4 else v6).decide(packet) for packet in sent]
    if lab is not None:
        variant = "legacy" if legacy else "nft"
        sets = [("ipset", case.ipset)] if case.ipset else []
        out["kernel-nft"] = loaded(lab, sent, ("nft", case.nft))
        out[f"kernel-iptables-{variant}"] = loaded(
            lab, sent, *sets, (f"iptables-{variant}", case.v4), (f"ip6tables-{variant}", case.v6)
        )
    return out


def loaded(lab: Laboratory, sent: Sequence[Packet], *rulesets: tuple[str, str]) -> list[Verdict]:
    """The kernel's verdicts under these rulesets; a refused load is wrong for every packet."""
    try:
        lab.load(*rulesets)
    except LoadError as problem:
        return [("not loaded", str(problem))] * len(sent)
    return judged(lab, sent)


ACTS = {
    "sets": r"^\tset \w+ \{$",
    "verdict maps": r" vmap @\w*verdicts",
    "pairs of zones": r"iifname \. oifname vmap @",
    "hash beside ranges": r'comment "exact values of ',
}


def run(seeds: Sequence[int], count: int, lab: Laboratory | None, figures: Figures, kind: Kind = SHORT) -> Figures:
    """Compare everyone with the reference interpreter on `count` packets of each policy."""
    for seed in seeds:
        case = compiled(seed, figures.refusals, kind)
        if case is None:
            figures.refused += 1
            continue
        figures.policies += 1
        figures.statements_dropped += case.dropped
        reference = Policy(case.text)
        figures.acted.update(what for what, text in ACTS.items() if re.search(text, case.nft, re.M))
        sent = kind.packets(case.text, seed, count)
        wanted = [expected(reference, packet) for packet in sent]
        figures.packets += len(sent)
        figures.by_kind.update(f"{p.hook} {v[0]}" for p, (v, _) in zip(sent, wanted, strict=True))
        for name, verdicts in witnesses(case, sent, lab, legacy=seed % 4 == 3).items():
            figures.by_witness[name] += len(verdicts)
            for packet, (want, rule), got in zip(sent, wanted, verdicts, strict=True):
                if got != want:
                    figures.differences.append(Difference(seed, name, packet, want, got, rule))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policies", type=int, default=100)
    parser.add_argument("--packets", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-kernel", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--long", action="store_true", help="policies of up to 300 overlapping rules")
    arguments = parser.parse_args()
    kind = LONG if arguments.long else SHORT
    started = time.monotonic()
    figures = Figures()
    seeds = range(arguments.seed, arguments.seed + arguments.policies)
    lab = None if arguments.no_kernel else laboratory()
    try:
        run(seeds, arguments.packets, lab, figures, kind)
    finally:
        if lab is not None:
            lab.close()
    if arguments.show:
        case = compiled(arguments.seed, kind=kind)
        if case is not None:
            print(case.text, case.nft, case.v4, case.v6, sep="\n--------\n")
    shown: set[tuple[int, str]] = set()
    for difference in figures.differences:
        if (difference.seed, difference.witness) not in shown:
            shown.add((difference.seed, difference.witness))
            print(difference)
    for text, times in figures.refusals.most_common(12):
        print(f"refused {times}x: {text}")
    for name, number in sorted(figures.by_witness.items()):
        wrong = sum(d.witness == name for d in figures.differences)
        print(f"{name}: {number} verdicts, {wrong} differences from the reference interpreter")
    print(f"kinds: {dict(figures.by_kind)}")
    print(f"policies with: {dict(figures.acted)}")
    print(
        f"{figures.policies} policies, {figures.packets} packets, {len(figures.differences)} differences "
        f"({figures.statements_dropped} statements taken out, {figures.refused} policies refused, "
        f"{time.monotonic() - started:.0f} s)"
    )
    return 1 if figures.differences or not figures.policies else 0


if __name__ == "__main__":
    sys.exit(main())
