"""Dumps converted to nftables and back to iptables, judged by the kernel: every packet must fare as under the original.

`python -m tests.kernel.convert_campaign` runs all loadable dumps of ../shared/corpora as root; `--packets N`, `--only TEXT`.
"""

from __future__ import annotations

import argparse
import collections
import csv
import dataclasses
import ipaddress
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fwc.api import ReadRequest, convert
from fwc.diagnostics import Severity
from fwc.net.hooks import Family
from fwc.project.kernel.frames import ACK, FIN, RST, SYN, TCP, UDP, Probe
from fwc.project.kernel.laboratory import Interface, Laboratory, LaboratoryError, LoadError
from fwc.source import SourceFile

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
OWN = {4: "198.51.100.1", 6: "2001:db8:100::1"}
RESTORE = {4: "iptables-nft", 6: "ip6tables-nft"}

_ADDRESS = re.compile(r"(?<![\w.:])(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:]+)(?:/\d+)?(?![\w.:])")
_PORT = re.compile(r"(?:--[sd]ports?|--to-ports?) (?:! )?([\d:,]+)")
_IFACE = re.compile(r"(?<!\S)-[io] (\S+)")
_ICMP = re.compile(r"--icmp(?:v6)?-type (\d+)(?:/(\d+))?")


@dataclasses.dataclass
class Figures:
    dumps: int = 0
    converted: int = 0
    judged: int = 0
    packets: int = 0
    refused: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    skipped: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    differences: list[str] = dataclasses.field(default_factory=list)
    fates: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)


def forms(text: str, version: int, name: str = "dump") -> tuple[str, str] | str:
    """The dump as nftables text and that as iptables text again, or why not."""
    request = ReadRequest("iptables-save", family=f"v{version}")
    output, found = convert(SourceFile(name, text), request, "nftables")
    if output is None:
        return next(d.message for d in found if d.severity is Severity.ERROR)
    nft = output.files[0].text
    back, found = convert(SourceFile("nftables.conf", nft), ReadRequest("nft"), "iptables")
    if back is None:
        return "back: " + next(d.message for d in found if d.severity is Severity.ERROR)
    return nft, "".join(f.text for f in back.files if f.name == f"rules.v{version}")


class Drawn:
    """Random packets from a dump's own addresses, ports and interfaces, and their neighbours."""

    def __init__(self, text: str, version: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._version = version
        networks = []
        for word in _ADDRESS.findall(text):
            try:
                network = ipaddress.ip_network(word, strict=False)
            except ValueError:
                continue
            if network.version == version:
                networks.append(network)
        self._networks = networks or [ipaddress.ip_network("203.0.113.0/24" if version == 4 else "2001:db8:77::/64")]
        ports = {int(p) for found in _PORT.findall(text) for p in re.findall(r"\d+", found)}
        self._ports = sorted({q for p in ports for q in (p - 1, p, p + 1) if 0 < q < 65536} | {22, 53, 80, 4444})
        self._types = sorted(
            {(int(a), int(b or 0)) for a, b in _ICMP.findall(text)} | {(8, 0) if version == 4 else (128, 0)}
        )
        words = {w.replace("+", "0").strip('"') for w in _IFACE.findall(text)} - {"lo", "orc0"}
        good = sorted(
            w for w in words if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}", w) and w not in ("all", "default")
        )
        self.interfaces = list(dict.fromkeys(["eth0", *good[:6], "other0"]))

    def address(self) -> int:
        network = self._random.choice(self._networks)
        size = network.num_addresses
        at = int(network.network_address) + self._random.choice(
            (0, 1, size - 1, size, -1, self._random.randrange(size))
        )
        if self._random.random() < 0.15 or not 0 < at < 1 << network.max_prefixlen:
            at = int(ipaddress.ip_address("203.0.113.9" if self._version == 4 else "2001:db8:77::9"))
        return at

    def probe(self) -> Probe:
        draw = self._random
        iface = draw.choice([None, *self.interfaces])
        own = int(ipaddress.ip_address(OWN[self._version]))
        source = own if iface is None else self.address()
        if ipaddress.ip_address(source).is_multicast or source >> (24 if self._version == 4 else 120) in (0, 127, 255):
            source = int(ipaddress.ip_address("203.0.113.9" if self._version == 4 else "2001:db8:77::9"))
        target = own if iface is not None and draw.random() < 0.4 else self.address()
        kind = draw.choice((TCP, TCP, UDP, 1 if self._version == 4 else 58))
        icmp = draw.choice(self._types)
        return Probe(
            iface,
            Family.V4 if self._version == 4 else Family.V6,
            source,
            target,
            kind,
            draw.choice([draw.randrange(1024, 65536), draw.choice(self._ports)]),
            draw.choice([draw.choice(self._ports), draw.choice(self._ports), draw.randrange(1, 65536)]),
            draw.choice((SYN, SYN, SYN, ACK, SYN | ACK, FIN | ACK, RST, 0)),
            icmp[0] << 8 | icmp[1] if kind not in (TCP, UDP) else None,
        )


