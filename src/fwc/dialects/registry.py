"""Target and dialect names; importing a dialect only when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from fwc.dialects.base import Dialect

TARGETS = {"nftables": "nft", "iptables": "iptables", "pf": "pf"}
"""Names of targets, in the order of `--target all`, and the package of each."""

ALIASES = {"nft": "nftables"}


def target_name(word: str) -> str | None:
    """The canonical name of a target, or None."""
    word = ALIASES.get(word, word)
    return word if word in TARGETS else None


def load_dialect(target: str) -> Dialect[Any]:
    """The dialect of a target given by its canonical name."""
    module = importlib.import_module(f"fwc.dialects.{TARGETS[target]}")
    dialect: Dialect[Any] = module.dialect
    return dialect
