"""macOS pf.conf."""
