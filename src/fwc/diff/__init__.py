"""Two rulesets compared by meaning."""
