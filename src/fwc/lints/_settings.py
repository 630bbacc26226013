"""What a user may set about lints, with the defaults; `project.config` fills it from fwc.yaml."""

from __future__ import annotations

from fnmatch import fnmatchcase

from fwc.diagnostics import Confidence, Persona, Severity
from fwc.records import Record

SENSITIVE_PORTS = (
    23, 135, 137, 138, 139, 445, 512, 513, 514, 873, 1433, 1521, 2049, 2375, 2376, 2379, 3306, 3389, 5432, 5900, 5984,
    6379, 7001, 8086, 9042, 9200, 10250, 11211, 27017,
)  # fmt: skip

FOREIGN_CHAINS = (
    "DOCKER*", "KUBE-*", "CNI-*", "cali-*", "cilium*", "CILIUM*", "FLANNEL*", "LIBVIRT_*", "f2b-*", "fail2ban*", "ufw*-*",
    "CROWDSEC*", "nixos-fw*", "YJ-*", "InstanceServices*", "nm-*", "br-nf*", "firewalld*",
)  # fmt: skip
"""Glob patterns of chains that other programs manage: nothing inside them is reported."""


class Interface(Record):
    """An entry of `interfaces`: names, its networks as text, whether its traffic is trusted, its MTU."""

    zone: str
    names: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    trusted: bool = False
    dynamic: bool = False
    mtu: int | None = None


class LintSettings(Record):
    """`select`, `ignore` and `extend_select` are codes, names or code prefixes ("FW1"); an empty `select` is the persona's
    default set. `severity` maps codes or names to a severity or "off". `per_file_ignores` maps globs to codes.
    `management` are (protocol, port) that must stay reachable, from `management_from` where that is said. `min_confidence` beats
    what the persona would show."""

    persona: Persona = Persona.REGULAR
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    severity: tuple[tuple[str, Severity | None], ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fail_level: Severity = Severity.WARNING
    min_severity: Severity = Severity.INFO
    min_confidence: Confidence | None = None
    profile: str = ""
    target: str = ""
    interfaces: tuple[Interface, ...] = ()
    management: tuple[tuple[str, int], ...] = (("tcp", 22),)
    management_from: tuple[str, ...] = ()
    sensitive_ports: tuple[int, ...] = SENSITIVE_PORTS
    foreign_chains: tuple[str, ...] = FOREIGN_CHAINS
    linear_run: int = 100
    long_path: int = 500
    wide_ports: int = 1000
    require_reason: bool = False
    ignore_suppressions: bool = False
    today: str = ""

    def is_foreign(self, chain: str) -> bool:
        """Does another program (Docker, kube-proxy, fail2ban, ...) manage the chain of this name?"""
        for pattern in self.foreign_chains:
            # What stands before the first special character decides nearly always, and needs no expression.
            plain = pattern.partition("*")[0].partition("?")[0].partition("[")[0]
            if chain.startswith(plain) and fnmatchcase(chain, pattern):
                return True
        return False
