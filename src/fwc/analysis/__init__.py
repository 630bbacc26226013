"""IR to facts: what reaches a rule, what it takes, which rules take it instead."""
