"""A pf.conf in netfilter's hooks: two legs, pf's states as marks of connections, and what has no words there refused
at its line."""
