"""Reading from disk: policies, what they include, and rulesets to import."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fwc.errors import UsageError
from fwc.lang.files import FileProblem
from fwc.source import SourceFile

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes; a larger input is refused rather than read into memory."""

STANDARD_INPUT = "-"


def read_input(path: str, stdin_filename: str = "") -> SourceFile:
    """The text of a file named on the command line, `-` for standard input. Raises UsageError in one line."""
    if path == STANDARD_INPUT:
        return SourceFile(stdin_filename or "<stdin>", _decode(sys.stdin.buffer.read(LARGEST_FILE + 1), "<stdin>"))
    try:
        return SourceFile(path, _decode(_read_bytes(path or "."), path))
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {_reason(problem)}") from None


class DiskFiles:
    """The `Files` of a policy on disk."""

    def __init__(self, policy: str, standard: str) -> None:
        """`policy` is the path of the main policy (its directory holds `policy.lock`), `standard` the shipped library."""
        self._policy = policy if policy != STANDARD_INPUT else ""
        self._standard = standard

    def include(self, pattern: str, base: SourceFile) -> Sequence[SourceFile]:
        if pattern.startswith("std:"):
            return [self._read_standard(pattern)]
        directory = self._base_directory(base)
        if any(c in pattern for c in "*?["):
            import glob

            names = sorted(glob.glob(pattern, root_dir=directory), key=os.fsencode)
            if not names:
                raise FileProblem(f"no file matches {pattern!r} in {directory}")
        else:
            names = [pattern]
        return [self._read(directory / name) for name in names]

    def data(self, path: str, base: SourceFile) -> tuple[SourceFile, str]:
        full = self._base_directory(base) / path
        try:
            content = _read_bytes(full)
        except OSError as problem:
            raise FileProblem(f"cannot read {full}: {_reason(problem)}") from None
        import hashlib

        return self._source(full, content), hashlib.sha256(content).hexdigest()

    def lock(self) -> Mapping[str, Sequence[str]]:
        from fwc.project.lock import read_lock

        return read_lock(_path(self._policy).parent)

    def _base_directory(self, base: SourceFile) -> Path:
        if base.path.startswith("std:"):
            return _path(self._standard)
        return _path(base.path if base.path != "<stdin>" else self._policy).parent

    def _read_standard(self, name: str) -> SourceFile:
        stem = name.removeprefix("std:").removesuffix(".fw")
        if not stem.replace("-", "").replace("_", "").isalnum():
            raise FileProblem(f"{name!r} is not the name of a shipped policy")
        standard = _path(self._standard)
        path = standard / f"{stem}.fw"
        if not path.is_file():
            known = ", ".join(f"std:{p.stem}" for p in sorted(standard.glob("*.fw")))
            raise FileProblem(f"there is no shipped policy {name!r}; there are {known}")
        return SourceFile(f"std:{stem}", path.read_text(encoding="utf-8"))

    def _read(self, path: Path) -> SourceFile:
        try:
            return self._source(path, _read_bytes(path))
        except OSError as problem:
            raise FileProblem(f"cannot read {path}: {_reason(problem)}") from None

    def _source(self, path: Path, content: bytes) -> SourceFile:
        try:
            return SourceFile(str(path), _decode(content, str(path)))
        except UsageError as problem:
            raise FileProblem(str(problem)) from None


def _path(text: str) -> Path:
    from pathlib import Path  # most policies include nothing: they are read without it

    return Path(text)


def standard_policies() -> str:
    """The directory of the shipped policies: inside the installed package, or `policies/std` of a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    installed = os.path.join(package, "std")
    checkout = os.path.dirname(os.path.dirname(package))
    return installed if os.path.isdir(installed) else os.path.join(checkout, "policies", "std")


def _read_bytes(path: str | Path) -> bytes:
    """Whole content of a regular file; a device or pipe could never end, so only pipes named by the user on the command
    line (process substitution) are read, up to the limit."""
    if "\0" in str(path):
        raise OSError(22, "is no name of a file")
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "is a directory")
    if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
        raise OSError(22, "is a device")
    with open(path, "rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise OSError(27, f"is larger than {LARGEST_FILE >> 20} MiB")
    return content


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        column = problem.start - content.rfind(b"\n", 0, problem.start)
        raise UsageError(
            f"{name}:{line}:{column}: byte 0x{content[problem.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None


def _reason(problem: OSError) -> str:
    return (problem.strerror or str(problem)).lower()
