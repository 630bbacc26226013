"""Statements of nft that are kept as text and refer to what the text itself does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, error
from fwc.ir.match import Opaque
from fwc.ir.model import Rule, Ruleset
from fwc.ir.verdict import OpaqueAction, OpaqueVerdict
from fwc.ir.walk import match_nodes, rules

_QUOTED = re.compile(r'"[^"]*"')
_RAW = re.compile(r"@(?:ll|nh|th|ih),")
_NAMED = re.compile(r"[@$][\w.-]+")
_OBJECT = re.compile(r"(?:quota|counter|limit|synproxy) name |ct (?:timeout|expectation|helper) set ")


def dangling(ruleset: Ruleset) -> list[Diagnostic]:
    """An error at each rule of an nft ruleset that would be written without the set, variable or object which it names."""
    out: dict[Diagnostic, None] = {}
    for _, _, _, rule in rules(ruleset):
        for text in _texts(rule):
            plain = _RAW.sub("", _QUOTED.sub("", text))
            named = _NAMED.search(plain)
            if named is None and _OBJECT.search(plain) is None:
                continue
            what = f"`{named[0]}`" if named is not None else "an object of its table"
            problem = (
                f"`{text[:60]}` is not understood but kept as it is, and it refers to {what}, which would be missing"
            )
            help = "take this rule out and write it by hand"
            out[error("FW031", problem, rule.origin.span, help=help, name="lossy-compile")] = None
    return list(out)


def _texts(rule: Rule) -> Iterator[str]:
    for node in (*match_nodes(rule.match), *rule.actions, rule.verdict):
        if isinstance(node, Opaque | OpaqueAction | OpaqueVerdict) and node.dialect == "nft":
            yield node.text
