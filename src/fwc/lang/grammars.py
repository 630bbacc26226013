"""Where the grammar files are: inside the wheel, or beside src/ in a checkout. Nothing here is needed to parse a policy."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def grammar_text(name: str) -> str:
    """The text of grammar/NAME.lark. Raises FileNotFoundError.

    A checkout wins over `fwc/grammar`: an editable install leaves a stale copy there.
    """
    package = files("fwc")
    places: list[Traversable] = [package / ".." / ".." / "grammar", package / "grammar"]
    for place in places:
        path = place / f"{name}.lark"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"there is no grammar {name!r}")
