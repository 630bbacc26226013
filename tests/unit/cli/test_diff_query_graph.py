"""What `fwc diff`, `fwc query` and `fwc graph` print."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.unit.cli.run_fwc import POLICY, fwc

TARGETS = (("nft", ()), ("iptables", ("--family", "v4")), ("iptables", ("--family", "v6")), ("pf", ()))
WIDER = POLICY.replace("allow ssh from lan", "allow ssh from any")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.fw"
    path.write_text(POLICY)
    return path


@pytest.mark.parametrize("target, more", TARGETS)
def test_a_policy_is_the_same_as_what_it_compiles_to(
    target: str, more: tuple[str, ...], policy: Path, tmp_path: Path
) -> None:
    """And a policy with one rule changed is not, in either order; only one order widens."""
    out = tmp_path / "out"
    out.write_text(fwc("compile", policy, "-t", target, *more).out)
    for pair in ((policy, out), (out, policy)):
        ran = fwc("diff", *pair)
        assert ran.code == 0 and "No packet is treated differently." in ran.out, ran
    wider = tmp_path / "wider.fw"
    wider.write_text(WIDER)
    assert fwc("diff", out, wider, "--fail-on", "widen").code == 1
    assert fwc("diff", wider, out, "--fail-on", "widen").code == 0
    assert fwc("diff", wider, out).code == 1


def test_two_targets_of_one_policy_are_the_same(policy: Path, tmp_path: Path) -> None:
    nft, save = tmp_path / "a.nft", tmp_path / "rules.v4"
    nft.write_text(fwc("compile", policy, "-t", "nft").out)
    save.write_text(fwc("compile", policy, "-t", "iptables", "--family", "v4").out)
    ran = fwc("diff", nft, save)
    assert ran.code == 0 and "IPv6 is not compared" in ran.out


def test_the_regions_name_packets_lines_and_a_witness(policy: Path, tmp_path: Path) -> None:
    wider = tmp_path / "wider.fw"
    wider.write_text(WIDER)
    value = json.loads(fwc("diff", policy, wider, "--output-format", "json").out)
    assert value["differs"] and value["widens"] and value["complete"] and value["left_out"] == 0
    assert {tuple(r["families"]) for r in value["regions"]} == {("v4",), ("v6",)}
    for region in value["regions"]:
        assert (region["hook"], region["effect"]) == ("input", "newly accepted")
        assert (region["before"], region["after"]) == ("drop", "accept")
        assert region["exact"] and region["witness"]["port"] == 22 and region["witness"]["protocol"] == "tcp"
        assert [line["row"] for line in region["new_lines"]] == [5]
        assert "policy drop" in region["old_lines"][0]["text"]
    back = json.loads(fwc("diff", wider, policy, "--output-format", "json").out)
    assert not back["widens"] and {r["effect"] for r in back["regions"]} == {"newly refused"}


def test_a_log_alone_is_a_difference_that_does_not_widen(policy: Path, tmp_path: Path) -> None:
    logged = tmp_path / "logged.fw"
    logged.write_text(POLICY.replace("to self\nallow https", 'to self log "ssh"\nallow https'))
    ran = fwc("diff", policy, logged)
    assert ran.code == 1 and "treated otherwise: accept -> log" in ran.out
    assert fwc("diff", policy, logged, "--fail-on", "widen").code == 0


def test_a_policy_of_one_family_still_drops_the_other(policy: Path, tmp_path: Path) -> None:
    single = tmp_path / "single.fw"
    single.write_text(POLICY.replace("target nft", "target nft; family v4"))
    ran = fwc("diff", policy, single)
    assert ran.code == 1 and "IPv6 input: newly refused" in ran.out and "newly accepted" not in ran.out


def test_regions_are_bounded_and_the_rest_is_counted(tmp_path: Path) -> None:
    old, new = tmp_path / "old.fw", tmp_path / "new.fw"
    old.write_text('policy "p"\n')
    lines = [f'allow tcp {port} from 192.0.2.{port} to self log "n{port}"' for port in range(1, 40)]
    new.write_text('policy "p"\n' + "\n".join(lines) + "\n")
    ran = fwc("diff", old, new, "--max-regions", "3")
    assert ran.out.count("  example  ") == 3
    assert "36 more regions are not shown" in ran.out and "39 regions of packets differ" in ran.out
    assert json.loads(fwc("diff", old, new, "--output-format", "json", "--max-regions", "3").out)["left_out"] == 36


def test_markdown_is_one_table(policy: Path, tmp_path: Path) -> None:
    wider = tmp_path / "wider.fw"
    wider.write_text(WIDER.replace("allow https", 'allow tcp 81 from any to self log "a|b<c>`d`"\nallow https'))
    out = fwc("diff", policy, wider, "--output-format", "markdown").out
    rows = [line for line in out.splitlines() if line.startswith("|")]
    assert len(rows) > 3 and {line.count("|") for line in rows} == {8}
    assert "<c>" not in out


# ----- query ------------------------------------------------------------------


@pytest.mark.parametrize(
    "question, verdict",
    [
        ("can lan reach self ssh", "yes"),
        ("can lan reach self tcp 22", "yes"),
        ("can wan reach self tcp 22", "no"),
        ("can wan reach self https", "yes"),
        ("can wan reach self tcp 22-443", "partly"),
        ("can wan reach lan", "no"),
        ("can self reach wan udp 53", "yes"),
        ("can 192.168.1.7 reach self on tcp 22", "partly"),  # not when it comes in from the wan
    ],
)
def test_questions_about_a_policy(question: str, verdict: str, policy: Path) -> None:
    value = json.loads(fwc("query", policy, question, "--output-format", "json").out)
    assert value["verdict"] == verdict and value["complete"]
    assert fwc("query", policy, question).out.startswith(f"{verdict}: ")


@pytest.mark.parametrize(
    "question, verdict",
    [
        ("can eth0 reach self tcp 22", "no"),
        ("can eth1 reach self tcp 22", "partly"),
        ("can eth0 reach self tcp 443", "yes"),
        ("can eth0 reach self tcp 22, 443", "partly"),
        ("can any reach self proto 47", "partly"),  # lo
        ("can self reach 192.0.2.1 udp 53 and tcp 53", "yes"),
        ("can eth0 reach eth1", "no"),
        ("can self reach 192.0.2.0/24, 198.51.100.1-198.51.100.9 ping", "yes"),
    ],
)
@pytest.mark.parametrize("target, more", TARGETS[:2])
def test_questions_about_a_ruleset(
    question: str, verdict: str, target: str, more: tuple[str, ...], policy: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rules"
    out.write_text(fwc("compile", policy, "-t", target, *more).out)
    ran = fwc("query", out, question, "--output-format", "json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["verdict"] == verdict


def test_who_and_what_name_the_packets_and_the_line(policy: Path) -> None:
    who = fwc("query", policy, "who can reach self tcp 22").out
    assert "192.168.1.0/24" in who and "in eth1" in who and f"{policy}:5: allow ssh from lan to self" in who
    assert "policy drop" not in who
    what = fwc("query", policy, "what can wan reach").out
    assert "port 443" in what and "port 22" not in what
    assert fwc("query", policy, "who can reach lan tcp 99").out != ""


# ----- graph ------------------------------------------------------------------

SAVE = """*filter
:INPUT DROP [0:0]
:used - [0:0]
:lost - [0:0]
:far - [0:0]
-A INPUT -p tcp -j used
-A INPUT -p udp -j used
-A used -g far
-A lost -j ACCEPT
COMMIT
"""


@pytest.mark.parametrize("form", ["text", "dot", "mermaid", "svg"])
def test_unreachable_chains_and_counts_are_drawn(form: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text(SAVE)
    ran = fwc("graph", path, "--output-format", form)
    assert ran.code == 0, ran.err
    for name in ("INPUT", "used", "lost", "far"):
        assert name in ran.out
    assert "2 rules" in ran.out and "unreachable" in ran.out
    if form != "svg":
        assert "jump x2" in ran.out and "goto" in ran.out


def test_the_text_is_a_tree_by_hook(tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text(SAVE)
    assert fwc("graph", path).out == (
        "ip filter INPUT [input, filter 0, policy drop]: 2 rules\n"
        "  jump x2 used: 1 rule\n"
        "    goto far: 0 rules\n"
        "ip filter FORWARD [forward, filter 0, policy accept]: 0 rules\n"
        "ip filter OUTPUT [output, filter 0, policy accept]: 0 rules\n"
        "unreachable: no packet gets into these chains\n"
        "  ip filter lost: 1 rule\n"
    )


def test_the_svg_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text(SAVE)
    out = fwc("graph", path, "--output-format", "svg").out
    root = ElementTree.fromstring(out)
    known = ("svg", "g", "title", "rect", "text", "path", "style", "defs", "marker")
    assert {element.tag for element in root.iter()} <= {"{http://www.w3.org/2000/svg}" + tag for tag in known}
    assert "http" not in out.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert sum(element.tag.endswith("rect") for element in root.iter()) == 6  # INPUT, FORWARD, OUTPUT and three more


def test_a_circle_is_drawn_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text("*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n-A INPUT -j a\n-A a -j a\nCOMMIT\n")
    for form in ("text", "dot", "mermaid", "svg"):
        assert fwc("graph", path, "--output-format", form).out
