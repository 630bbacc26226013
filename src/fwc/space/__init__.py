"""The packet-set algebra: exact questions about unions of boxes."""
