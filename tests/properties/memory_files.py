"""The `Files` of a policy that names no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fwc.lang.files import FileProblem
from fwc.source import SourceFile


class NoFiles:
    def include(self, pattern: str, base: SourceFile) -> Sequence[SourceFile]:
        raise FileProblem(f"{pattern} is not there")

    def data(self, path: str, base: SourceFile) -> tuple[SourceFile, str]:
        raise FileProblem(f"{path} is not there")

    def lock(self) -> Mapping[str, Sequence[str]]:
        return {}
