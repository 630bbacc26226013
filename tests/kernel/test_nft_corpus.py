"""nft rulesets that nobody here wrote, where they are there: what is printed loads to the same `nft list ruleset`, from text and
from `nft -j`. `-s` prints the figures."""

from __future__ import annotations

import collections
import csv
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fwc.dialects.nft import dialect
from fwc.dialects.nft.parse import parse
from fwc.source import SourceFile

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
MANIFEST = CORPORA / "MANIFEST.tsv"
NEEDED = ("unshare", "nft")

_EXPIRES = re.compile(r' expires [\w.]+|, "expires": \d+')

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.corpus,
    pytest.mark.skipif(not MANIFEST.exists(), reason="../shared/corpora is not there"),
]


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    reason = f"lacks {', '.join(missing)}" if missing else "is not run by root" if os.geteuid() else ""
    if reason and os.environ.get("CI"):
        pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
    if reason:
        pytest.skip(f"the machine {reason}")


def files() -> Iterator[tuple[str, bytes]]:
    with MANIFEST.open() as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["format"] == "nft":
                yield row["file"], (CORPORA / row["file"]).read_bytes()


def listed(content: bytes, *, json: bool = False) -> tuple[str, str, str]:
    """`nft list ruleset` and `nft -j list ruleset` after loading into an empty namespace, empty when it is refused; and the
    complaints."""
    script = f"nft {'-j ' if json else ''}-f - && nft list ruleset && echo '#json' && nft -j list ruleset"
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], input=content, capture_output=True, check=False)
    text, _, form = _EXPIRES.sub("", done.stdout.decode(errors="replace")).partition("#json\n")
    return (text, form, "") if done.returncode == 0 else ("", "", done.stderr.decode(errors="replace"))


def printed(name: str, text: str) -> bytes:
    tree, _ = parse(SourceFile(name, text))
    return "".join(f.text for f in dialect.print(tree)).encode(errors="surrogateescape")


def forms(content: bytes) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The file, its listing and its JSON listing, each with what it may be listed as: what nft lists that has loaded the same
    text, or the file. There is none of a form that nft writes but does not load."""
    want, form, _ = listed(content, json=content.lstrip()[:1] == b"{")
    if not want:
        return
    yield "the file", content.decode(errors="surrogateescape"), (want,)
    again = listed(want.encode())[0]
    if again:
        yield "its listing", want, (again,)
    again = listed(form.encode(), json=True)[0]
    if again:
        yield "its JSON", form, (want, again)


_COMMENT = re.compile(r"\n\t\tcomment .*")


def same_ruleset(got: str, wanted: tuple[str, ...]) -> bool:
    """Whether the listing is one of those. nft forgets a set's comment when it reads JSON; that it is kept is no difference."""
    return got in wanted or _COMMENT.sub("", got) in {_COMMENT.sub("", each) for each in wanted[1:]}


def test_what_is_printed_loads_to_the_same() -> None:
    same: collections.Counter[str] = collections.Counter()
    different = []
    for name, content in files():
        for source, text, wanted in forms(content):
            got, _, complaints = listed(printed(name, text))
            if same_ruleset(got, wanted):
                same[source] += 1
            else:
                different.append(f"{name}: {source}: {complaints[:200] or 'lists otherwise'}")
    print(f"same `nft list ruleset`: {dict(same)}, different: {len(different)}")
    assert not different, different[:5]
    assert min(same.values()) > 450
