"""Diagnostic codes of statements: what a rule, a translation or a test says that cannot be so (FW082 to FW096)."""

from __future__ import annotations

JUMP_UNDEFINED = ("FW015", "jump-undefined")
CHAIN_CYCLE = ("FW016", "chain-cycle")
NOT_EXPRESSIBLE = ("FW031", "lossy-compile")
EMPTY_SET = ("FW844", "empty-group")
REDEFINED = ("FW845", "redefinition")

NO_MATCH = ("FW082", "matches-nothing")
TO_ANY = ("FW083", "allow-to-any")
MISSING_END = ("FW084", "missing-end")
OPTION = ("FW085", "option-not-here")
LIMIT = ("FW086", "limit-without-allow")
CONDITION = ("FW087", "bad-condition")
REJECT_KIND = ("FW088", "bad-reject-kind")
TRANSLATION = ("FW089", "bad-translation")
STATELESS = ("FW090", "bad-stateless")
PLACE = ("FW091", "wrong-place")
CHANGE = ("FW092", "bad-packet-change")
TEST = ("FW093", "bad-test")
STATE = ("FW094", "state-of-first-packet")
"""Code and name; the naming half of the elaboration has its own list in `codes`."""
