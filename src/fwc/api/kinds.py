"""The kinds of input: their names, and how a text is recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwc.dialects.recognise import recognise

if TYPE_CHECKING:
    from fwc.source import SourceFile


KINDS = ("fwc", "iptables-save", "nft", "nft-json", "pf")
"""What `--format-in` takes."""

DIALECT_OF = {"iptables-save": "iptables", "nft": "nftables", "nft-json": "nftables", "pf": "pf"}
"""The target whose dialect reads each kind of input."""


def recognise_kind(source: SourceFile) -> str | None:
    """The kind of a text as `--format-in` names it, None when nothing speaks for any. A name in `.fw` speaks for a policy, so
    that a policy with a mistake in its first line still gets its message."""
    return recognise(source.text) or ("fwc" if source.path.endswith(".fw") else None)
