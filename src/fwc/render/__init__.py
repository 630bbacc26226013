"""Diagnostics and reports to bytes, one file per format."""
