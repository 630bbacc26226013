"""pf.conf text to tree. Every error of the file is reported; a statement that has one is left out of the tree."""

from __future__ import annotations

from collections.abc import Callable

from fwc.diagnostics import Diagnostic, error, has_errors, warning
from fwc.dialects.pf import statements as s
from fwc.dialects.pf.check import Environment, check_file
from fwc.dialects.pf.lexer import END, KEY, NEWLINE, PUNCT, STRING, WORD, tokenize
from fwc.dialects.pf.reader import PfSyntaxError, Reader
from fwc.dialects.pf.rules import anchor_rule, filter_rule
from fwc.dialects.pf.tree import Comment, PfFile, Statement, Verbatim
from fwc.source import SourceFile, Span

MAX_NESTING = 64


def parse(
    source: SourceFile, *, macos: bool = False, environment: Environment | None = None, comments: bool = True
) -> tuple[PfFile, list[Diagnostic]]:
    """The tree of `source` and every finding.

    With `macos` the file must be what macOS' pfctl takes; without, words of older and later releases of OpenBSD and FreeBSD
    are understood, with a warning (FW002). `environment` tells which interfaces, host names and users exist, as pfctl asks the
    system; without it every plausible name is taken.
    """
    tokens = tokenize(source)
    reader = Reader(tokens, macos)
    out: list[Statement] = []
    last = len(tokens.kinds) - 1
    if macos and last > 0 and tokens.kinds[last - 1] != NEWLINE:
        reader.diagnostics.append(
            _syntax("the file does not end in a line end", tokens.span(last, last), "end the last line")
        )
    _statements(reader, out, 0)
    diagnostics = reader.diagnostics
    if comments and tokens.comments:
        out = _with_comments(source, out, tokens.comments)
    tree = PfFile(tuple(out), source)
    diagnostics.extend(check_file(tree, macos, environment))
    return tree, diagnostics


def accepts(text: str, environment: Environment | None = None) -> bool:
    """Whether macOS' pfctl takes the text."""
    _, found = parse(SourceFile("pf.conf", text), macos=True, environment=environment, comments=False)
    return not has_errors(found)


def _syntax(message: str, span: Span, help: str = "", code: str = "FW001") -> Diagnostic:
    return error(code, message, span, help=help, name="syntax-error" if code == "FW001" else "")


def _statements(r: Reader, out: list[Statement], depth: int) -> None:
    """Statements up to the end of the file, or to the `}` of an anchor body when `depth` is not 0."""
    kinds = r.kinds
    while True:
        kind = kinds[r.at]
        if kind == NEWLINE:
            r.at += 1
            continue
        if kind == END or (depth and r.values[r.at] == "}" and kind == PUNCT):
            return
        first = r.at
        try:
            statement = _statement(r, depth)
            if not r.end_of_line() and not (depth and r.values[r.at] == "}"):
                raise r.unexpected("the line end")
            out.append(statement)
        except PfSyntaxError as problem:
            r.diagnostics.append(_syntax(problem.message, problem.span, problem.help, problem.code))
            _recover(r, first)


def _recover(r: Reader, first: int) -> None:
    """To the line end after the statement that began at token `first`; braces that it opened are skipped whole."""
    depth = 0
    at = first
    while r.kinds[at] != END:
        if r.kinds[at] == PUNCT:
            if r.values[at] == "{":
                depth += 1
            elif r.values[at] == "}" and depth:
                depth -= 1
        if r.kinds[at] == NEWLINE and (depth == 0 or at > first + 20_000) and at >= r.at - 1:
            break
        at += 1
    r.at = max(at, r.at if r.kinds[at] == END else at)


