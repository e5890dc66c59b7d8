"""Starts git: plumbing, bytes in and out, each path literal; and GitPython, for history.

`repository` reads commits, `worktree` what is on disk, `remotes` which branch holds a commit,
`history` how commits follow one another; `lock_branch` is the lockfile's branch, `lock_commits`
makes its commits, `lock_remote` pushes them. Implements the protocols of `ports`.
"""
