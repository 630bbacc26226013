"""A laboratory of network namespaces in which the running kernel judges rulesets by real packets."""
