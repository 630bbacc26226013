"""How often Python looks for garbage."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """Trees and rules hold no cycles, but the collector walks all of them again and again while they grow: half of the time of a
    compile. Now it looks only every so often, for commands that read many files."""
    gc.set_threshold(1_000_000, 20, 100)
