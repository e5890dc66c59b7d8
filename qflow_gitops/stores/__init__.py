"""Where the lockfile can live: one store a file, listed in `registry`.

In and out: `ports.lockfile.Snapshot` and what a session records. Imports `lockfile`, `ports` and
below.
"""
