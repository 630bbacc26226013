"""Lines of iptables-restore as words (add_param_to_argv of iptables/xshared.c), and of shell scripts."""

from __future__ import annotations

from fwc.dialects.iptables.tree import Words


def split_words(text: str) -> Words | None:
    """The words of a line: double quotes group, a backslash escapes inside quotes only. None when a quote stays open."""
    if '"' not in text and text.isascii() and text.isprintable():
        return tuple(text.split())
    return _split(text, shell=False)


def split_shell(text: str) -> Words | None:
    """The words of a shell command line: single quotes and backslashes count too, `#` at a word's start ends the line.

    None when a quote stays open. Expansions are not done; the caller refuses words with `$` or backquotes.
    """
    if text.isascii() and text.isprintable() and not any(c in text for c in "'\"\\#"):
        return tuple(text.split())
    return _split(text, shell=True)


def _split(text: str, shell: bool) -> Words | None:
    out: list[str] = []
    word: list[str] = []
    inside = False  # a word has begun, perhaps an empty quoted one
    quote = ""
    escaped = False
    for char in text:
        if escaped:
            word.append(char)
            escaped = False
        elif quote:
            if char == "\\" and quote == '"':
                escaped = True
            elif char == quote:
                quote = ""
                if not shell:
                    out.append("".join(word))
                    word, inside = [], False
            else:
                word.append(char)
        elif char == '"' or (shell and char == "'"):
            quote, inside = char, True
        elif shell and char == "\\":
            escaped, inside = True, True
        elif char in " \t\r\n":
            if inside:
                out.append("".join(word))
                word, inside = [], False
        elif shell and char == "#" and not inside:
            break
        else:
            word.append(char)
            inside = True
    if quote:
        return None
    if inside:
        out.append("".join(word))
    return tuple(out)


def word_offsets(text: str) -> list[int]:
    """Where each word of `split_words(text)` begins; for messages only, so it is not fast."""
    out: list[int] = []
    inside = quote = escaped = False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            escaped = char == "\\"
            if char == '"':
                quote = inside = False
        elif char == '"':
            if not inside:
                out.append(at)
            quote = inside = True
        elif char in " \t\r\n":
            inside = False
        elif not inside:
            out.append(at)
            inside = True
    return out


def join_words(words: Words) -> str:
    """Text that `split_words` reads back as `words`."""
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if word and word.isascii() and word.isprintable() and " " not in word and '"' not in word:
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
