"""Everything the nftables back end writes is loaded into a kernel, twice: the second load replaces the first."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from tests.unit.dialects.nft.rulesets import everything

from fwc.dialects.base import LowerOptions
from fwc.dialects.nft import dialect

pytestmark = pytest.mark.kernel
EVERYTHING = everything()


def load_twice(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "-n", "sh", "-c", 'text=$(cat); echo "$text" | nft -f - && echo "$text" | nft -f -'],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("nft") is None, reason="needs root and nft")
@pytest.mark.parametrize("name", EVERYTHING)
def test_output_loads(name: str) -> None:
    tree, diagnostics = dialect.lower(EVERYTHING[name], LowerOptions(header=("a header",)))
    assert tree is not None, diagnostics
    text = dialect.print(tree)[0].text
    result = load_twice(text)
    assert result.returncode == 0, f"{result.stderr}\n{text}"
