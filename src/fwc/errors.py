"""Exceptions for what is not a finding: a wrong invocation, and a bug in fwc itself."""

from __future__ import annotations


class FwcError(Exception):
    """Base of every exception that fwc raises on purpose."""


class UsageError(FwcError):
    """Usage, configuration, unreadable or unwritable file: one line on stderr, exit code 2."""


class InternalError(FwcError):
    """A bug in fwc, for instance an output that does not mean what the policy means: exit code 70, nothing written."""
