"""0, 1, 2 and 70 mean the same in every command, and no input ends in a traceback."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from tests.unit.cli.run_fwc import POLICY, SAVE, Ran, fwc

from fwc.cli.main import COMMANDS

ARGUMENTS = {
    "compile": ("compile", "FILE", "-t", "nft"),
    "convert": ("convert", "FILE", "--to", "nftables"),
    "cost": ("cost", "FILE", "-t", "nft"),
    "diff": ("diff", "FILE", "FILE"),
    "fmt": ("fmt", "--check", "FILE"),
    "graph": ("graph", "FILE"),
    "lint": ("lint", "--isolated", "FILE"),
    "lock": ("lock", "--check", "FILE"),
    "query": ("query", "FILE", "who can reach self tcp 22"),
    "test": ("test", "FILE"),
    "trace": ("trace", "FILE", "tcp 192.168.1.9:4000 -> 192.0.2.1:22"),
}
READS_RULESETS = ("convert", "cost", "diff", "graph", "lint", "query", "trace")
READERS = [name for name in ARGUMENTS if importlib.util.find_spec(f"fwc.cli.{name}_command")]


def call(name: str, path: Path | str) -> Ran:
    return fwc(*(path if word == "FILE" else word for word in ARGUMENTS[name]))


def test_every_command_that_reads_is_tried() -> None:
    assert set(ARGUMENTS) | {"explain", "rules", "targets"} == set(COMMANDS)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.fw"
    path.write_text(POLICY)
    return path


@pytest.mark.parametrize("name", [n for n in READERS if n not in ("convert", "lock", "fmt")])
def test_a_good_policy_is_0(name: str, policy: Path) -> None:
    ran = call(name, policy)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("name", [n for n in READERS if n in READS_RULESETS and n not in ("lint", "convert")])
def test_a_good_ruleset_is_0(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text(SAVE)
    ran = call(name, path)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("name", [n for n in READERS if n != "convert"])
def test_a_wrong_policy_is_1(name: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.fw"
    path.write_text('policy "p"\nallow ssh form lan to self\n')
    ran = call(name, path)
    assert ran.code == 1
    assert "FW001" in ran.err + ran.out


@pytest.mark.parametrize("name", READERS)
def test_unreadable_input_is_2_in_one_line(name: str, tmp_path: Path) -> None:
    """A missing file, a directory, a device, and a file whose permissions forbid reading."""
    secret = tmp_path / "secret.fw"
    secret.write_text(POLICY)
    secret.chmod(0)
    wrong: list[Path | str] = [tmp_path / "missing.fw", "/dev/null", "/dev/zero", tmp_path / "a\0b"]
    if os.geteuid():
        wrong.append(secret)
    if name not in ("lint", "fmt"):  # those search directories
        wrong.append(tmp_path)
    for path in wrong:
        ran = call(name, path)
        assert ran.code == 2, (path, ran)
        assert ran.err.startswith("fwc: error: ") and ran.err.count("\n") == 1, (path, ran.err)
        assert ran.out == ""


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", [b"policy \xff\xfe", b"\x7fELF\x02\x01\x01\0\xff", "\ufeff".encode("utf-16")])
def test_what_is_not_utf8_is_2(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "input.fw"
    path.write_bytes(content)
    ran = call(name, path)
    assert ran.code == 2
    assert "not UTF-8" in ran.err


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\0" * 50, b"hello world\n", b"\r\r\r", b"# only a comment\n"])
def test_nothing_to_read_never_ends_in_a_traceback(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "input.fw"
    path.write_bytes(content)
    ran = call(name, path)
    assert ran.code in (0, 1, 2), ran.err
    assert "Traceback" not in ran.err and "internal error" not in ran.err


@pytest.mark.parametrize("name", [n for n in COMMANDS if importlib.util.find_spec(f"fwc.cli.{n}_command")])
def test_an_unknown_option_is_2(name: str, policy: Path) -> None:
    ran = fwc(name, "--no-such-option", policy)
    assert ran.code == 2
    assert "--no-such-option" in ran.err


def test_an_unknown_command_is_2() -> None:
    assert fwc("complie").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("compile", "FILE", "-t", "cisco"),
        ("compile", "FILE", "--check"),
        ("compile", "FILE", "-o", "x", "--out-dir", "y"),
        ("compile", "FILE", "-t", "all"),
        ("compile", "FILE", "-t", "iptables"),
        ("compile", "FILE", "--today", "tomorrow"),
        ("compile", "FILE", "--out-dir", "/nonexistent/deeper"),
        ("diff", "FILE", "FILE", "--target", "cisco"),
        ("diff", "-", "-"),
        ("graph", "FILE", "--target", "cisco"),
        ("query", "FILE", "where is the cat"),
        ("query", "FILE", "who can reach nobody-knows tcp 22"),
        ("query", "FILE", 'who can reach self } allow any from any to self test "x" {'),
        ("query", "FILE", "who can reach self\nallow any from any to self"),
        ("explain", "FW9999"),
        ("targets", "cisco"),
        ("test", "FILE", "-t", "cisco"),
        ("trace", "FILE", "no packet"),
    ],
)
def test_wrong_use_is_2(words: tuple[str, ...], policy: Path) -> None:
    ran = fwc(*(policy if word == "FILE" else word for word in words))
    assert ran.code == 2, ran
    assert ran.out == ""


def test_what_the_tables_print_is_0() -> None:
    for words in (("rules",), ("targets",), ("explain", "FW101"), ("rules", "--output-format", "json")):
        assert fwc(*words).code == 0


def test_diff_exit_codes(tmp_path: Path) -> None:
    wide, narrow = tmp_path / "wide.fw", tmp_path / "narrow.fw"
    narrow.write_text(POLICY)
    wide.write_text(POLICY.replace("allow ssh from lan", "allow ssh from any"))
    assert fwc("diff", narrow, narrow).code == 0
    assert fwc("diff", narrow, wide).code == 1
    assert fwc("diff", wide, narrow).code == 1
    assert fwc("diff", narrow, wide, "--fail-on", "widen").code == 1
    assert fwc("diff", wide, narrow, "--fail-on", "widen").code == 0


def test_a_bug_in_fwc_is_70_and_says_so(policy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is written, nothing is printed but the report; the traceback only with --debug."""
    from fwc import api

    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(api, "compile_policy", broken)
    target = tmp_path / "out.nft"
    ran = fwc("compile", policy, "-t", "nft", "-o", target)
    assert ran.code == 70
    assert "internal error: RuntimeError: boom" in ran.err and "Traceback" not in ran.err
    assert ran.out == "" and not target.exists()
    assert "Traceback" in fwc("--debug", "compile", policy, "-t", "nft").err


