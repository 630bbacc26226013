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
_RULE = re.compile(r"^-A .*$", re.M)
_WORDS = re.compile(r" -([sdip]|-dports?|-sport) (\S+)")
_COPIED = re.compile(r"-j TEE --gateway ([0-9a-f]*:[0-9a-f:]*)")
_ICMP = re.compile(r"--icmp(?:v6)?-type (\d+)(?:/(\d+))?")


@dataclasses.dataclass
class Figures:
    dumps: int = 0
    loaded: int = 0
    converted: int = 0
    random: int = 0
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
        self._aims = [aim for line in dict.fromkeys(_RULE.findall(text)) if (aim := self._aim(line))]

    def _aim(self, line: str) -> dict[str, int | str]:
        """What the words of one rule ask of a packet, as far as a probe can have it."""
        aim: dict[str, int | str] = {}
        for option, word in _WORDS.findall(f" {line}"):
            if option in ("s", "d"):
                try:
                    network = ipaddress.ip_network(word, strict=False)
                except ValueError:
                    continue
                if network.version == self._version and not network.is_multicast:
                    aim["saddr" if option == "s" else "daddr"] = int(network[-1])
            elif option == "i" and word in self.interfaces:
                aim["iface"] = word
            elif option == "p" and word in ("tcp", "udp"):
                aim["protocol"] = TCP if word == "tcp" else UDP
            elif option in ("-dport", "-sport", "-dports") and (port := word.split(",")[0].split(":")[0]).isdigit():
                aim["sport" if option == "-sport" else "dport"] = int(port)
        return aim

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
        """At random; half of the time what one rule asks for is put in."""
        plain = self._plain()
        if not self._aims or self._random.random() < 0.5:
            return plain
        aim = dict(self._random.choice(self._aims))
        if plain.iface is None:
            aim = {k: v for k, v in aim.items() if k not in ("iface", "saddr")}
        elif "saddr" in aim and int(aim["saddr"]) >> (24 if self._version == 4 else 120) in (0, 127, 255):
            del aim["saddr"]
        if aim.get("protocol", plain.protocol) in (TCP, UDP) and plain.icmp is not None:
            aim = {k: v for k, v in aim.items() if k in ("saddr", "daddr", "iface")}
        return dataclasses.replace(plain, **aim)  # type: ignore[arg-type]

    def _plain(self) -> Probe:
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


def keep_copies_away(lab: Laboratory, text: str) -> None:
    """No route to the IPv6 gateways of TEE: the copies, which are not compared, would make more copies until events are lost."""
    gateways = sorted(set(_COPIED.findall(text)))
    if gateways:
        lab.firewall.must(["ip", "-6", "-batch", "-"], "".join(f"route add blackhole {g}\n" for g in gateways))


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


Form = tuple[str, str, str]
"""Name, kind for the laboratory, text."""


def judge(text: str, version: int, count: int, seed: int, figures: Figures, name: str = "dump") -> None:
    """Load the dump and what it becomes, send all of them the same packets, and write down what differs."""
    figures.dumps += 1
    drawn = Drawn(text, version, seed)
    try:
        with laboratory(drawn.interfaces) as lab:
            try:
                lab.load((RESTORE[version], text))
            except LoadError:
                figures.skipped["does not load"] += 1
                return
            figures.loaded += 1
            converted = forms(text, version, name)
            if isinstance(converted, str):
                figures.refused[converted[:110]] += 1
                return
            figures.converted += 1
            keep_copies_away(lab, text)
            new = (("nftables", "nft", converted[0]), ("iptables again", RESTORE[version], converted[1]))
            compare_fates(lab, ("the original", RESTORE[version], text), new, probes(drawn, count), figures, name)
            figures.judged += 1
    except (LoadError, LaboratoryError) as problem:
        figures.differences.append(f"{name}: {problem}"[:300])


def compare_fates(
    lab: Laboratory, original: Form, new: Sequence[Form], sent: list[Probe], figures: Figures, name: str
) -> None:
    wanted, again = (fates(lab, *original[1:], sent) for _ in range(2))
    got = [fates(lab, kind, text, sent) for _, kind, text in new]
    chancy = "--mode random" in original[2]
    uncertain: list[Probe] = []
    for at, (probe, want, same) in enumerate(zip(sent, wanted, again, strict=True)):
        figures.packets += 1
        figures.fates[want[0]] += 1
        if want != same or (chancy and (want[0] != "accept" or want[4] != str(probe.daddr))):
            uncertain.append(probe)
            continue
        for (form, _, _), fate in zip(new, got, strict=True):
            if fate[at] != want:
                figures.differences.append(f"{name}: {form}: {probe}: {want} became {fate[at]}")
    figures.random += len(uncertain)
    for probe in uncertain:
        possible = _outcomes(lab, original, probe, TRIES)
        for form in new:
            found = _outcomes(lab, form, probe, TRIES)
            if found != possible and _outcomes(lab, form, probe, 10 * TRIES) != _outcomes(
                lab, original, probe, 10 * TRIES
            ):
                figures.differences.append(f"{name}: {form[0]}: {probe}: one of {possible} became one of {found}")


TRIES = 60
"""So often a packet is sent whose fate is left to chance; one outcome in four is missed once in 30 million times."""


def _outcomes(lab: Laboratory, form: Form, probe: Probe, tries: int) -> set[tuple[str, ...]]:
    """All fates that one packet can have."""
    return set(fates(lab, *form[1:], [probe] * tries))


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
        f"{figures.dumps} dumps, {figures.loaded} load, {figures.converted} of them converted both ways, {figures.judged} "
        f"judged with {figures.packets} packets {dict(figures.fates)}, {figures.random} of them left to chance: "
        f"{len(figures.differences)} differences ({time.monotonic() - started:.0f} s)"
    )
    return 1 if figures.differences or not figures.dumps else 0


if __name__ == "__main__":
    sys.exit(main())
