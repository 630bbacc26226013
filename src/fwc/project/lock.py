"""`policy.lock`: the addresses of the names in a policy's `dns "..."`, resolved by `fwc lock` and reviewed like any diff."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fwc.errors import UsageError
from fwc.lang.files import FileProblem
from fwc.net.addresses import format_address, parse_address

LOCK_NAME = "policy.lock"
_HEADER = "# Written by `fwc lock`: addresses of the dns names in the policy. Review changes like any other diff.\n"


def read_lock(directory: Path) -> Mapping[str, Sequence[str]]:
    """Name to addresses; empty when there is no lock file. Raises FileProblem on a malformed line."""
    path = directory / LOCK_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as problem:
        raise FileProblem(f"cannot read {path}: {problem}") from None
    entries: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if len(words) != 2 or parse_address(words[1]) is None:
            raise FileProblem(f"{path}:{number}: expected `NAME ADDRESS`; run `fwc lock` to write the file again")
        entries.setdefault(words[0], []).append(words[1])
    return entries


def format_lock(entries: Mapping[str, Sequence[str]]) -> str:
    """The file's text: one `name address` a line, sorted."""
    lines = [f"{name} {address}\n" for name in sorted(entries) for address in entries[name]]
    return _HEADER + "".join(lines)


def resolve(names: Iterable[str]) -> dict[str, list[str]]:
    """Ask the system's resolver for every name. Raises UsageError with all names that do not resolve."""
    entries: dict[str, list[str]] = {}
    failed: list[str] = []
    for name in sorted(set(names)):
        try:
            answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            failed.append(name)
            continue
        found = {parse_address(str(answer[4][0]).split("%")[0]) for answer in answers}
        ordered = sorted((a for a in found if a is not None), key=lambda a: (a[0].value, a[1]))
        entries[name] = [format_address(family, value) for family, value in ordered]
    if failed:
        raise UsageError(f"cannot resolve {', '.join(failed)}; policy.lock is unchanged")
    return entries
