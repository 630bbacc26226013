"""`python -m fwc`."""

from __future__ import annotations

from fwc.cli.main import main

if __name__ == "__main__":
    main()
