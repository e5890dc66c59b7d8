"""What stops a watch or one of its rounds: what each word means, and what to do."""

from qflow_gitops.results.words import Word

WATCH = (
    Word(
        "no_report",
        "A round's apply ended without an answer that can be read.",
        "`qflow-gitops status` shows what it sent; the next round looks up what was left open.",
    ),
    Word(
        "remote_unreachable",
        "The remote that a watch fetches from doesn't answer, or refuses the credentials.",
        "Check its address and your rights; the next round tries again.",
    ),
    Word(
        "watch_branch",
        "The branch to watch isn't there, or nothing says which one it is.",
        "Name it: `qflow-gitops watch --branch NAME`.",
    ),
    Word(
        "watch_clone",
        "What a watch fetches, or the empty work tree of a bare clone, can't be written.",
        "Make room or fix the folder's rights.",
    ),
    Word(
        "watch_health",
        "The file that says how a watch stands can't be written.",
        "Make room or fix the folder's rights; the rounds go on.",
    ),
    Word(
        "watch_listen",
        "Nobody can be answered at the address that `--listen` names.",
        "Name a port that is free, at an address of this machine.",
    ),
    Word(
        "watch_remote",
        "The clone has no remote to fetch from, or several and none is `origin`.",
        "Add or rename one: `git remote add origin ADDRESS`.",
    ),
    Word(
        "watch_store",
        "The lockfile is a file in the work tree, and a watch touches none.",
        "Keep it on a branch: `qflow-gitops lock move --to branch`.",
    ),
)
