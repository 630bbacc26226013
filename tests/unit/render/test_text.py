"""The text form: carets under the words, nothing that a terminal would obey."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fwc.diagnostics import Diagnostic, Label, Severity, error
from fwc.render.text import COLOUR, render_concise, render_full, summary, visible
from fwc.source import SourceFile, Span


def test_full_points_at_both_places() -> None:
    source = SourceFile("rules.v4", "one\n-A INPUT -j DROP\nthree\n")
    diagnostic = Diagnostic(
        "FW101",
        Severity.ERROR,
        "this DROP never takes effect",
        Label(Span(source, 4, 21), "unreachable"),
        (Label(Span(source, 0, 3), "takes it all"),),
        help="move line 2 above line 1",
        category="reachability",
        witness={"text": "tcp 10.0.0.1:1 -> 10.0.0.2:22"},
    )
    assert render_full([diagnostic]) == (
        "error FW101 [reachability] this DROP never takes effect\n"
        " --> rules.v4:2:1\n"
        "  |\n"
        "2 | -A INPUT -j DROP\n"
        "  | ^^^^^^^^^^^^^^^^ unreachable\n"
        "  |\n"
        "1 | one\n"
        "  | --- takes it all\n"
        "  |\n"
        "  = witness: tcp 10.0.0.1:1 -> 10.0.0.2:22\n"
        "  = help: move line 2 above line 1\n\n"
    )


def test_concise_is_one_line() -> None:
    source = SourceFile("a.fw", "x\ny\n")
    assert render_concise([error("FW001", "bad", Span(source, 2, 3))]) == "a.fw:2:1: error FW001 bad\n"


@given(st.text(), st.integers(0, 40), st.integers(0, 40), st.text())
def test_no_control_character_reaches_the_terminal(text: str, start: int, length: int, message: str) -> None:
    """Whatever the source and the message hold, the output has no control characters but line ends of its own."""
    source = SourceFile("evil\033[2J.fw", text)
    start = min(start, len(text))
    span = Span(source, start, min(len(text), start + length))
    out = render_full([error("FW001", message, span, help=message, label=message)])
    assert all(c == "\n" or c == " " or c.isprintable() for c in out)
    assert render_concise([error("FW001", message, span)]).count("\n") == 1


def test_a_line_of_a_megabyte_is_cut() -> None:
    source = SourceFile("a.fw", "x" * 1_000_000)
    out = render_full([error("FW001", "bad", Span(source, 500_000, 500_004))])
    assert len(out) < 1000
    assert "^^^^" in out


def test_bidirectional_overrides_are_spelled_out() -> None:
    assert visible("a\u202eb") == "a\\u202eb"


def test_colour_and_summary() -> None:
    source = SourceFile("a.fw", "x\n")
    found = [error("FW001", "bad", Span(source, 0, 1))]
    assert "\033[" in render_full(found, COLOUR)
    assert summary(found) == "Found 1 error."
    assert summary([]) == ""
