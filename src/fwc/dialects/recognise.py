"""Which syntax a text is in, by its content."""

from __future__ import annotations

import re

KINDS = ("fwc", "iptables-save", "nft", "nft-json", "pf")
"""The words of `--format-in`."""

_LOOK = 400_000
"""Characters looked at; a file's kind shows long before that."""

_SIGNS: tuple[tuple[str, int, re.Pattern[str]], ...] = (
    ("fwc", 12, re.compile(r"^[ \t]*syntax[ \t]+\d+[ \t]*(?:#|$)", re.M)),
    ("fwc", 2, re.compile(r"^[ \t]*(?:zone|host|group|service|template)[ \t]+[\w-]+[ \t]*(?:=|\{|\(|within)", re.M)),
    ("fwc", 2, re.compile(r"^[ \t]*(?:allow|deny|reject)[ \t].*\bfrom\b.*\bto\b", re.M)),
    ("fwc", 2, re.compile(r"^[ \t]*default[ \t]+(?:input|forward|output)[ \t]+(?:allow|deny|reject)", re.M)),
    ("iptables-save", 10, re.compile(r"^\*(?:filter|nat|mangle|raw|security|broute)[ \t]*$", re.M)),
    ("iptables-save", 4, re.compile(r"^:[^\s:]{1,40}[ \t]+(?:ACCEPT|DROP|REJECT|-)(?:[ \t]+\[\d+:\d+\])?[ \t]*$", re.M)),
    ("iptables-save", 4, re.compile(r"^[ \t]*(?:\[\d+:\d+\][ \t]*)?-[AIPN][ \t]+[\w.:-]+", re.M)),
    ("iptables-save", 6, re.compile(r"^[^#\n]*\bip6?tables\b[^\n]*[ \t]-[AIPN][ \t]", re.M)),
    ("iptables-save", 3, re.compile(r"^COMMIT[ \t]*$", re.M)),
    ("nft", 10, re.compile(r"^[ \t]*(?:table|add table|create table|flush table|delete table)[ \t]+"
                           r"(?:(?:inet|ip|ip6|arp|bridge|netdev)[ \t]+)?[\w.-]+", re.M)),
    ("nft", 6, re.compile(r"^[ \t]*flush ruleset\b", re.M)),
    ("nft", 6, re.compile(r"^#!.*\bnft\b", re.M)),
    ("nft", 3, re.compile(r"^[ \t]*(?:nft )?(?:add|insert|create)[ \t]+(?:rule|chain|set|map|element)[ \t]", re.M)),
    ("nft", 3, re.compile(r"^[ \t]*type[ \t]+(?:filter|nat|route)[ \t]+hook[ \t]", re.M)),
    ("nft", 2, re.compile(r"^[ \t]*define[ \t]+\w+[ \t]*=", re.M)),
    ("pf", 5, re.compile(r"^[ \t]*(?:pass|block)(?:[ \t]+(?:in|out|drop|return\S*|log|quick|on|all|from|inet6?|proto|\{)\b"
                         r"|[ \t]*$)", re.M)),
    ("pf", 4, re.compile(r"^[ \t]*set[ \t]+(?:skip|block-policy|state-policy|optimization|limit|timeout|loginterface)\b", re.M)),
    ("pf", 4, re.compile(r"^[ \t]*(?:no[ \t]+)?(?:nat|rdr|binat|scrub|antispoof|match)[ \t]+"
                         r"(?:on|in|out|all|for|log|quick|from|pass)\b", re.M)),
    ("pf", 4, re.compile(r"^[ \t]*(?:(?:nat|rdr|binat|scrub|dummynet)-)?anchor[ \t]+\"", re.M)),
    ("pf", 4, re.compile(r"^[ \t]*table[ \t]*<[\w.-]+>", re.M)),
    ("pf", 1, re.compile(r"^[ \t]*[a-zA-Z]\w*[ \t]*=[ \t]*[\"{\w]", re.M)),
)  # fmt: skip


def recognise(text: str) -> str | None:
    """One of `KINDS`, or None when nothing speaks for any of them."""
    head = text[:_LOOK].replace("\r\n", "\n")
    if head.lstrip()[:1] == "{":
        return "nft-json" if '"nftables"' in head else None
    scores: dict[str, int] = {}
    for kind, weight, pattern in _SIGNS:
        hits = 0
        for _ in pattern.finditer(head):
            hits += 1
            if hits == 5:
                break
        if hits:
            scores[kind] = scores.get(kind, 0) + weight * (2 + hits)
    if not scores:
        return None
    return max(scores, key=lambda kind: (scores[kind], -KINDS.index(kind)))
