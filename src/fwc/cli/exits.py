"""Exit codes, the same for every command (see docs/cli.md)."""

from __future__ import annotations

CLEAN = 0
FINDINGS = 1
USAGE = 2
INTERNAL = 70
INTERRUPTED = 130
