"""Input that wants to put a line of its own into the output, or to keep fwc busy: refused or escaped, and within seconds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.cli.run_fwc import Ran, fwc
from tests.unit.watchdog import ends

from fwc.dialects.registry import load_dialect
from fwc.ir.text import dump
from fwc.source import SourceFile

PAYLOADS = (
    '"',
    "'",
    '";',
    "\\",
    '\\"',
    "\\n",
    "$(reboot)",
    "${x}",
    "`id`",
    "; flush ruleset",
    "} table inet evil { chain x { type filter hook input priority 0; policy accept",
    "-A INPUT -j ACCEPT",
    "COMMIT",
    "# comment",
    "pass quick all",
    "%n%s",
    "\u2028pass all",
    "\u202e",
    "a\nflush ruleset",
    "a\rflush ruleset",
    "a\tb",
    "a\0b",
    "a\x1b[31mb",
    "a\x85b",
    "x" * 3000,
)

PLACES = {
    "title": 'policy "{}"\n',
    "comment": 'policy "p"\n# {}\n',
    "log": 'policy "p"\nallow ssh from any to self log "{}"\n',
    "label": 'policy "p"\nallow ssh from any to self as {}\n',
    "interface": 'policy "p"\nzone wan {{ iface {} }}\nallow ssh from wan to self\n',
    "interface in quotes": 'policy "p"\nzone wan {{ iface "{}" }}\nallow ssh from wan to self\n',
    "zone": 'policy "p"\nzone {} {{ iface eth0 }}\n',
    "group": 'policy "p"\ngroup {0} = 192.0.2.1\nallow ssh from {0} to self\n',
    "set": 'policy "p"\nset {} of addresses\n',
    "table": 'policy "p"\nsettings {{ table "{}" }}\n',
    "anchor": 'policy "p"\nsettings {{ anchor "{}" }}\n',
    "log prefix": 'policy "p"\nsettings {{ log prefix "{}" }}\ndefault input deny log\n',
    "default log": 'policy "p"\ndefault input deny log "{}"\n',
    "user": 'policy "p"\nallow tcp 25 from self to any user {}\n',
    "tail": 'policy "p"\nallow ssh from any to self {}\n',
}
LAST = "allow https from any to self\n"
TARGETS = {"nft": (), "iptables": ("--family", "v4"), "pf": ()}
NAMES = {"nft": "nftables", "iptables": "iptables", "pf": "pf"}
SEEN_BY_PEOPLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def shape(target: str, text: str) -> list[str]:
    """The statements of an output by their kind, comments and quoted text left out: what a payload must not add to."""
    tree, found = load_dialect(NAMES[target]).parse(SourceFile("out", text))
    assert not [d for d in found if d.severity == "error"], found
    ruleset, more = load_dialect(NAMES[target]).lift(tree)
    assert not [d for d in more if d.severity == "error"], more
    return dump(ruleset).splitlines()


@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.parametrize("place", list(PLACES))
def test_text_of_the_policy_never_becomes_a_statement(place: str, target: str, tmp_path: Path) -> None:
    """Refused (1), or compiled to as many statements as with a harmless word in the same place, and without controls."""
    path = tmp_path / "policy.fw"
    compile_ = ("compile", path, "-t", target, *TARGETS[target])
    path.write_text(PLACES[place].format("root" if place == "user" else "harmless") + LAST)
    plain = fwc(*compile_)
    expected = len(shape(target, plain.out)) if plain.code == 0 else None
    compiled = 0
    for payload in PAYLOADS:
        path.write_bytes((PLACES[place].format(payload) + LAST).encode())
        ran = fwc(*compile_)
        assert ran.code in (0, 1), (payload, ran.err)
        assert "internal error" not in ran.err
        assert not SEEN_BY_PEOPLE.search(ran.err.replace("\t", " ")), (payload, ran.err)
        if ran.code == 1:
            assert ran.out == ""
            continue
        compiled += 1
        assert not SEEN_BY_PEOPLE.search(ran.out), (payload, ran.out)
        if expected is not None and place != "tail" and "\n" not in payload:
            assert len(shape(target, ran.out)) == expected, (payload, ran.out)
        _load(target, ran.out, tmp_path)
    assert compiled or place not in ("comment",)


def _load(target: str, text: str, tmp_path: Path) -> None:
    """What was compiled loads with the real tool, in a network namespace of its own."""
    tool = {"nft": ["nft", "-c", "-f"], "iptables": ["iptables-restore", "--test"]}.get(target)
    if tool is None or os.geteuid() or shutil.which(tool[0]) is None or shutil.which("unshare") is None:
        return
    file = tmp_path / "loaded"
    file.write_text(text)
    done = subprocess.run(["unshare", "-n", *tool, str(file)], capture_output=True, text=True, timeout=60)
    if "Operation not permitted" in done.stderr:
        return
    assert done.returncode == 0, (done.stderr, text)


@pytest.mark.parametrize("target", list(TARGETS))
def test_file_names_in_headers_and_messages(target: str, tmp_path: Path) -> None:
    for name in ('a"b', "a\nflush ruleset\n", "a\r-A INPUT -j ACCEPT", "$(id)", "a;b", "a\x1b[31m", "-x"):
        path = tmp_path / f"{name}.fw"
        path.write_text('policy "p"\n' + LAST)
        ran = fwc("compile", path, "-t", target, *TARGETS[target])
        assert ran.code == 0, (name, ran.err)
        assert not SEEN_BY_PEOPLE.search(ran.out)
        assert len(shape(target, ran.out)) > 3
        assert not any(
            line.startswith(("flush ruleset\n", "-A INPUT -j ACCEPT\n")) for line in ran.out.splitlines(True)
        )
        if target != "pf":
            _load(target, ran.out, tmp_path)
        path.write_text('policy "p"\nallow ssh form lan to self\n')
        ran = fwc("compile", path, "-t", target)
        assert ran.code == 1 and not SEEN_BY_PEOPLE.search(ran.err), ran.err


SAVE = '*filter\n:INPUT DROP [0:0]\n:{chain} - [0:0]\n-A INPUT -i {iface} -m comment --comment "{text}" -j {chain}\nCOMMIT\n'


@pytest.mark.parametrize("words", [("graph",), ("query",), ("diff",), ("lint",)])
def test_names_of_a_ruleset_in_reports(words: tuple[str, ...], tmp_path: Path) -> None:
    """Control characters and markup of an imported ruleset reach neither the terminal nor a page."""
    path, other = tmp_path / "rules.v4", tmp_path / "other.v4"
    other.write_text("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
    formats = {
        "graph": [("--output-format", f) for f in ("text", "dot", "mermaid", "svg")],
        "diff": [("--output-format", f) for f in ("text", "json", "markdown")],
        "query": [("--output-format", f) for f in ("text", "json")],
        "lint": [("--isolated", "--output-format", f) for f in ("full", "concise", "json", "sarif")],
    }[words[0]]
    for text in ("\x1b[31mred", '\\"]; evil [', "<script>alert(1)</script>", "]] --> evil", "| a | b |", "\u202eabc"):
        for chain in ("x", "<script>", 'a"b', "a]b"):
            path.write_text(SAVE.format(chain=chain, iface="eth0", text=text))
            for more in formats:
                extra = {"query": ("who can reach self",), "diff": (other,)}.get(words[0], ())
                ran = fwc(*words, path, *extra, *more)
                assert ran.code in (0, 1), ran.err
                assert not SEEN_BY_PEOPLE.search(ran.out + ran.err), (chain, text, ran.out)
                if "svg" in more and ran.out:
                    from xml.etree import ElementTree

                    assert "<script" not in ran.out
                    ElementTree.fromstring(ran.out)
                if "markdown" in more:
                    assert "<script" not in ran.out


# ----- bounded time -----------------------------------------------------------


def timed(*words: str | Path) -> Ran:
    with ends():
        ran = fwc(*words)
    assert ran.code in (0, 1), ran.err[:2000]
    assert "internal error" not in ran.err
    return ran


def test_include_cycles_end_with_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "a.fw").write_text('policy "a"\ninclude "b.fw"\n')
    (tmp_path / "b.fw").write_text('include "a.fw"\n')
    ran = timed("compile", tmp_path / "a.fw", "-t", "nft")
    assert ran.code == 1 and "include" in ran.err
    (tmp_path / "c.fw").write_text('policy "c"\ninclude "*.fw"\n')
    assert timed("compile", tmp_path / "c.fw", "-t", "nft").code == 1


def test_templates_that_use_themselves_end_with_a_diagnostic(tmp_path: Path) -> None:
    path = tmp_path / "a.fw"
    path.write_text('policy "a"\ntemplate t(x) {\n use t($x)\n}\nuse t(1)\n')
    assert timed("compile", path, "-t", "nft").code == 1
    lines = ['policy "a"', "template t0(x) { allow tcp 22 from any to self }"]
    lines += [f"template t{n}(x) {{\n use t{n - 1}($x)\n use t{n - 1}($x)\n}}" for n in range(1, 40)]
    path.write_text("\n".join([*lines, "use t39(1)"]) + "\n")
    assert timed("compile", path, "-t", "nft").code == 1


@pytest.mark.parametrize("target", list(TARGETS))
def test_a_group_of_20000_members(target: str, tmp_path: Path) -> None:
    path = tmp_path / "a.fw"
    members = ", ".join(f"10.{n >> 8 & 255}.{n & 255}.{n % 250 * 2 & 254}" for n in range(20_000))
    path.write_text(f'policy "a"\ngroup many = {members}\nallow ssh from many to self\n')
    timed("compile", path, "-t", target, *TARGETS[target])


@pytest.mark.parametrize("opening, closing", [("{", "}"), ("(", ")"), ("when target nft {\n", "}\n"), ("not (", ")")])
def test_5000_nested_braces(opening: str, closing: str, tmp_path: Path) -> None:
    path = tmp_path / "a.fw"
    for text in (opening * 5000 + closing * 5000, opening * 5000, closing * 5000):
        for before in ("", "allow ssh from any to self if ", "group a = "):
            path.write_text(f'policy "a"\n{before}{text}\n')
            assert timed("compile", path, "-t", "nft").code == 1
    path.write_text("table inet x " + "{" * 5000 + "}" * 5000 + "\n")
    assert timed("graph", path, "--format-in", "nft").code == 1
    path.write_text("pass in from " + "{ " * 5000 + "}" * 5000 + "\n")
    assert timed("graph", path, "--format-in", "pf").code == 1


def test_groups_that_hold_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.fw"
    path.write_text('policy "a"\ngroup a = b\ngroup b = a\nallow ssh from a to self\n')
    assert timed("compile", path, "-t", "nft").code == 1
    lines = ["group g0 = 192.0.2.1, 192.0.2.3"] + [f"group g{n} = g{n - 1}, g{n - 1}" for n in range(1, 200)]
    path.write_text("\n".join(['policy "a"', *lines, "allow ssh from g199 to self"]) + "\n")
    timed("compile", path, "-t", "nft")


def test_circles_of_chains_in_rulesets(tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text("*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j a\nCOMMIT\n")
    for words in (("graph", path), ("query", path, "who can reach self"), ("diff", path, path)):
        timed(*words)
    lines = [f":c{n} - [0:0]" for n in range(60)] + ["-A INPUT -j c0"]
    lines += [f"-A c{n} -j c{n + 1}\n-A c{n} -s 10.0.0.{n} -j c{n + 1}" for n in range(59)]
    path.write_text("*filter\n:INPUT DROP [0:0]\n" + "\n".join(lines) + "\nCOMMIT\n")
    for words in (("graph", path), ("query", path, "who can reach self"), ("diff", path, path)):
        timed(*words)
