"""The command line: one command a file; `console` writes, `wiring` builds the edges."""
