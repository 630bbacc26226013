"""The directories of tests/cases/convert: what each becomes as a policy, a pf.conf as nft text. `python -m
tests.convert_cases` rewrites the files."""

from __future__ import annotations

from pathlib import Path

from fwc.api import ReadRequest, convert
from fwc.diagnostics import Severity
from fwc.source import SourceFile

ROOT = Path(__file__).parent / "cases" / "convert"
KINDS = {".v4": "iptables-save", ".nft": "nft", ".pf": "pf"}


def cases() -> list[Path]:
    return sorted(path.parent for path in ROOT.glob("*/input.*"))


def source(case: Path) -> tuple[SourceFile, str]:
    (path,) = case.glob("input.*")
    return SourceFile(path.name, path.read_text()), KINDS[path.suffix]


def produced(case: Path) -> tuple[str, str]:
    """Name and text of the expected file: the policy or nft text, or what was refused."""
    text, kind = source(case)
    target, expected = ("nftables", "expected.nft") if kind == "pf" else ("fwc", "expected.fw")
    output, found = convert(text, ReadRequest(kind), target)
    if output is not None:
        return expected, output.files[0].text
    errors = [d for d in found if d.severity is Severity.ERROR]
    lines = [f"{d.primary.span.line if d.primary else 0}: {d.code} {d.message}\n" for d in errors]
    return "refused.txt", "".join(lines)


def bless() -> None:
    for case in cases():
        name, text = produced(case)
        (case / name).write_text(text)


if __name__ == "__main__":
    bless()
