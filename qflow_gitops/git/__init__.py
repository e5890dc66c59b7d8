"""Starts git: plumbing only, bytes in and out, each path literal.

`repository` reads commits, `worktree` what is on disk, `remotes` which branch holds a commit;
`lock_branch` is the lockfile's branch, `lock_commits` makes its commits, `lock_remote` pushes
them. Implements the protocols of `ports`.
"""
