"""Our reading of pf against what pfctl and the XNU kernel did with the same text."""

from __future__ import annotations

import ipaddress
import json
import sys
from pathlib import Path

import pytest

from fwc.diagnostics import has_errors
from fwc.dialects.pf.check import Environment
from fwc.dialects.pf.parse import accepts, parse
from fwc.dialects.pf.printer import to_text
from fwc.net.addresses import ANY_ADDRESS
from fwc.source import SourceFile

ROOT = Path(__file__).resolve().parents[4]
CORPORA = ROOT.parent / "shared" / "corpora"
sys.path.insert(0, str(ROOT / "tests" / "reference"))
from pf_oracle import Pf  # noqa: E402

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the collection of rulesets is not beside the checkout"),
]

IFACES = {
    "en0": ["203.0.113.1/24", "2001:db8:f::1/64"],
    "en1": ["10.1.0.1/16", "2001:db8:1::1/64"],
    "utun3": ["10.9.0.1/24"],
    "lo0": ["127.0.0.1/8", "::1/128"],
}


def syntax_cases() -> list[tuple[bool, str]]:
    out = []
    for line in (CORPORA / "pf_syntax.tsv").read_text().split("\n")[1:]:
        if line:
            verdict, text = line.split("\t")[:2]
            out.append((verdict == "accepted", text.replace("\\\\n", "\\\n").replace("\\n", "\n") + "\n"))
    return out


def test_syntax_as_pfctl() -> None:
    names = dict.fromkeys(("en0", "en1", "lo0", "utun3", "bridge100"), ANY_ADDRESS)
    machine = Environment(names, frozenset(("root", "_www")), frozenset(("staff", "_www")), {"localhost": ANY_ADDRESS})
    cases = syntax_cases()
    assert len(cases) >= 340
    assert [text for accepted, text in cases if accepts(text, machine) is not accepted] == []


def test_printing_changes_nothing() -> None:
    texts = [text for accepted, text in syntax_cases() if accepted]
    texts += [json.loads(line)["conf"] for line in (CORPORA / "pf_verdicts.jsonl").open()]
    texts += [
        path.read_text(encoding="utf-8", errors="replace") + "\n" for path in sorted((CORPORA / "pf").glob("*.pf"))
    ]
    read = 0
    for text in texts:
        tree, found = parse(SourceFile("pf.conf", text))
        if has_errors(found):
            continue
        read += 1
        again, _ = parse(SourceFile("pf.conf", to_text(tree)))
        assert again.statements == tree.statements
    assert read > 850


def test_pfctl_test_suite() -> None:
    """`.in` and `.ok` files are read, `pfail` files refused; pfail14 is one that OpenBSD 4.3 does take."""
    wrong, seen = [], 0
    for path in sorted((CORPORA / "pf").glob("*regress__sbin__pfctl*")):
        name = path.name.split("pfctl__")[1]
        fail = name.startswith("pfail")
        if not (name.startswith("pf") and (name[2].isdigit() or fail)) or (
            ".in." not in name and (fail or ".ok." not in name)
        ):
            continue
        seen += 1
        _, found = parse(SourceFile(name, path.read_text() + "\n"), macos=fail)
        if has_errors(found) is not fail:
            wrong.append(name)
    assert seen > 140
    assert wrong == ["pfail14.in.pf"]


def test_oracle_as_the_kernel() -> None:
    """Verdict, deciding label, states and addresses of all 9,000 packets."""
    results = 0
    for line in (CORPORA / "pf_verdicts.jsonl").open():
        row = json.loads(line)
        pf = Pf(row["conf"], IFACES)
        for entry in row["packets"]:
            packet = pf.packet(entry["packet"])
            if "forward" in entry:
                got, want = pf.forward(packet, *entry["forward"]), entry["result"]
            else:
                got, want = (pf.run(packet, entry["dir"], entry["if"]),), [entry["result"]]
            for mine, kernel in zip(got, want, strict=True):
                results += 1
                assert (mine is None) == (kernel is None), (row["id"], entry)
                if mine is None:
                    continue
                for key in ("verdict", "label", "state", "new_state"):
                    assert mine[key] == kernel[key], (row["id"], key, entry)
                if kernel["verdict"] == "pass":
                    check_addresses(pf, packet, mine, kernel["out"], entry["packet"]["proto"] in ("tcp", "udp"))
    assert results > 12_000


def check_addresses(pf: Pf, packet: dict, mine: dict, out: list, has_ports: bool) -> None:
    assert [mine["out"][0], mine["out"][2]] == [int(ipaddress.ip_address(out[0])), int(ipaddress.ip_address(out[2]))]
    if not has_ports:
        return
    if mine["out"][1] is None:  # the kernel chose the port of a source translation; go on with its choice
        packet["sport"] = out[1]
        if mine["new_state"]:
            pf.states[-1]["gwy"] = (pf.states[-1]["gwy"][0], out[1])
    else:
        assert [mine["out"][1], mine["out"][3]] == [out[1], out[3]]