def test_stdin_and_its_name(policy: Path) -> None:
    ran = fwc("compile", "-", "-t", "nft", stdin=POLICY.encode())
    assert ran.code == 0 and "table inet fwc" in ran.out
    wrong = b'policy "p"\nallow ssh form lan to self\n'
    assert " --> <stdin>:2:" in fwc("compile", "-", "-t", "nft", stdin=wrong).err
    named = fwc("compile", "-", "--stdin-filename", "edge.fw", "-t", "nft", stdin=wrong)
    assert " --> edge.fw:2:" in named.err
    for name in [n for n in READERS if n in ("diff", "graph", "query")]:
        words = {"diff": ("-", str(policy)), "graph": ("-",), "query": ("-", "who can reach self tcp 22")}[name]
        assert fwc(name, *words, "--stdin-filename", "edge.fw", stdin=POLICY.encode()).code == 0


def test_lint_speaks_of_the_other_files_when_one_cannot_be_read(tmp_path: Path) -> None:
    good, odd = tmp_path / "rules.v4", tmp_path / "odd.conf"
    good.write_text(SAVE.replace("COMMIT", "-A INPUT -p icmp --dport 80 -j ACCEPT\nCOMMIT"))
    odd.write_text("hello\n")
    ran = fwc("lint", "--isolated", odd, tmp_path / "missing.v4", good)
    assert ran.code == 2
    assert "FW003" in ran.out
    assert "odd.conf: cannot tell" in ran.err and "missing.v4: no such file" in ran.err
