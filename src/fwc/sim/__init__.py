"""Concrete execution of the IR on packets; shares no code with the analysis."""
