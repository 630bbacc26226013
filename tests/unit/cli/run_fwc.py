"""Runs the command line in this process and returns what it printed."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from fwc.cli.main import run
from fwc.records import Record

POLICY = """policy "p"
settings { target nft }
zone wan { iface linux: eth0; iface macos: en0 }
zone lan { iface linux: eth1; iface macos: en1; net 192.168.1.0/24 }
allow ssh from lan to self
allow https from any to self
test "t" { packet tcp 192.168.1.9 -> self:22 in lan expect allow }
"""

SAVE = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""


class Ran(Record):
    code: int
    out: str
    err: str


class _Stream(io.TextIOWrapper):
    def __init__(self, content: bytes = b"") -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8", newline="")

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode("utf-8", "surrogateescape")  # type: ignore[attr-defined, no-any-return]


def fwc(*arguments: str | Path, stdin: bytes = b"") -> Ran:
    """`fwc ARGUMENTS`."""
    saved: tuple[Any, ...] = (sys.stdin, sys.stdout, sys.stderr)
    out, err = _Stream(), _Stream()
    sys.stdin, sys.stdout, sys.stderr = _Stream(stdin), out, err
    try:
        code = run([str(a) for a in arguments])
        return Ran(code, out.text(), err.text())
    finally:
        sys.stdin, sys.stdout, sys.stderr = saved
