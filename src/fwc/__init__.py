"""A firewall ruleset linter and compiler."""

__version__ = "0.1.0"
