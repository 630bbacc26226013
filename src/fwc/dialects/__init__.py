"""One package per syntax; everything that knows the syntax is inside it."""
