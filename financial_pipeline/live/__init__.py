"""Live sources: what is new upstream is written, in upstream form, into a landing folder."""
