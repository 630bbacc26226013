"""The lifted IR against what XNU did with first packets."""

from __future__ import annotations

import ipaddress
import json
import sys
from pathlib import Path

import pytest

from fwc.diagnostics import has_errors
from fwc.dialects.pf.check import Environment
from fwc.dialects.pf.lift import lift
from fwc.dialects.pf.parse import parse
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Hook
from fwc.net.intervals import IntervalSet
from fwc.source import SourceFile

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tests.unit.dialects.pf.naive import crossing
from tests.unit.dialects.pf.test_corpus import CORPORA, IFACES

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the collection of rulesets is not beside the checkout"),
]
FLAGS = {"F": 1, "S": 2, "R": 4, "A": 16}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58, "ipv6-icmp": 58}


def addresses(texts: list[str]) -> AddressSet:
    v4, v6 = [], []
    for text in texts:
        ip = ipaddress.ip_interface(text).ip
        (v4 if ip.version == 4 else v6).append((int(ip), int(ip)))
    return AddressSet(IntervalSet(v4), IntervalSet(v6))


def packet(data: dict) -> dict:
    src, dst = ipaddress.ip_address(data["src"]), ipaddress.ip_address(data["dst"])
    protocol = NUMBERS[data["proto"]]
    return {
        "family": src.version,
        "protocol": 58 if protocol == 1 and src.version == 6 else protocol,
        "saddr": int(src),
        "daddr": int(dst),
        "sport": data.get("sport", 0),
        "dport": data.get("dport", 0),
        "flags": sum(FLAGS[c] for c in data.get("flags", "")),
        "type": data.get("type", 0),
        "tag": "",
        "iif": "",
        "oif": "",
        "own": {("en0", 4): 0xCB007101, ("en0", 6): int(ipaddress.ip_address("2001:db8:f::1"))},
    }


def test_first_packets() -> None:
    machine = Environment({name: addresses(texts) for name, texts in IFACES.items()})
    compared = 0
    for line in (CORPORA / "pf_verdicts.jsonl").open():
        row = json.loads(line)
        tree, found = parse(SourceFile(row["id"], row["conf"]), macos=True)
        assert not has_errors(found)
        ruleset, _ = lift(tree, machine)
        for entry in row["packets"]:
            p = packet(entry["packet"])
            if "forward" in entry:
                legs = list(zip(("in", "out"), entry["forward"], entry["result"], strict=True))
            else:
                legs = [(entry["dir"], entry["if"], entry["result"])]
            for way, iface, kernel in legs:
                if kernel is None or (kernel["state"] and not kernel["new_state"]):
                    break  # a known connection: the rules were not read
                p["iif" if way == "in" else "oif"] = iface
                verdict, label, keeps = crossing(ruleset, p, Hook.PF_IN if way == "in" else Hook.PF_OUT)
                compared += 1
                assert (verdict, label) == (kernel["verdict"], kernel["label"]), (row["id"], entry, row["conf"])
                errors = p["protocol"] == 1 and p["type"] in (3, 4, 5, 11, 12)
                errors = errors or (p["protocol"] == 58 and p["type"] in (1, 2, 3, 4))
                if kernel["verdict"] == "pass":
                    assert errors or keeps is kernel["new_state"], (row["id"], entry)
                    out = [int(ipaddress.ip_address(kernel["out"][i])) for i in (0, 2)]
                    assert [p["saddr"], p["daddr"]] == out, (row["id"], entry)
    assert compared > 10_000