def probes(drawn: Drawn, count: int) -> list[Probe]:
    """Packets of different connections, so that none is the reply to another."""
    out: dict[tuple[object, ...], Probe] = {}
    for _ in range(count * 8):
        probe = drawn.probe()
        if probe.saddr == probe.daddr:
            continue
        ends = frozenset(((probe.saddr, probe.sport), (probe.daddr, probe.dport)))
        out.setdefault((probe.protocol, ends) if probe.protocol in (TCP, UDP) else (len(out),), probe)
        if len(out) == count:
            break
    return list(out.values())


def laboratory(interfaces: Sequence[str]) -> Laboratory:
    own = (f"{OWN[4]}/24", f"{OWN[6]}/64")
    built = [Interface(n, own if n == "eth0" else (f"172.31.{i}.1/24",)) for i, n in enumerate(interfaces)]
    routes = [("default", interfaces[-1]), ("default6", interfaces[-1])]
    return Laboratory(built, routes)


def fates(lab: Laboratory, kind: str, text: str, sent: Sequence[Probe]) -> list[tuple[str, ...]]:
    """Verdict, answer, way out and addresses after translation, one packet at a time for the limits' sake."""
    lab.load((kind, text))
    out = []
    for fate in lab.send(list(sent)):
        if fate.verdict != "accept":
            out.append((fate.verdict, fate.reject))
            continue
        seen = fate.packet
        out.append(
            (fate.verdict, fate.path, fate.oif, str(seen.saddr), str(seen.daddr), str(seen.dport), str(fate.mark))
        )
    return out


def judge(text: str, version: int, count: int, seed: int, figures: Figures, name: str = "dump") -> None:
    figures.dumps += 1
    converted = forms(text, version, name)
    if isinstance(converted, str):
        figures.refused[converted[:110]] += 1
        return
    figures.converted += 1
    drawn = Drawn(text, version, seed)
    sent = probes(drawn, count)
    try:
        with laboratory(drawn.interfaces) as lab:
            original = fates(lab, RESTORE[version], text, sent)
            again = fates(lab, RESTORE[version], text, sent)
            nft = fates(lab, "nft", converted[0], sent)
            back = fates(lab, RESTORE[version], converted[1], sent)
    except (LoadError, LaboratoryError) as problem:
        figures.skipped[f"{name}: {problem}"[:200]] += 1
        return
    figures.judged += 1
    for probe, want, same, first, second in zip(sent, original, again, nft, back, strict=True):
        if want != same or ("--mode random" in text and want[0] == "accept" and want[4] != str(probe.daddr)):
            figures.skipped["a packet that two runs of the original treat differently"] += 1
            continue
        figures.packets += 1
        figures.fates[want[0]] += 1
        for form, got in (("nftables", first), ("iptables again", second)):
            if got != want:
                figures.differences.append(f"{name}: {form}: {probe}: {want} became {got}")


def dumps() -> list[tuple[str, int, str]]:
    """Name, IP version and text of every loadable dump of the corpora; none where they are not there."""
    manifest = CORPORA / "MANIFEST.tsv"
    if not manifest.exists():
        return []
    with manifest.open() as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        (row["file"], 6 if row["family"] == "6" else 4, (CORPORA / row["file"]).read_text(errors="replace"))
        for row in rows
        if row["format"] == "iptables" and row["nft"] == "pass"
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=250)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    figures, started = Figures(), time.monotonic()
    for seed, (name, version, text) in enumerate(dumps()):
        if arguments.only in name:
            judge(text, version, arguments.packets, seed, figures, name)
    for difference in figures.differences[:40]:
        print(difference)
    for title, counter in (("refused", figures.refused), ("not judged", figures.skipped)):
        for reason, times in counter.most_common(40):
            print(f"{title} {times}x: {reason}")
    print(
        f"{figures.dumps} dumps, {figures.converted} converted both ways, {figures.judged} judged with {figures.packets} "
        f"packets {dict(figures.fates)}: {len(figures.differences)} differences ({time.monotonic() - started:.0f} s)"
    )
    return 1 if figures.differences or not figures.dumps else 0


if __name__ == "__main__":
    sys.exit(main())
