"""The directories of tests/cases/compile: what each compiles to. `python -m tests.compile_cases` rewrites the expected files."""

from __future__ import annotations

from pathlib import Path

from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy, load_policy
from fwc.diagnostics import Severity
from fwc.elaborate.elaborated import Elaborated
from fwc.elaborate.program import ElaborateOptions
from fwc.source import SourceFile

ROOT = Path(__file__).parent / "cases" / "compile"
TARGETS = ("nftables", "iptables", "pf")
EXPECTED = {
    "nftables.conf": "expected.nft",
    "rules.v4": "expected.v4",
    "rules.v6": "expected.v6",
    "ipset.conf": "expected.ipset",
    "pf.conf": "expected.pf",
}


def cases() -> list[Path]:
    return sorted(path.parent for path in ROOT.glob("*/input.fw"))


def source(case: Path) -> SourceFile:
    return SourceFile("input.fw", (case / "input.fw").read_text())


def elaborated(case: Path, target: str) -> Elaborated:
    found, diagnostics = load_policy(source(case), NoFiles(), ElaborateOptions(target))
    assert found is not None, [d.message for d in diagnostics]
    return found


def produced(case: Path, verify: bool = True) -> dict[str, str]:
    """Every file a case compiles to by the name of its golden; a refusing target gives refused.TARGET with the messages."""
    files: dict[str, str] = {}
    for target in TARGETS:
        options = CompileOptions((target,), verify=verify, lint=False)
        outputs, diagnostics = compile_policy(source(case), NoFiles(), options)
        for output in outputs:
            files.update({EXPECTED[file.name]: file.text for file in output.files})
        if not outputs:
            errors = [d for d in diagnostics if d.severity is Severity.ERROR]
            lines = [f"{d.primary.span.line if d.primary else 0}: {d.code} {d.message}" for d in errors]
            files[f"refused.{target}"] = "\n".join(lines) + "\n"
    return files


def goldens(case: Path) -> dict[str, str]:
    """What lies in the directory."""
    found = [*case.glob("expected.*"), *case.glob("refused.*")]
    return {path.name: path.read_text() for path in found}


def bless() -> None:
    """Write what is produced now; review the difference before committing it."""
    for case in cases():
        files = produced(case)
        for name in goldens(case).keys() - files.keys():
            (case / name).unlink()
        for name, text in files.items():
            (case / name).write_text(text)


if __name__ == "__main__":
    bless()
