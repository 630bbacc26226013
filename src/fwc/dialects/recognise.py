"""Which syntax a text is in, by its content."""

from __future__ import annotations

import re
from itertools import islice

KINDS = ("fwc", "iptables-save", "nft", "nft-json", "pf")
"""The words of `--format-in`."""

_LOOK = 400_000
"""Characters looked at; a file's kind shows long before that."""

_MOST_HITS = 5
"""Lines with a sign that count."""

_SIGNS: tuple[tuple[str, int, tuple[str, ...], str], ...] = (
    ("fwc", 12, ("syntax",), r"^[ \t]*syntax[ \t]+\d+[ \t]*(?:#|$)"),
    ("fwc", 2, ("zone", "host", "group", "service", "template"),
     r"^[ \t]*(?:zone|host|group|service|template)[ \t]+[\w-]+[ \t]*(?:=|\{|\(|within)"),
    ("fwc", 2, ("allow", "deny", "reject"), r"^[ \t]*(?:allow|deny|reject)[ \t].*\bfrom\b.*\bto\b"),
    ("fwc", 2, ("default",), r"^[ \t]*default[ \t]+(?:input|forward|output)[ \t]+(?:allow|deny|reject)"),
    ("iptables-save", 10, ("*",), r"^\*(?:filter|nat|mangle|raw|security|broute)[ \t]*$"),
    ("iptables-save", 4, (":",), r"^:[^\s:]{1,40}[ \t]+(?:ACCEPT|DROP|REJECT|-)(?:[ \t]+\[\d+:\d+\])?[ \t]*$"),
    ("iptables-save", 4, ("-A", "-I", "-P", "-N"), r"^[ \t]*(?:\[\d+:\d+\][ \t]*)?-[AIPN][ \t]+[\w.:-]+"),
    ("iptables-save", 6, ("tables",), r"^[^#\n]*\bip6?tables\b[^\n]*[ \t]-[AIPN][ \t]"),
    ("iptables-save", 3, ("COMMIT",), r"^COMMIT[ \t]*$"),
    ("iptables-save", 2, ("create",), r"^create[ \t]+\S+[ \t]+(?:hash|bitmap|list):"),  # its ipsets, before the tables
    ("nft", 10, ("table", "flush"), r"^[ \t]*(?:table|add table|create table|flush table|delete table)[ \t]+"
                                    r"(?:(?:inet|ip|ip6|arp|bridge|netdev)[ \t]+)?[\w.-]+"),
    ("nft", 6, ("flush",), r"^[ \t]*flush ruleset\b"),
    ("nft", 6, ("#!",), r"^#!.*\bnft\b"),
    ("nft", 3, ("add", "insert", "create"),
     r"^[ \t]*(?:nft )?(?:add|insert|create)[ \t]+(?:rule|chain|set|map|element)[ \t]"),
    ("nft", 3, ("hook",), r"^[ \t]*type[ \t]+(?:filter|nat|route)[ \t]+hook[ \t]"),
    ("nft", 2, ("define",), r"^[ \t]*define[ \t]+\w+[ \t]*="),
    ("pf", 5, ("pass", "block"), r"^[ \t]*(?:pass|block)(?:[ \t]+"
                                 r"(?:in|out|drop|return\S*|log|quick|on|all|from|inet6?|proto|\{)\b|[ \t]*$)"),
    ("pf", 4, ("set",), r"^[ \t]*set[ \t]+(?:skip|block-policy|state-policy|optimization|limit|timeout|loginterface)\b"),
    ("pf", 4, ("nat", "rdr", "scrub", "antispoof", "match"),
     r"^[ \t]*(?:no[ \t]+)?(?:nat|rdr|binat|scrub|antispoof|match)[ \t]+(?:on|in|out|all|for|log|quick|from|pass)\b"),
    ("pf", 4, ("anchor",), r"^[ \t]*(?:(?:nat|rdr|binat|scrub|dummynet)-)?anchor[ \t]+\""),
    ("pf", 4, ("table",), r"^[ \t]*table[ \t]*<[\w.-]+>"),
    ("pf", 1, ("=",), r"^[ \t]*[a-zA-Z]\w*[ \t]*=[ \t]*[\"{\w]"),
)  # fmt: skip
"""(kind, weight, texts of which every match holds one, expression): one that cannot match is not even compiled."""


def recognise(text: str) -> str | None:
    """One of `KINDS`, or None when nothing speaks for any of them."""
    head = text[:_LOOK].replace("\r\n", "\n")
    if head.lstrip()[:1] == "{":
        return "nft-json" if '"nftables"' in head else None
    signs = [(kind, weight, pattern) for kind, weight, texts, pattern in _SIGNS if any(text in head for text in texts)]
    scores = dict.fromkeys(KINDS, 0)
    possible = dict.fromkeys(KINDS, 0)  # what each kind may still get by signs that are not looked for yet
    for kind, weight, _ in signs:
        possible[kind] += weight * (2 + _MOST_HITS)
    for kind, weight, pattern in signs:
        best = max(KINDS, key=scores.__getitem__)
        if all(scores[other] + possible[other] < scores[best] for other in KINDS if other != best):
            return best  # whatever the others still get; most expressions are not even compiled
        hits = sum(1 for _ in islice(re.finditer(pattern, head, re.M), _MOST_HITS))
        scores[kind] += weight * (2 + hits) if hits else 0
        possible[kind] -= weight * (2 + _MOST_HITS)
    best = max(KINDS, key=scores.__getitem__)
    return best if scores[best] else None
