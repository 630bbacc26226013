"""The disk: loading, configuration, atomic writes."""
