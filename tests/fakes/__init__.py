"""Each port of `qflow_gitops.ports` once more, in memory: no process, no socket, no disk, no wait.

A fake is a small, honest twin: it keeps the port's promises, and `tests/contract` holds it to
them, with the same stories that the real one has to tell. What it can be asked for beside the port
are its knobs: another process that was faster, a remote that says nothing, an answer that is lost.

`tests/unit/apply` and `tests/unit/commands` are written on them, a file a use case; `.ci/run` holds
these alone to 90 % of the branches of both rooms.

`clock` time and stop signals · `history`, `worktree`, `git`, `remotes` a repository, its clones
and its remotes · `lock_store`, `lock_branch` where the lockfile lives · `qualys` · `github` ·
`cache` what was found out before · `world` all of them together, and the use cases' services.
"""
