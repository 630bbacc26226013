"""What the language cannot say, raised where it is found and reported at the source's line."""

from __future__ import annotations


class Unsaid(Exception):
    """`what` names the thing in the source, `help` says what to do instead (may be empty)."""

    def __init__(self, what: str, help: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.help = help
