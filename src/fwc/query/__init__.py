"""Questions about one ruleset, answered as sets of packets."""
