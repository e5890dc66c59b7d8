"""The command line: one command a file; `console` writes, `context` builds the edges."""
