"""The policy language: text to AST. Knows nothing of the IR."""
