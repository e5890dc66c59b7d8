"""What was found out about contents, kept in the git directory; safe to delete at any time.

Decorates the loader of `sources`; imports that and below. `apply` never reads it.
"""
