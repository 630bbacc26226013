"""`python -m fwc`, and the command `fwc`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line; never returns."""
    # Trees and rules hold no cycles, but the collector walks all of them again and again while they grow: half of the time of
    # a compile. Now it looks only every so often, for commands that read many files. Set before anything else is imported: the
    # modules themselves are many objects.
    gc.set_threshold(1_000_000, 20, 100)
    from fwc.cli.main import main as run_and_exit

    run_and_exit()


if __name__ == "__main__":
    main()
