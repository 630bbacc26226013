"""Writing outputs: all or nothing, and never half a file."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fwc.errors import UsageError
from fwc.records import Record

if TYPE_CHECKING:
    from pathlib import Path


class PlannedFile(Record):
    """One file to be written: where, its whole text, and whether it is a script."""

    path: Path
    text: str
    executable: bool = False


def output_directory(text: str) -> Path:
    """The directory that `--out-dir` names: one that exists, or a new one beside others. Raises UsageError."""
    from pathlib import Path

    directory = Path(text)
    if not (directory.is_dir() or (directory.parent.is_dir() and not directory.exists())):
        reason = "it is not a directory" if directory.exists() else f"there is no directory {directory.parent}"
        raise UsageError(f"cannot write into {text}: {reason}")
    return directory


def write_all(files: Sequence[PlannedFile], into: Path | None = None) -> None:
    """Write every file, each replaced atomically.

    All contents are on disk under temporary names before the first rename, so a full disk leaves every old file intact. What is
    no file but a pipe or a device, or an open file (`/dev/stdout`), is written to and stays what it is.
    The mode of a file that exists is kept; a new one is readable and writable by its owner only, because rulesets tell an
    attacker where to try. `into` is made first, where it is missing. Raises UsageError.
    """
    temporary: list[tuple[str, PlannedFile]] = []
    streams: list[PlannedFile] = []
    at = into
    try:
        if into is not None:
            into.mkdir(exist_ok=True)
        for file in files:
            at = file.path
            if _is_stream(file.path):
                streams.append(file)
            else:
                temporary.append((_write_temporary(file), file))
        for file in streams:
            at = file.path
            _write_into(file)
        for name, file in temporary:
            os.replace(name, _target(file.path))
        for directory in {_target(file.path).parent for _, file in temporary}:
            _sync_directory(directory)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise UsageError(f"cannot write {problem.filename or at}: {reason}") from None
    finally:
        for name, _ in temporary:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


def out_of_date(files: Sequence[PlannedFile]) -> list[PlannedFile]:
    """Those whose text differs from what is on disk, or that are missing."""
    return [file for file in files if read_existing(file.path) != file.text]


def difference(file: PlannedFile) -> str:
    """A unified diff from the file on disk to the planned text."""
    import difflib

    old = read_existing(file.path)
    return "".join(
        difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            file.text.splitlines(keepends=True),
            fromfile="/dev/null" if old is None else str(file.path),
            tofile=str(file.path),
        )
    )


def read_existing(path: Path) -> str | None:
    """The present text, None when there is no such file, or one that text only passes through. Raises UsageError when it cannot
    be read."""
    if _is_stream(path):
        return None
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {(problem.strerror or str(problem)).lower()}") from None


def _is_stream(path: Path) -> bool:
    """Whether there is an open file of this process, a pipe, a terminal or another device of characters. Raises UsageError where
    there is nothing to write to."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise UsageError(f"cannot write {path}: it is a {'disk' if stat.S_ISBLK(mode) else 'socket'}")
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _descriptor(path: Path) -> int | None:
    """The number of the open file that `/dev/stdout`, `/dev/fd/3` and the like stand for. What it leads to may be a file with
    other text in it, which is not to be replaced."""
    place = os.path.abspath(path)
    for _ in range(8):
        directory, name = os.path.split(place)
        if directory in ("/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd") and name.isdecimal():
            return int(name)
        if not os.path.islink(place):
            return None
        place = os.path.join(directory, os.readlink(place))
    return None


def _write_into(file: PlannedFile) -> None:
    number = _descriptor(file.path)
    with open(file.path if number is None else os.dup(number), "w", encoding="utf-8", newline="\n") as stream:
        stream.write(file.text)


def _target(path: Path) -> Path:
    """The file itself when `path` is a symbolic link: replacing the link would leave the real file stale."""
    return path.resolve() if path.is_symlink() else path


def _write_temporary(file: PlannedFile) -> str:
    path = _target(file.path)
    import tempfile

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(file.text)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            os.chmod(name, path.stat().st_mode & 0o7777)
        elif file.executable:
            os.chmod(name, 0o700)
    except BaseException:
        os.unlink(name)
        raise
    return name


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
