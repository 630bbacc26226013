"""`dialects.iptables.hooks` is what both variants of iptables-restore take and refuse, row by row and place by place."""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import pairwise

import pytest

from fwc.dialects.iptables.builtin import BUILTIN, HOOK_OF_CHAIN
from fwc.dialects.iptables.hooks import HOOKS, INTERFACES, OPTIONS, TABLES, misplaced

pytestmark = pytest.mark.kernel

PLACES = [(table, chain) for table, chains in BUILTIN.items() for chain in chains]
RULES = {
    4: (
        "-m owner --uid-owner 0", "-m mac --mac-source 00:11:22:33:44:55", "-m rpfilter", "-m socket", "-m cgroup --cgroup 1",
        "-m realm --realm 1", "-m policy --dir in --pol ipsec", "-m policy --dir out --pol ipsec",
        "-m addrtype --dst-type LOCAL --limit-iface-in", "-m addrtype --dst-type LOCAL --limit-iface-out",
        "-m devgroup --src-group 1", "-m devgroup --dst-group 1", "-j MASQUERADE", "-j SNAT --to-source 192.0.2.1",
        "-j DNAT --to-destination 192.0.2.1", "-j REDIRECT", "-j NETMAP --to 192.0.2.0/24", "-p tcp -j TPROXY --on-port 80",
        "-j CLASSIFY --set-class 1:1", "-p tcp -j SYNPROXY", "-j REJECT", "-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu",
        "-p tcp --syn -j TCPMSS --set-mss 536", "-j CT --notrack", "-j NOTRACK", "-j DSCP --set-dscp 1", "-j TTL --ttl-set 1",
        "-j TOS --set-tos 1", "-p tcp -j ECN --ecn-tcp-remove", "-j CHECKSUM --checksum-fill",
        "-p tcp -j TCPOPTSTRIP --strip-options 4", "-j CONNSECMARK --save", "-j MARK --set-mark 1",
        "-m pkttype --pkt-type unicast",
    ),
    6: (
        "-m rpfilter", "-m socket", "-j MASQUERADE", "-j HL --hl-set 1",
        "-j SNPT --src-pfx 2001:db8::/64 --dst-pfx 2001:db8:1::/64",
        "-j DNPT --src-pfx 2001:db8::/64 --dst-pfx 2001:db8:1::/64",
    ),
}  # fmt: skip
NOT_LOADED = {"-j SECMARK"}
"""The kernel wants a security module for it."""


@pytest.fixture(autouse=True)
def _possible() -> None:
    needed = ("unshare", "iptables-nft-restore", "iptables-legacy-restore")
    missing = [name for name in needed if shutil.which(name) is None]
    reason = f"lacks {', '.join(missing)}" if missing else "is not run by root" if os.geteuid() else ""
    if reason and os.environ.get("CI"):
        pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
    if reason:
        pytest.skip(f"the machine {reason}")


def taken(tool: str, rules: list[tuple[str, str, str]]) -> list[bool]:
    """Which of the rules (table, chain, words) load, each alone."""
    script = "\n".join(
        f"printf '*{table}\\n-A {chain} {words}\\nCOMMIT\\n' | {tool} >/dev/null 2>&1; echo $?"
        for table, chain, words in rules
    )
    done = subprocess.run(["unshare", "-n", "sh", "-s"], input=script, capture_output=True, text=True, check=True)
    return [line == "0" for line in done.stdout.split()]


@pytest.mark.parametrize("variant", ["legacy", "nft"])
@pytest.mark.parametrize("version", [4, 6])
def test_the_kernel_agrees(version: int, variant: str) -> None:
    rules = [(table, chain, words) for words in RULES[version] for table, chain in PLACES]
    rules += [(table, chain, f"{option} eth0") for option in INTERFACES for table, chain in PLACES]
    tool = f"{'iptables' if version == 4 else 'ip6tables'}-{variant}-restore"
    wrong = [
        (rule, loads) for rule, loads in zip(rules, taken(tool, rules), strict=True) if loads is not _expected(*rule)
    ]
    assert not wrong


def _expected(table: str, chain: str, text: str) -> bool:
    words = text.split()
    hook = HOOK_OF_CHAIN[chain]
    if words[0] in INTERFACES:
        return hook in INTERFACES[words[0]]
    name = next(f"{a} {b}" for a, b in pairwise(words) if a in ("-m", "-j"))
    return not misplaced(name, words, table, frozenset({hook}))


def test_every_row_is_asked() -> None:
    asked = {" ".join(words) for text in (*RULES[4], *RULES[6]) for words in pairwise(text.split())}
    rows = {*HOOKS, *TABLES, *(option for options in OPTIONS.values() for option in options if " " in option)}
    assert rows - asked == NOT_LOADED
