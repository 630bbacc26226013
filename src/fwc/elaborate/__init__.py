"""Policy AST to IR."""
