"""Which interface names may reach an output file."""

from __future__ import annotations

from fwc.diagnostics import Diagnostic
from fwc.elaborate.codes import INTERFACE
from fwc.elaborate.report import mistake
from fwc.lang import ast

LONGEST_NAME = 15
"""Characters: IFNAMSIZ is 16 with the final NUL, on Linux (include/uapi/linux/if.h) and on macOS (net/if.h)."""

_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-@")


def interface_problem(iface: ast.Iface) -> Diagnostic | None:
    """What is wrong with a name, or None. A final `*` or `+` is a wildcard and does not count as a character.

    The kernels allow more (Linux: anything but `/`, `:` and spaces, net/core/dev.c dev_valid_name); what is refused here
    besides could be read as syntax by one of the targets.
    """
    name = iface.name
    wildcard = name.endswith(("*", "+"))
    stem = name[:-1] if wildcard else name
    if not stem:
        return mistake(
            INTERFACE,
            "a wildcard alone is every interface" if wildcard else "an interface name is empty",
            iface.span,
            help="write `any` where no interface is meant, or the beginning of the names: `wg*`",
        )
    if len(stem) > LONGEST_NAME:
        return mistake(
            INTERFACE,
            f"an interface name has at most {LONGEST_NAME} characters, this one has {len(stem)}",
            iface.span,
            help="write the name as `ip link` or `ifconfig` shows it",
        )
    bad = next((c for c in stem if c not in _ALLOWED), None)
    if bad is None and stem[0] != "-" and stem not in (".", ".."):
        return None
    return mistake(
        INTERFACE,
        f"an interface name cannot contain {bad!r}" if bad is not None else f"{stem!r} is not an interface name",
        iface.span,
        help="letters, digits and _ . - @ are allowed, and one final * as wildcard",
    )
