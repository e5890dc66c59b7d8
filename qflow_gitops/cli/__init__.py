"""The command line: one command a file; `console` writes, `wiring` builds the edges."""

import gc

gc.set_threshold(50_000)  # what imports make stays: looking for garbage in it costs a tenth
