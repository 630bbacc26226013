"""Times of day and moments, in seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DAY = 86400

LAST_MOMENT = 253402300799
"""9999-12-31T23:59:59."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_of_day(text: str) -> int | None:
    """Seconds since midnight of `H:MM` or `H:MM:SS`, None for other text."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(p.isascii() and p.isdigit() and len(p) <= 2 for p in parts):
        return None
    hours, minutes, seconds = (*map(int, parts), 0)[:3]
    return hours * 3600 + minutes * 60 + seconds if hours < 24 and minutes < 60 and seconds < 60 else None


def clock_text(seconds: int, *, short: bool = False) -> str:
    """`HH:MM:SS`; with `short` without seconds where there are none."""
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return text if short and seconds % 60 == 0 else f"{text}:{seconds % 60:02}"


def moment(text: str) -> int | None:
    """Seconds from 1970 on of `YYYY-MM-DD`, with a time of day behind a blank or a T where there is one; None for other text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None or found.microsecond:
        return None
    return int((found.replace(tzinfo=UTC) - _EPOCH).total_seconds())


def moment_text(seconds: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS` of seconds from 1970 to `LAST_MOMENT`."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
