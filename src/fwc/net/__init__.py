"""Values of networking: intervals, addresses, ports, protocols, hooks. Nothing here knows the IR."""
