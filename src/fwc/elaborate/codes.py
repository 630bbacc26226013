"""Diagnostic codes of expansion and operands; FW060 to FW081 belong to this package's naming half."""

from __future__ import annotations

HOST_BITS = ("FW012", "host-bits-set")
UNDEFINED = ("FW841", "undefined-object")
CYCLE = ("FW843", "cyclic-group")
EMPTY = ("FW844", "empty-group")
REDEFINED = ("FW845", "redefinition")

INCLUDE = ("FW060", "include-failed")
INCLUDE_CYCLE = ("FW061", "include-cycle")
RECURSION = ("FW062", "template-recursion")
ARGUMENTS = ("FW063", "wrong-arguments")
TOO_LARGE = ("FW064", "expansion-too-large")
SETTING = ("FW065", "bad-setting")
HOST = ("FW066", "host-choice")
ZONE = ("FW067", "bad-zone")
OVERLAP = ("FW068", "zone-overlap")
INTERFACE = ("FW069", "bad-interface-name")
KIND = ("FW070", "wrong-kind")
LOCK = ("FW071", "not-in-lock")
SET_FILE = ("FW072", "bad-set-file")
SET = ("FW073", "bad-set")
WHEN = ("FW074", "bad-when")
EXPIRED = ("FW075", "expired")
MISPLACED = ("FW076", "misplaced-statement")
TRAFFIC = ("FW077", "bad-traffic")
SERVICE_CYCLE = ("FW078", "cyclic-service")
SYNTAX = ("FW079", "syntax-version")
RESERVED = ("FW080", "reserved-name")
ZONE_ABSENT = ("FW081", "zone-not-on-this-os")
"""Code and name; written once here so that a code cannot stand for two mistakes."""
