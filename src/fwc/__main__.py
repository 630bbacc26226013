"""`python -m fwc`, and the command `fwc`."""

from __future__ import annotations

from fwc.cli.collector import collect_rarely


def main() -> None:
    """Run the command line; never returns."""
    collect_rarely()  # before anything else is imported: the modules themselves are many objects
    from fwc.cli.main import main as run_and_exit

    run_and_exit()


if __name__ == "__main__":
    main()
