"""What stops a command: what each word means, and what to do. The lockfile's own stand apart."""

from qflow_gitops.results.words import Word

_AGAIN = "Run the command again"

FILES = (
    Word("warnings", "`validate --strict` found warnings.", "Fix them, or leave out `--strict`."),
    Word(
        "unreadable",
        "Something is there and can't be read, which is never the same as absent.",
        "Put a plain file there that you may read.",
    ),
    Word(
        "cache_contradicted",
        "What this clone keeps about a file isn't what the file says.",
        '`rm -r "$(git rev-parse --git-common-dir)/qflow-gitops/verdicts"`',
    ),
    Word(
        "correlation_key",
        "An input has a value of its own where the correlation key is to stand.",
        "Choose another name under `apply.correlationKey`.",
    ),
    Word("file_changed", "Somebody else changed the file at the same time.", f"{_AGAIN}."),
    Word("file_uneditable", "The file can't be changed safely by a program.", "Edit it by hand."),
    Word("file_unreadable", "A file or folder can't be read.", "Correct its rights."),
    Word("file_unwritable", "The file can't be written.", "Make room or correct its rights."),
    Word(
        "project_nested",
        "A project lies among the specs of another, and both would send them.",
        "Move the folder, or name others under `runs:`.",
    ),
    Word(
        "rerun_maximum",
        "`rerun` can't be raised any more.",
        "Change something in the spec's `input`: another request counts from the start.",
    ),
    Word("settings_gone", "The settings were there once and are gone.", "Put them back."),
    Word(
        "settings_missing", "The settings can't be read.", "`qflow-gitops init`, and commit them."
    ),
    Word(
        "settings_odd",
        "The settings can't be changed by a program.",
        "Write `lock:` on its own lines.",
    ),
    Word("settings_uncommitted", "The settings aren't in the commit.", "Commit them."),
    Word(
        "settings_unknown",
        "Whether there were settings before can't be told in this clone.",
        "`git fetch --unshallow`",
    ),
)

GIT = (
    Word("no_commits", "The repository has no commit yet.", "`git add . && git commit`"),
    Word("no_repository", "This is no work tree of git.", "Go to one, or name it with `-C DIR`."),
    Word("no_room", "There is no room for temporary files.", "Make room, or set TMPDIR."),
    Word("git_configuration", "Git can't read its configuration.", "Correct what git names."),
    Word("git_failed", "A git command failed.", "Do what the message says."),
    Word(
        "git_ownership",
        "The repository belongs to another user, so git doesn't read it.",
        "If you trust it: `git config --global --add safe.directory FOLDER`",
    ),
    Word("git_unusable", "Git can't be used here.", "Install git 2.31 or newer."),
)

APPLY = (
    Word("busy", "Another apply has the lock.", f"{_AGAIN} when it has ended."),
    Word(
        "digest_differs",
        "The plan isn't the approved one.",
        "`qflow-gitops plan`, and have that one approved.",
    ),
    Word(
        "elsewhere",
        "Another process sends, or settled, what this one had planned.",
        "`qflow-gitops plan` shows what is left.",
    ),
    Word(
        "frozen_again",
        "It was frozen once more while a freeze was lifted.",
        "If that is over, too: `qflow-gitops unfreeze --reason TEXT`",
    ),
    Word("interrupted", "The apply was interrupted.", "Apply again: it goes on from the lockfile."),
    Word("lease_runs", "The request may still be under way.", "Wait until the time that is shown."),
    Word("not_started", "The time was over before it was begun.", "Apply again."),
    Word("run_failed", "A run failed.", "`qflow-gitops status` shows which, and what to type."),
    Word("settled_elsewhere", "Another process settled it.", "`qflow-gitops history RUN`"),
    Word("stale", "What is asked for is superseded.", "`qflow-gitops plan`"),
    Word("stale_plan", "What would run has changed since it was shown.", "`qflow-gitops plan`"),
    Word("still_running", "Executions were running when the wait ended.", "Apply again, or wait."),
    Word(
        "superseded",
        "The commit doesn't descend from the one that was applied last.",
        "Apply a newer commit, or merge what was applied into yours.",
    ),
)

OTHER = (
    Word("ok", "Nothing stopped the command.", "Nothing."),
    Word("bug", "A bug of qflow-gitops.", "Report it as the message says."),
    Word("pending", "There are changes.", "Apply or write them, if they are meant."),
    Word(
        "calls_spent",
        "A look of `doctor` came after the twenty calls that it makes.",
        "`qflow-gitops doctor qualys --all`",
    ),
    Word("member", "A fleet has no member of this name.", "`qflow-gitops fleet status -v`"),
    Word("one_set", "The members have several sets of credentials.", "Name those of one set."),
    Word(
        "turn",
        "It isn't the turn of a member of a fleet that was named.",
        "`qflow-gitops fleet matrix` opens a wave and says whose turn it is.",
    ),
    Word("check_failed", "A check of `doctor` failed.", "Do what stands below it."),
)
