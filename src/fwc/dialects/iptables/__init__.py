"""iptables-save, both families."""
