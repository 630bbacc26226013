"""An imported ruleset in the form of another target, proved equal or refused with what stands in the way."""
