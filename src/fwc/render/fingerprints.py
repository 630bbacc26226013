"""Identities of findings that survive edits elsewhere in the file: for baselines, SARIF and GitLab."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from fwc.diagnostics import Diagnostic


def fingerprints(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """One per diagnostic, in order: hash of code, path, the text at fault with its blanks folded, and which of several
    equal ones it is. No line numbers, so a line added above changes nothing."""
    seen: Counter[tuple[str, str, str]] = Counter()
    out = []
    for diagnostic in diagnostics:
        span = diagnostic.primary.span if diagnostic.primary else None
        text = " ".join(span.text.split()) if span else diagnostic.message
        key = (diagnostic.code, span.file.path if span else "", text)
        seen[key] += 1
        raw = "\0".join((*key, str(seen[key])))
        out.append(hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return out
