"""`fwc test --kernel`: a policy's test packets, sent for real through its emitted rulesets."""

from __future__ import annotations

import pwd
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from fwc.api import TargetOutput
from fwc.diagnostics import Diagnostic, Label, Severity, error
from fwc.dialects.base import LowerOptions, OutputFile
from fwc.dialects.registry import load_dialect
from fwc.elaborate.elaborated import Elaborated, Expectation, TestPacket
from fwc.errors import UsageError
from fwc.net.addresses import format_address
from fwc.net.hooks import Family, Hook
from fwc.net.packet import Packet
from fwc.project.kernel.fates import Fate
from fwc.project.kernel.frames import Probe
from fwc.project.kernel.laboratory import Laboratory, LoadError, missing
from fwc.project.kernel.topology import topology
from fwc.source import Span

WORDS = {"accept": "allow", "drop": "deny", "reject": "reject", "noroute": "deny", "replied": "reject"}
FILE_KINDS = {"nftables.conf": "nft", "ipset.conf": "ipset", "rules.v4": "iptables-nft", "rules.v6": "ip6tables-nft"}
LOAD_ORDER = ("ipset.conf", "nftables.conf", "rules.v4", "rules.v6")


def run_on_kernel(elaborated: Elaborated, output: TargetOutput | None) -> list[Diagnostic]:
    """Load the output in a throw-away network namespace and send every test packet. Raises UsageError where that cannot be
    done (no root, no Linux). Packets that cannot be sent as stated (a time, a user that does not exist) are notes."""
    reason = missing()
    if reason:
        raise UsageError(f"--kernel {reason}")
    files = output.files if output is not None else _lowered(elaborated)
    diagnostics: list[Diagnostic] = []
    sendable: list[TestPacket] = []
    for case in elaborated.tests:
        for test in case.packets:
            obstacle = _obstacle(test)
            if obstacle:
                diagnostics.append(_note(obstacle, test.span))
            else:
                sendable.append(test)
    for group in _groups(sendable):
        diagnostics.extend(_run_group(elaborated, files, group))
    return diagnostics


def _lowered(elaborated: Elaborated) -> tuple[OutputFile, ...]:
    target = elaborated.ruleset.settings.target or "nftables"
    if target == "pf":
        raise UsageError("--kernel runs Linux's kernel; give --target nftables or --target iptables")
    dialect = load_dialect(target)
    tree, found = dialect.lower(elaborated.ruleset, LowerOptions())
    if tree is None:
        raise UsageError(f"the policy does not compile for {target}: {found[0].message if found else 'unknown reason'}")
    return tuple(dialect.print(tree))


def _run_group(elaborated: Elaborated, files: Iterable[OutputFile], group: list[TestPacket]) -> Iterator[Diagnostic]:
    machine = topology(elaborated.ruleset, group)
    with Laboratory(machine.interfaces, machine.routes) as laboratory:
        try:
            _load(laboratory, tuple(files))
        except LoadError as problem:
            yield error("FW532", f"kernel: {problem}", group[0].span, name="kernel-refused")
            return
        fates = laboratory.send([probe(test) for test in group], detail=True)
    for test, fate in zip(group, fates, strict=True):
        differences = list(compare(test.expect, test.packet, fate))
        if differences:
            yield error("FW531", f"test packet on the kernel: {'; '.join(differences)}", test.span, name="test-failed")


def _load(laboratory: Laboratory, files: tuple[OutputFile, ...]) -> None:
    """Load as a user would: by the script where the output has one, otherwise each file by its tool."""
    script = next((file for file in files if file.executable), None)
    if script is None:
        by_name = {file.name: file.text for file in files}
        laboratory.load(*((FILE_KINDS[n], by_name[n]) for n in LOAD_ORDER if n in by_name))
        return
    with tempfile.TemporaryDirectory(prefix="fwc-") as directory:
        for file in files:
            (Path(directory) / file.name).write_text(file.text)
        laboratory.run_script(Path(directory) / script.name)


def _groups(tests: list[TestPacket]) -> list[list[TestPacket]]:
    """Packets to one destination that leave by different interfaces need different routing tables."""
    groups: list[tuple[list[TestPacket], dict[tuple[Family, int], str]]] = []
    for test in tests:
        key = (test.packet.family, test.packet.daddr)
        found = next((g for g in groups if g[1].get(key, test.packet.oif) == test.packet.oif), None)
        if found is None:
            found = ([], {})
            groups.append(found)
        found[0].append(test)
        found[1][key] = test.packet.oif
    return [members for members, _ in groups]


def _obstacle(test: TestPacket) -> str:
    packet = test.packet
    if packet.second is not None:
        return "the kernel's clock cannot be set for one packet"
    if packet.state not in ("new", "untracked"):
        return f"a packet in state {packet.state} needs earlier packets"
    if packet.mark and test.hook is not Hook.OUTPUT:
        return "a received packet cannot bring a mark"
    if packet.user and _uid(packet.user) is None:
        return f"this machine has no user {packet.user}"
    return ""


def _uid(user: str) -> int | None:
    if user.isdigit():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def probe(test: TestPacket) -> Probe:
    """The frame of a test packet."""
    packet = test.packet
    return Probe(
        None if test.hook is Hook.OUTPUT else packet.iif,
        packet.family,
        packet.saddr,
        packet.daddr,
        packet.protocol,
        packet.sport,
        packet.dport,
        packet.flags,
        packet.icmp if packet.protocol in (1, 58) else None,
        ttl=packet.ttl,
        tos=packet.dscp << 2,
        smac=packet.smac,
        uid=_uid(packet.user) if packet.user else None,
        mark=packet.mark,
    )


def compare(expect: Expectation, packet: Packet, fate: Fate) -> Iterator[str]:
    """Sentences about every way in which the kernel did not do what was expected."""
    verdict = WORDS[fate.verdict]
    if verdict != expect.verdict:
        detail = fate.reject or fate.stage or fate.path
        yield f"expected {expect.verdict}, got {verdict}" + (f" ({detail})" if detail else "")
        return
    if fate.raw is None:
        return
    seen = fate.packet
    wanted = (("snat", expect.snat, seen.saddr, seen.sport), ("dnat", expect.dnat, seen.daddr, seen.dport))
    for word, goal, address, port in wanted:
        if goal is not None and (goal[0] != address or goal[1] not in (None, port)):
            want = format_address(packet.family, goal[0]) + (f" port {goal[1]}" if goal[1] is not None else "")
            have = format_address(packet.family, address) + (f" port {port}" if goal[1] is not None else "")
            yield f"expected {word} {want}, the packet has {have}"


def _note(message: str, span: Span) -> Diagnostic:
    return Diagnostic("FW533", Severity.INFO, f"not sent to the kernel: {message}", Label(span), name="test-not-sent")
