"""Rules that differ in their addresses only are understood once: every rule is what it is when it is read alone."""

from __future__ import annotations

import random

import pytest

from fwc.dialects.iptables import lift, parse
from fwc.dialects.iptables.scan import Scanned, Scanner
from fwc.ir.model import Ruleset
from fwc.source import SourceFile

_ADDRESSES = (
    "", "-s 10.1.0.0/16", "-s 10.1.0.0/16 -d 10.2.3.4/32", "-d 10.2.3.4", "-d 10.2.3.4/32 -s 10.1.0.0/16", "-s 10.1.2.3/16",
    "-s 0.0.0.0/0", "-s any/0", "-s host.example", "-s 10.0.0.0/255.0.255.0", "-s 1.2.3.4,5.6.7.0/24", "! -s 1.2.3.4/32",
    "-s ! 1.2.3.4/32", "-s 1.2.3.4 -s 1.2.3.5", "-d 10.0.0.0/8 -d 11.0.0.0/8", "-s", "-s 10.1.0.0/16 -d", "-s -j", "-s 300.1.1.1",
    "-s 10.1", "-s 010.1.1.1/8", "-d 1.2.3.4/33", "--source 1.2.3.4", "-s fe80::1/64", "-s 2001:db8::/32 -d 2001:db8:1::/48",
    "-d ::/0", "-i eth0 -s 10.1.0.0/16", '-s "10.1.0.0/16"', "-s tcp-reset", "-s --log-prefix",
)  # fmt: skip
_RESTS = (
    "-j ACCEPT", "-p tcp -m tcp --dport 22 -j ACCEPT", "-p tcp -m tcp --dport 22 -j u", "-g u", "-j nowhere", "", "-p tcp",
    "-p tcp -m tcp --sport 1:9 --dport 9:1 -j DROP", "-m tcp --dport 22 -j ACCEPT", "-s 9.9.9.9 -j ACCEPT",
    "! -d 9.9.9.9/32 -j ACCEPT", "-j REJECT --reject-with tcp-reset", "-p tcp -j REJECT --reject-with tcp-reset",
    "-j NETMAP --to 10.0.0.0/8", "-j DNAT --to-destination 10.0.0.1:80", "-p icmp -m icmp --icmp-type 8 -j ACCEPT",
    "-p ipv6-icmp -j ACCEPT", "-m what --ever 1", "-m owner --uid-owner 1 -j ACCEPT", "-i eth0 -o eth1 -j ACCEPT",
    "-p all -j ACCEPT", "! -p tcp -j RETURN", "! ! -p tcp", "!", '-m comment --comment "a b" -j ACCEPT',
    "-m comment --comment one -j ACCEPT", "-m conntrack --ctstate NEW -j ACCEPT", "-j ACCEPT -j DROP",
    "-j LOG --log-prefix 012345678901234567890123456789", "-j LOG --log-level 9", "--dport 22 -j ACCEPT", "-f -j DROP",
    "-c 1 2 -j ACCEPT", "-m statistic --mode nth --every 2 --packet 0 -j ACCEPT", "-t nat -j ACCEPT",
    "-p tcp --dpo 22 --ju ACCEPT",
)  # fmt: skip


@pytest.mark.parametrize("path", ["rules.v4", "rules.v6"])
@pytest.mark.parametrize("table", ["filter", "nat"])
def test_shared_rules_are_read_as_alone(path: str, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(f"{path} {table}")
    lines = [f"-A {c} {a} {r}" for c in ("INPUT", "u", "no") for a in _ADDRESSES for r in _RESTS]
    rng.shuffle(lines)
    chains = "\n".join(f":{c} ACCEPT [0:0]" for c in ("INPUT", "OUTPUT", *(("FORWARD",) if table == "filter" else ())))
    text = "\n".join((f"*{table}", chains, ":u - [0:0]", *lines, "COMMIT", ""))
    tree, _ = parse.parse(SourceFile(path, text))
    shared, findings, share = lift.lift_with_share(tree)
    monkeypatch.setattr(Scanner, "addresses", lambda *_: ())
    monkeypatch.setattr(Scanned, "may_be_shared", lambda _: False)
    alone, wanted, counted = lift.lift_with_share(tree)
    assert shared == alone
    assert _origins(shared) == _origins(alone)
    assert findings == wanted
    assert share == counted
    assert len(findings) > 1000


def _origins(ruleset: Ruleset) -> list[object]:
    return [rule.origin.spans for table in ruleset.tables for chain in table.chains for rule in chain.rules]
