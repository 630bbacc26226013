"""An imported ruleset as a policy of the language: names and sections a person would keep, proved equal or refused.

`terms` turn conditions into conjunctions of the language's own fields, `flatten` the source's chains into lists of steps,
`vocabulary` finds zones, groups and services, `phrases` and `statements` write them down, `proof` elaborates what was written and
compares it with the source, `improve` tries what would be shorter and keeps what is proved.
"""
