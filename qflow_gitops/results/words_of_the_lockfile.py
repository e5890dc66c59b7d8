"""What stops a command at the lockfile: what each word means, and what to do."""

from qflow_gitops.results.words import Word

_VERIFY = "`qflow-gitops lock verify` says which version is at fault."
_AGAIN = "Run the command again"

LOCKFILE = (
    Word(
        "differs",
        "The commits, the lockfile, the policy and Qualys tell of different things.",
        "`qflow-gitops report` names each difference; none is settled by itself.",
    ),
    Word(
        "anchor_base",
        "The commit whose settings name the time-stamp server isn't in this clone.",
        "Fetch it: `git fetch --all`; in a CI check out with fetch-depth: 0.",
    ),
    Word(
        "anchor_certificate",
        "The file with the time-stamp server's certificate isn't there, or holds none.",
        "Commit it in PEM form beside the settings, and apply that commit.",
    ),
    Word(
        "anchor_clock",
        "The time stamp's time is another one than this machine's.",
        "Set the machine's clock right, or find out why the server's isn't.",
    ),
    Word(
        "anchor_file",
        "The file of an anchor can't be read or written.",
        "Name another one: `qflow-gitops lock anchor --to FILE`.",
    ),
    Word(
        "anchor_form",
        "What the history is to be held against is no anchor.",
        "Name a file that `qflow-gitops lock anchor --to FILE` wrote.",
    ),
    Word(
        "anchor_unapplied",
        "The settings name a time-stamp server, and not those of the commit applied last.",
        "Merge it, and apply it: `qflow-gitops apply`.",
    ),
    Word(
        "anchor_unreachable",
        "The time-stamp server gave no time stamp.",
        "Run the command again later, or anchor without one: `qflow-gitops lock anchor --to FILE`.",
    ),
    Word(
        "anchor_unset",
        "The settings name no time-stamp server.",
        "Name one under `anchor`, or anchor without one: `qflow-gitops lock anchor --to FILE`.",
    ),
    Word(
        "anchor_untrusted",
        "The time-stamp server's answer isn't one by the certificate that the settings name.",
        "Correct `anchor` in the settings: its address and its certificate.",
    ),
    Word(
        "attest_missing",
        "Time stamps need a library that isn't installed.",
        "Install it as the message says, or use `qflow-gitops lock anchor --to FILE`.",
    ),
    Word("lock", "The lockfile can't be read, trusted or written.", _VERIFY),
    Word(
        "lock_announced",
        "What was announced for the lockfile can't be read; it may hold freezes.",
        "Look at it, move it away, and say again what is to hold: `qflow-gitops freeze`.",
    ),
    Word(
        "lock_behind",
        "A lockfile of this clone has runs as done that the one at hand doesn't know of.",
        "Declare them as done: `qflow-gitops baseline RUN --reason TEXT`.",
    ),
    Word("lock_broken", "The lockfile can't be trusted or read.", _VERIFY),
    Word(
        "lock_closed",
        "The lockfile was moved from here to another place.",
        "Take the settings that name it: `git pull`.",
    ),
    Word(
        "lock_conflict",
        "What is to be recorded contradicts what is recorded.",
        "Look at both in Qualys and with `qflow-gitops history RUN`.",
    ),
    Word("lock_contended", "Others were faster each time.", "Let fewer apply at once."),
    Word(
        "lock_copied",
        "Two projects have lockfiles of one lineage: each would send what the other sent.",
        "Take `lineage` out of the copy's settings, remove its lockfile, and declare what ran.",
    ),
    Word(
        "lock_ephemeral",
        "A lockfile in the work tree is lost with the job's machine.",
        "Keep it on a branch: `qflow-gitops lock move --to branch`.",
    ),
    Word(
        "lock_foreign",
        "The lockfile belongs to another repository or project.",
        "Restore the right one, or the right settings.",
    ),
    Word("lock_git", "Git failed at the lockfile's branch.", "Do what the message says."),
    Word(
        "lock_journal",
        "The journal of an interrupted apply can't be read, or is of another version.",
        "Keep it: it holds what was sent. Do what the message says.",
    ),
    Word(
        "lock_left",
        "There is the lockfile of a project that is gone from its folder.",
        "Go on with it, or name another branch: `qflow-gitops init --branch NAME`.",
    ),
    Word(
        "lock_missing",
        "There is no lockfile where one has to be.",
        "Put it back, as the message says; the first apply of a project makes it.",
    ),
    Word(
        "lock_moved",
        "A lockfile of this project is in another place.",
        "Move the settings there, or say that it is another project.",
    ),
    Word(
        "lock_moved_here",
        "What this clone remembers belongs to another folder's project.",
        "If that was moved here, move what is remembered as the message says.",
    ),
    Word("lock_newer", "A newer version wrote the lockfile.", "Use the newer qflow-gitops."),
    Word(
        "lock_older",
        "The lockfile is older than one that was seen: runs could be sent again.",
        "Restore the newer one with the command that is shown.",
    ),
    Word(
        "lock_pending",
        "The lockfile is being moved here, and that isn't finished.",
        "Finish it where it was begun: `qflow-gitops lock move`.",
    ),
    Word("lock_push", "The lockfile can't be pushed.", "Do what the message says of the host."),
    Word("lock_remote", "There is no such git remote.", "`git remote add NAME ADDRESS`"),
    Word(
        "lock_rewritten",
        "The lockfile's branch was rewritten.",
        "Find out who did it, and put back the version that this clone knows.",
    ),
    Word("lock_shared", "Several projects name one branch.", "Give each a branch of its own."),
    Word(
        "lock_shrunk",
        "The lockfile lost what it held.",
        "Find out who did it, and put back the version that this clone knows.",
    ),
    Word(
        "lock_taken", "The branch has another project's lockfile.", "Name another: `--branch NAME`"
    ),
    Word("lock_there", "There is another lockfile.", "Go on with it, or move to another place."),
    Word("lock_unreachable", "The lockfile's branch can't be read.", "Check remote and rights."),
    Word("lock_unreadable", "The lockfile can't be read here.", "Do what the message says."),
    Word(
        "lock_unanchored",
        "A lockfile in the work tree has no anchors: nothing shows what stood in it before.",
        "Keep it on a branch: `qflow-gitops lock move --to branch`.",
    ),
    Word(
        "lock_unsigned", "A lockfile in the work tree has no signatures.", "Leave out `--signers`."
    ),
    Word("lock_unsound", "`lock verify` found what is wrong.", "Do what stands beside it."),
    Word(
        "lock_unwritable", "The lockfile can't be written.", f"Make room, then: {_AGAIN.lower()}."
    ),
    Word(
        "place",
        "The lockfile isn't known at this remote's address: a fork or a mirror.",
        "Apply in the original; where nothing is applied from there any more: `qflow-gitops apply "
        "--ack place=1 --reason TEXT`.",
    ),
    Word("rescue_form", "What was saved can't be taken in.", "Keep the file; do what is said."),
    Word("rescue_missing", "There is no saved file.", "`qflow-gitops lock push FILE`"),
    Word("rescue_tracked", "The saved file came with a commit.", "Find out who committed it."),
)
