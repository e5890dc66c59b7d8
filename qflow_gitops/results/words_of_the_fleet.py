"""What stops a command at a fleet and its `fleet.lock`: what each word means, and what to do."""

from qflow_gitops.results.words import Word

FLEET = (
    Word("fleet_broken", "`fleet.lock` can't be read or trusted.", "Do what the message says."),
    Word("fleet_gone", "The fleet's branch is gone.", "Put it back, as the message says."),
    Word(
        "fleet_newer",
        "A newer version of the program wrote fleet.lock.",
        "Use that version, or a later one.",
    ),
    Word(
        "member_address",
        "A member's address isn't one that git is given.",
        "Write an https, ssh or file address in fleet.yaml, without a password.",
    ),
    Word(
        "member_busy",
        "Another process works on this member.",
        "Run the command again when that one has ended.",
    ),
    Word(
        "member_clone",
        "A member's clone can't be made or used.",
        "Make room or fix the folder's rights; keep the folder.",
    ),
    Word(
        "member_lock_gone",
        "A member's lockfile was there, and its branch is gone.",
        "Put it back from a clone that has it, as the message says.",
    ),
    Word(
        "member_lockfile",
        "A member keeps its lockfile in a work tree, which a fleet's clone hasn't got.",
        "Move it to a branch, as the message says.",
    ),
    Word(
        "member_project",
        "A member's folder isn't inside its repository.",
        "Correct `project` in fleet.yaml.",
    ),
    Word("member_ref", "A member's branch isn't there.", "Correct `ref` in fleet.yaml."),
    Word(
        "member_unreachable",
        "A member's remote doesn't answer, or refuses the credentials.",
        "Check the address and the credentials that fleet.yaml names.",
    ),
    Word(
        "fleet_missing",
        "There is no fleet.yaml in the folder at hand, nor above it.",
        "Go to the repository that holds it, or write one.",
    ),
    Word(
        "fleet_moved",
        "The commit that the fleet was applied at has no fleet.yaml that can be read from here.",
        "Go to the folder that has it; if it was moved on purpose: `--ack moved=1 --reason TEXT`.",
    ),
    Word(
        "fleet_remote",
        "The clone has several remotes, and none is called origin.",
        "Call the one origin that holds fleet.lock.",
    ),
    Word(
        "fleet_shared",
        "The fleet's repository has a fleet.yaml in several folders, and one fleet.lock.",
        "Keep one of them, or give each a repository of its own.",
    ),
    Word("fleet_uncommitted", "`fleet.yaml` isn't in the commit.", "Commit it."),
    Word(
        "fleet_inventory",
        "An inventory's command fails, or writes no list of members in JSON.",
        "Look at what it writes, or leave it out.",
    ),
    Word(
        "fleet_rewritten",
        "The fleet's branch was rewritten, or lost what it held.",
        "Find out who did it, and put back the version that this clone knows.",
    ),
    Word("fleet_unreadable", "`fleet.lock` can't be read here.", "Do what the message says."),
    Word(
        "fleet_unwritable",
        "`fleet.lock` can't be written.",
        "Make room, and run the command again.",
    ),
    Word(
        "members",
        "A member of the fleet couldn't be worked on, or its runs failed or are in doubt.",
        "Look at what stands beside it, and go on in a clone of that member.",
    ),
    Word(
        "members_held",
        "Members of the fleet are held: a person has to decide.",
        "`qflow-gitops fleet plan` says for each why, and what releases it.",
    ),
    Word(
        "wave",
        "A wave of the fleet is stopped, and no later one begins.",
        "`qflow-gitops fleet plan` says by whom; settle it there, or let the wave go on without.",
    ),
    Word(
        "broker",
        "The broker at QFLOW_FLEET_BROKER doesn't answer, isn't set to what can be one, or has a "
        "queue of another program.",
        "Set it right, start the broker, and run the command again.",
    ),
    Word(
        "no_worker",
        "No worker took a member that was published.",
        "Start workers (`qflow-gitops fleet worker`), or look at what they say.",
    ),
    Word(
        "engine",
        "The engine can't be used here, or for this.",
        "Do what the message says, or use `--engine local`.",
    ),
    Word(
        "fleet_base",
        "A worker can't read fleet.yaml as it was worked on before, whose waves hold as well.",
        "Fetch it, and use the program that the driver uses.",
    ),
)
