"""The one intermediate representation that every front end produces and every consumer reads."""
