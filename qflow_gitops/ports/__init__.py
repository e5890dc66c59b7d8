"""What commands and `apply` need from outside, each protocol described once.

Values and protocols only: the edges (`git`, `qualys`, `github`, `stores`) implement them, and
tests put others in their place. Imports `lockfile`, `specs` and below.
"""
