"""Starts git: plumbing only, bytes in and out, each path literal.

`repository` reads commits, `worktree` what is on disk, `remotes` which branch holds a commit,
`lock_branch` writes to a branch of a remote. Implements the protocols of `ports`.
"""
