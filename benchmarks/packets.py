"""What a ruleset costs a packet: routers side by side in network namespaces, one without rules (root, Linux, gcc)."""

from __future__ import annotations

import os
import random
import resource
import shutil
import statistics
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

DESTINATION = 0x0AFF0002  # 10.255.0.2
FLOWS = 1024
_MAC = bytes.fromhex("020000000000") + bytes.fromhex("020000000001") + b"\x08\x00"
ENVIRONMENT = {
    **os.environ,
    "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
    "XTABLES_LOCKFILE": "/run/fwc-bench.lock",
}

Flow = tuple[int, int] | tuple[int, int, int]
"""Source address and destination port of a tcp packet, and its destination where that is not `DESTINATION`."""
Load = Sequence[tuple[Sequence[str], str]]
"""Commands and their standard input."""


def available() -> str:
    """Empty when packets can be measured, else what is missing."""
    missing = [tool for tool in ("ip", "nft", "gcc") if not shutil.which(tool, path=ENVIRONMENT["PATH"])]
    if os.geteuid() != 0:
        return "measuring packets wants root"
    return f"measuring packets wants {', '.join(missing)}" if missing else ""


@dataclass
class Router:
    """A namespace that forwards from eth0 to eth1, and its neighbour `world` that sends and receives."""

    name: str
    world: str

    def run(self, words: Sequence[str], text: str = "") -> None:
        command = ["ip", "netns", "exec", self.name, *words]
        done = subprocess.run(command, input=text, text=True, capture_output=True, env=ENVIRONMENT, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr[:500]}")

    def received(self) -> int:
        """Packets that arrived behind the router."""
        command = ["ip", "netns", "exec", self.world, "cat", "/proc/net/dev"]
        lines = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=True).stdout.splitlines()
        return next(int(line.split(":")[1].split()[1]) for line in lines if line.strip().startswith("p1:"))


@contextmanager
def router(load: Load) -> Iterator[Router]:
    """A router with a ruleset."""
    name = f"fwcbench{os.getpid()}{os.urandom(2).hex()}"
    made = Router(f"{name}r", f"{name}w")
    try:
        for each in (made.name, made.world):
            _ip("netns", "add", each)
        for number in (0, 1):
            _ip("-n", made.name, "link", "add", f"eth{number}", "address", f"02:00:00:00:0{number}:00", "type", "veth",
                "peer", "name", f"p{number}", "netns", made.world)  # fmt: skip
            _ip("-n", made.name, "link", "set", f"eth{number}", "arp", "off", "up")
            _ip("-n", made.world, "link", "set", f"p{number}", "arp", "off", "up")
        _ip("-n", made.name, "addr", "add", "192.0.2.1/24", "dev", "eth0")
        _ip("-n", made.name, "addr", "add", "10.255.0.1/16", "dev", "eth1")
        _ip("-n", made.name, "route", "add", "default", "dev", "eth0")
        settings = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0")
        made.run(["sysctl", "-q", "-w", *settings])
        made.run(["sysctl", "-q", "-e", "-w", "net.ipv6.conf.all.disable_ipv6=1"])  # it would send packets of its own
        for words, text in load:
            made.run(words, text)
        yield made
    finally:
        for each in (made.name, made.world):
            subprocess.run(["ip", "netns", "del", each], capture_output=True, env=ENVIRONMENT, check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, env=ENVIRONMENT)


ROUNDS = 10


class Bench:
    """The compiled sender and the router without rules that everything is compared with."""

    def __init__(self, directory: Path, repetitions: int = 60) -> None:
        self.repetitions = repetitions
        self.directory = directory
        self.sender = directory / "forward"
        source = Path(__file__).with_name("forward.c")
        subprocess.run(["gcc", "-O2", "-o", str(self.sender), str(source)], check=True)

    def measure(self, loads: Mapping[str, Load], flows: Sequence[Flow], base: Load = ()) -> dict[str, float]:
        """Nanoseconds for each packet of `flows` over a router with `base`, for every ruleset: the median of ROUNDS. In each all
        are loaded anew, since where a set lies in memory and how it is hashed is chance, and in another order: of two that are
        the same the first takes up to 80 ns more than the second. Raises RuntimeError when packets got lost."""
        frames = self.directory / "frames"
        frames.write_bytes(b"".join(_frame(flow, 40000 + number) for number, flow in enumerate(flows)))
        rounds = []
        for number in range(ROUNDS):
            names = list(loads)
            random.Random(number).shuffle(names)
            rounds.append(self._round({name: loads[name] for name in names}, frames, base))
        return {name: statistics.median(each[name] for each in rounds) for name in loads}

    def _round(self, loads: Mapping[str, Load], frames: Path, base: Load) -> dict[str, float]:
        """The same for rulesets that are loaded once, in bursts taken in turn."""
        with ExitStack() as stack:
            routers = [stack.enter_context(router(load)) for load in (base, *loads.values())]
            before = [each.received() for each in routers]
            command = [
                str(self.sender),
                str((os.cpu_count() or 1) - 1),
                str(max(1, self.repetitions // ROUNDS)),
                "2.0",
                "p0",
                str(frames),
            ]
            command += [f"/run/netns/{each.world}" for each in routers]
            lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
            sent = [int(word) for word in lines[-1].split()[1:]]
            got = [each.received() - start for each, start in zip(routers, before, strict=True)]
            if got != sent:
                raise RuntimeError(f"{sent} packets sent, {got} forwarded")
        rows = [tuple(map(float, line.split())) for line in lines[:-1]]
        low = [statistics.quantiles(column, n=4)[0] for column in zip(*rows, strict=True)]
        return {name: value - low[0] for name, value in zip(loads, low[1:], strict=True)}


def load_time(*loads: Load, times: int) -> list[float]:
    """Milliseconds of CPU for loading each ruleset into an empty namespace, the least of several turns."""
    best = [float("inf")] * len(loads)
    for _ in range(max(3, times)):
        for at, load in enumerate(loads):
            spent = 0.0
            for words, text in load:
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                command = ["unshare", "-n", *words]
                subprocess.run(command, input=text, text=True, check=True, capture_output=True, env=ENVIRONMENT)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                spent += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best[at] = min(best[at], spent * 1000)
    return best


def _frame(flow: Flow, port: int) -> bytes:
    source, dport, destination = flow if len(flow) == 3 else (*flow, DESTINATION)
    tcp = struct.pack("!HHIIBBHHH", port, dport, 1, 0, 0x50, 2, 1024, 0, 0)
    pseudo = struct.pack("!IIBBH", source, destination, 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", _sum(pseudo + tcp)) + tcp[18:]
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 40, port & 0xFFFF, 0, 64, 6, 0, source, destination)
    head = head[:10] + struct.pack("!H", _sum(head)) + head[12:]
    frame = _MAC + head + tcp
    return struct.pack("<H", len(frame)) + frame


def _sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def workspace() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fwc-bench-")