def _statement(r: Reader, depth: int) -> Statement:
    word, kind, first = r.values[r.at], r.kinds[r.at], r.at
    if kind == KEY:
        if word in ("pass", "block"):
            return filter_rule(r)
        if word == "anchor":
            return anchor_rule(r, lambda inner: _body(inner, depth + 1))
        if depth and r.macos:
            raise r.fail(f"'{word}' cannot stand inside an anchor's braces", first)
        no = word == "no"
        if no:
            r.at += 1
            word = r.values[r.at]
        if word in ("nat", "rdr", "binat") and r.kinds[r.at] == KEY:
            return s.translation(r, no, first)
        if word == "scrub":
            return s.scrub(r, no, first)
        if not no:
            reader = _STATEMENTS.get(word)
            if reader is not None:
                return reader(r)
            if word in ("altq", "queue"):
                return _foreign(r, first)
            raise r.unexpected("a statement")
        raise r.unexpected("nat, rdr, binat or scrub")
    if kind in (WORD, STRING) and r.values[r.at + 1] == "=" and r.kinds[r.at + 1] == PUNCT:
        if depth and r.macos:
            raise r.fail("a macro cannot be defined inside an anchor's braces", first)
        return s.macro(r)
    if kind == WORD and not r.macos and word == "match":
        return filter_rule(r)
    raise r.unexpected("a statement")


_STATEMENTS: dict[str, Callable[[Reader], Statement]] = {
    "nat-anchor": s.translation_anchor,
    "rdr-anchor": s.translation_anchor,
    "binat-anchor": s.translation_anchor,
    "scrub-anchor": s.scrub_anchor,
    "dummynet": s.dummynet,
    "dummynet-anchor": s.dummynet,
    "antispoof": s.antispoof,
    "table": s.table,
    "set": s.set_option,
    "load": s.load_anchor,
    "include": s.include,
}


def _body(r: Reader, depth: int) -> tuple[Statement, ...]:
    if depth > MAX_NESTING:
        raise r.fail("anchors are nested deeper than 64 levels")
    out: list[Statement] = []
    _statements(r, out, depth)
    return tuple(out)


def _foreign(r: Reader, first: int) -> Verbatim:
    """A queueing statement: macOS has no ALTQ, so it is kept as text."""
    if r.macos:
        raise r.fail(f"'{r.values[first]}': macOS has no ALTQ", first)
    depth = 0
    while r.kinds[r.at] != END:
        if r.kinds[r.at] == PUNCT and r.values[r.at] in "{}":
            depth += 1 if r.values[r.at] == "{" else -1
        if r.kinds[r.at] == NEWLINE and depth <= 0:
            break
        r.at += 1
    span = r.span(first)
    r.diagnostics.append(
        warning("FW002", f"'{r.values[first]}' is ALTQ, which macOS does not have", span, name="unsupported-construct")
    )
    return Verbatim(" ".join(span.text.replace("\\\n", " ").split()), span)


def _with_comments(source: SourceFile, statements: list[Statement], comments: dict[int, str]) -> list[Statement]:
    """Comments that have a line of their own become statements at their place; others stay in the source text."""
    found: list[tuple[int, Statement]] = []
    text = source.text
    for offset, comment in comments.items():
        line_start = text.rfind("\n", 0, offset) + 1
        if not text[line_start:offset].strip():
            body = comment[1:].replace("\\\n", " ").strip()
            if body:
                found.append((offset, Comment(body, Span(source, offset, offset + len(comment)))))
    spans = [(st.span.start, st.span.end) for st in statements if st.span]
    inside = _Inside(spans)
    found = [(offset, node) for offset, node in found if not inside(offset)]
    if not found:
        return statements
    merged = [(st.span.start if st.span else 0, st) for st in statements] + found
    merged.sort(key=lambda pair: pair[0])
    return [node for _, node in merged]


class _Inside:
    """Whether an offset lies within a statement; offsets come in rising order."""

    __slots__ = ("at", "spans")

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self.spans = spans
        self.at = 0

    def __call__(self, offset: int) -> bool:
        while self.at < len(self.spans) and self.spans[self.at][1] <= offset:
            self.at += 1
        return self.at < len(self.spans) and self.spans[self.at][0] <= offset
