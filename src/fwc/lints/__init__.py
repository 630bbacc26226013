"""One file per lint; the registry finds them."""
