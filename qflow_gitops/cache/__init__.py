"""What was found out about contents, kept in the git directory; safe to delete at any time.

Imports `specs`, `lockfile`, `ports`. `apply` never reads it.
"""
