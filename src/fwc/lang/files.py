"""What the language needs of the world: included files, set files and the lock, behind a protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from fwc.source import SourceFile


class FileProblem(Exception):
    """A file that an `include` or a `file` set names cannot be read; the text is a sentence without a final period."""


class Files(Protocol):
    """Reads what a policy names. Paths are relative to the file that names them; `std:NAME` is the shipped library."""

    def include(self, pattern: str, base: SourceFile) -> Sequence[SourceFile]:
        """The files a pattern names, sorted bytewise. Raises FileProblem when there is none or one is unreadable."""
        ...

    def data(self, path: str, base: SourceFile) -> tuple[SourceFile, str]:
        """A set's file and the SHA-256 of its bytes in hex. Raises FileProblem."""
        ...

    def lock(self) -> Mapping[str, Sequence[str]]:
        """`policy.lock` beside the main policy: name to addresses; empty when there is none. Raises FileProblem."""
        ...
