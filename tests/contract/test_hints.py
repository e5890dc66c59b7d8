"""No hint without somebody who did what it says."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.helpers.hinttexts import ANY, Text, hints, literals
from tests.helpers.typed import commands

TESTS = Path(__file__).parents[1]
OF_A_FILE = (
    "findings.suggest",
    "specs.connectors",
    "specs.excerpts",
    "specs.schema",
    "specs.schema_messages",
    "specs.secrets",
    "yaml",
)
"""Modules whose hints say how the text of a file is fixed: `tests/cases` has each finding."""

_BY_REASON = {
    "it names no command, only what has to be set or done on GitHub, or fetched from there": (
        "Leave it out for github.com.",
        "Set GITHUB_REPOSITORY to OWNER/NAME; GitHub Actions does.",
        "It may be over, or for another server: check …, ….",
        "Check the token….",
        "Check that … are right.",
        "If it was renamed, set … to its new name.",
        "See what … names: another kind of server may answer there.",
        (
            "Give the job `permissions: {pull-requests: write}`. For a pull request from a fork "
            "the token can only read: comment from a `workflow_run` job, or read the plan in "
            "the job summary."
        ),
        "Check the number (an issue's is none), and that the token may read pull requests.",
        (
            "Propose it again in a pull request that changes it (an annotation will do), and have "
            "that approved before it is merged."
        ),
        "Sign the commits (`git commit -S`), and propose them again.",
        "Fetch that branch first, and whole.",
    ),
    "it names no command, only what has to be set, or done where tickets are: "
    "test_tickets_port.py": (
        "Apply again later. If … names another address than it should: set it.",
        "See what … names.",
        "Check …, and that the account may read these tickets.",
        "Give the account the right to it, or take another one.",
        "docs/guides/tickets.md says what it has to answer.",
        "Run it by hand, with the question to read: docs/guides/tickets.md.",
        "Put a copy where no repository keeps it, and name that.",
        "Leave … out, or write `system: command`.",
        "Set it to …'s address, like …, and the account beside it.",
        "Set … and … (of Jira: the address and an API token), or ….",
        "Set it again, without line breaks; a name has no colon.",
        "Write that key into the annotation.",
        "Correct `…` in …: a field's own name is like customfield_10047.",
        "`policy.require.ticket` of qflow.yaml",
        "Name a field with date and time in place of `…` in ….",
        ("Correct `…` in `policy.require.ticket` of qflow.yaml, or let the account read it."),
        (
            "Name a field with a date and a time in place of `…` in `policy.require.ticket` of "
            "qflow.yaml."
        ),
    ),
    "it names no command, only what a job, its forge or its clock lacks: test_logins.py": (
        "Check who answers there.",
        "What the runner set is no longer taken: run the job again.",
        "Set the clock right, then run the command again.",
        "Set both to the same, which Qualys Support was told of for this login.",
        "Set … again, in plain letters.",
        "Check what sets …: it has to be the address that answers.",
        (
            "The address is one of https, without a user, and a runner sets both: leave them out "
            "of your `env:`."
        ),
    ),
    "the command was tried already, and failed": (
        (
            "Check out with fetch-depth: 0, and so that git can fetch from origin: `git fetch "
            "origin refs/pull/…/head`"
        ),
    ),
    "it names no command, only what else may be meant: tests/unit/commands/test_show.py": (
        (
            "Qualys shows an execution for 30 days, to who may list it. If it is on another "
            "environment's platform, name that one with -e."
        ),
        "Give more of the one that you mean.",
        "`qflow-gitops show …` shows what Qualys says of it.",
    ),
    "it says to do the same again": (
        "Run the command again later.",
        "Run the command again: it looks at what is there first.",
        "Run the command again.",
        "Run the command again when no apply is at work.",
        "When no apply is at work: `…`",
        "See whether one hangs (`ps`), end it, and run it again: `…`",
        "Look at it, and do it again.",
        "Let fewer runners apply at once.",
        "Run it again when less is applied: `…`",
        "Wait for it to end, or until … if it was killed. Then: `…`",
    ),
    "several processes met at a moment that nobody brings about; it only looks": (
        "Look at how it stands: `qflow-gitops plan -e …`",
        "See what: …",
    ),
    "as before, and `frozen-in-the-lockfile` types the same": (
        "If that is over, too: `qflow-gitops unfreeze --reason TEXT`",
    ),
    "it names no command, only what a disk or its rights lack": (
        "Check the disk's room, the rights in .git, and the key where commits are signed.",
        "Make room in the folder for temporary files, or set TMPDIR to another one.",
        "Make room or fix the folder's rights, then run the command again.",
        "Make room or fix the folder's rights; the next apply takes the journal in.",
        "Give yourself the right to read it.",
        "Keep the folder and report it: it may hold the lockfile of what was sent.",
        "Put the file itself here.",
        "Rename it.",
        "Rename one of them.",
        "Put the folder or file itself here, with the right to read it.",
        "Remove entries that are gone, or shorten labels.",
    ),
    "no page says which right it takes: test_connectors.py": (
        (
            "The user has to see the connectors in Qualys TotalCloud, and its role needs API "
            "access. Which right that is stands on no public page."
        ),
    ),
    "what no command does, and the lockfile refuses all the same; it only looks": (
        "`qflow-gitops history …/…`, and `qflow-gitops lock verify`",
        "The lockfile is another one than this was meant for: `qflow-gitops lock verify`",
        ". If what a person decided about #… is wrong: …",
        (
            "Look what wrote it, and move to another place: `qflow-gitops lock move --to branch "
            "--branch NAME`"
        ),
    ),
    "a guard: no spec and no settings have such a name (`schema-value`, `schema-key`)": (
        "Give it such a name.",
    ),
    "the sandbox would serve until it is stopped": (
        "The targets are: ….",
        "For instance: …=1.5",
        "For instance: `qflow-gitops sandbox --credentials ada:a-secret`",
        "--data names a file that may be written, or made anew.",
        "Let it choose, and set what it prints: `qflow-gitops sandbox --port 0…`",
        "Start one in another terminal: `qflow-gitops sandbox --port 8080`",
        "Start one: `qflow-gitops sandbox --port 8080`",
    ),
    "a private gateway speaks https: tests/unit/apply/test_platforms.py": (
        "Set QFLOW_GATEWAY back to …, with its credentials",
    ),
    "it asks a package registry": (
        "`pip install 'Flask>=3.0'`",
        "`pip install --upgrade tzdata`",
        "`pip install 'securesystemslib[crypto]>=1.3' bcrypt`",
    ),
    "what a time-stamp server answers, done there: test_anchors.py": (
        (
            "`pip install 'rfc3161-client>=1.0.6'`. Or anchor without a server: `qflow-gitops lock "
            "anchor --to FILE`"
        ),
        "Fetch it: `git fetch --all` (in a CI: fetch-depth: 0). Or …",
        (
            "Correct `anchor` in qflow.yaml: the server's address, and the file with its "
            "authority's certificate. Older certificates stay in that file."
        ),
        "Set the machine's clock by the network's time, then `…`",
        "Run it again later: `…`",
        "Correct its address, `anchor.url` in qflow.yaml.",
    ),
    "beside an authority that gives out certificates: test_doctor_anchors.py": (
        (
            "Add the authority's newer certificate below the old one in that file, merge that, and "
            "apply it: `qflow-gitops apply`"
        ),
        "Let a schedule make one each week: `qflow-gitops lock anchor`",
    ),
    "about a file that the command line names: test_report.py, test_statements.py": (
        "Name a folder that isn't there yet, or that a report made: `qflow-gitops report … DIR`",
        "Name one in a folder that is there and may be written: `qflow-gitops report … DIR`",
        "`ssh-keygen -t ed25519 -f KEY` makes one; then: --key KEY",
        "Set … to its passphrase, or type it at a terminal.",
        "Make another one, in a file that is in no commit: `ssh-keygen -t ed25519 -f KEY`",
    ),
    "a list of workflows that can't be read whole; it names no command": (
        "Name the workflows by their ids, instead of asking for all.",
    ),
    "before it, a plan says that history was rewritten": (
        "Fetch it: `git fetch --all`, and plan again.",
    ),
    "there is only one version yet": (
        "Apply once with the version of qflow-gitops that could read them.",
    ),
    "no test installs programs": (
        "git has to be installed (2.31 or newer) and on the PATH.",
        "Install a newer git, and put it first on the PATH.",
        "Use git 2.45 or newer, or fetch all: `git fetch --refetch --no-filter`",
        "`pip install --force-reinstall qflow-gitops`",
    ),
    "no test sets the clock: tests/unit/doctor": (
        "Set this machine's clock, by NTP say; if it is right, the other one is wrong.",
    ),
    "of a machine, and done there: test_doctor_machine.py": (
        "`export PYTHONIOENCODING=utf-8`",
        "`unset GIT_SSL_NO_VERIFY`",
        "Put the authority's newer certificate into ….",
        "Make room on it: apply sends nothing that it can't record first.",
        "Give yourself the right to write there, or work in a clone of your own.",
    ),
    "what is set on a code host, broken one by one: test_doctor_ci.py, test_doctor_gitlab.py": (
        "`… …=… qflow-gitops doctor ci`",
        "OWNER/NAME",
        "If it is: …; of another server than … with ….",
        (
            "…: for … require a reviewed change with an approval that a push takes away, of "
            "code owners too, and …; no force-push."
        ),
        "the check",
        "Name … under `push:` in ….",
        "…: take that away for ….",
        "…: forbid it for ….",
        "…: see that the token of apply's job is one of them.",
        "Write … in place of ….",
        "…: give … required reviewers, without self-review.",
        "…: let … be used from … alone.",
        "…: see that it is.",
        "…: set it in ….",
        "…: set it in …, and nowhere else.",
        "…: change that.",
        "Once that is over, remove it: …",
        "For GitHub Actions: `…`",
        "Compare it with examples/gitlab/.gitlab-ci.yml of this version.",
        "`…`, then `git diff`",
        "Replace it, as its first lines say.",
        "Name one and the same commit everywhere in the workflows.",
        "Name the commit's 40 characters in the workflows.",
        "Name a commit of … in the workflows.",
        "…: switch it on.",
        "…: allow them.",
        "…: let jobs take longer, or lower `apply.timeout`.",
        "…: see that they are.",
        "…: require actions to be pinned to a full commit.",
        "…: let job tokens push to the repository.",
        "…: make it read only by default.",
        "… → Policies: these have to be allowed: ….",
        "…: keep them for … days.",
        "Let one run it every hour, as the shipped files have it: …",
        "The plan that this repository is on hasn't got it.",
        (
            'A fine-grained token with the repository permission "…" (read) tells it: set '
            "GITHUB_TOKEN to one."
        ),
        "Check its name, and that the token may read it.",
        "Leave it out for gitlab.com.",
        "Check its path, and that the token may read it.",
        "Put a job with an environment of its own before apply, as in the shipped files.",
        "Have `qflow-gitops init --github` write .github/CODEOWNERS, and fill it in.",
        "Name a team for each in ….",
        "Correct …: who isn't known owns nothing.",
        "Push to it first, or give the token the right to read its code.",
        "A token of … with the scope read_api tells it: set GITLAB_TOKEN to one.",
    ),
    "about the demo": (
        "Please report it, with the lines above.",
        "It needs git, and a folder in /tmp.",
        "Name another one: `qflow-gitops demo --keep …`",
    ),
    "the right is named where it is printed: `role-without-api-access`": (
        (
            "API access is off in every default role of Qualys Flow. In Qualys: Administration "
            '→ Role Management → your role → add "Qualys API Access", and the right to {right} '
            "workflows."
        ),
    ),
    "a warning about variables that the workflow hasn't got": ("It has none of its own.",),
    "only whoever forges what a clone keeps comes to it": (
        (
            'Throw away what it keeps, and try again: `rm -r "$(git rev-parse '
            '--git-common-dir)/qflow-gitops/verdicts"`'
        ),
    ),
    "typed there: test_fleet_file.py": (
        "… commit -m 'Add the fleet' …",
        (
            "Go to the fleet's repository, or write one: `qflow-gitops schema show fleet` says "
            "what it holds."
        ),
        (
            "Let its command write a list like that of `members:` in a fleet: `qflow-gitops "
            "schema show fleet` says what it holds."
        ),
    ),
    "it takes megabytes: test_targets.py": (
        "At most … MiB: let them share less, or make it several specs.",
    ),
    "a guard: no valid file is known that can't be edited (test_yaml_edit.py)": (
        "Write `rerun: …` … by hand.",
    ),
    "it is for a reviewer to judge: test_policy.py": (
        (
            "Here both count, and the stricter one holds; for later changes only this one will. "
            "See that it is meant."
        ),
    ),
    "it only names what there is to choose from: test_sandbox_faults.py": ("Valid faults: ….",),
    "a doctor's, shown, typed or followed: test_doctor_qualys.py, test_doctor_budget.py": (
        "With the others': `qflow-gitops doctor qualys -e …`",
        "Fix it in Qualys: TotalCloud, Configure, Connectors.",
        "No spec uses it.",
        "Look at it in Qualys.",
        "Correct the id, or let the user see it in TotalCloud.",
        "Mark it so: `qflow-gitops connectors pull`",
        "`…` reads the whole lists.",
        "`…` asks for all of them.",
        "`…` makes as many calls as it takes.",
        "Start one there: `qflow-gitops sandbox --port …`",
        "Check the platform, and whether a proxy asks for a login of its own.",
        "Set this machine's clock, by NTP.",
        "Check that the credentials are of the subscription that it was sent to.",
        "A sandbox forgets when it stops: `qflow-gitops sandbox --data FILE` keeps it.",
        "Only `qflow-gitops workflows pull --all` needs it.",
        "Please report the shape of the answer: `qflow-gitops doctor --facts`",
        (
            "In Qualys: Administration → Role Management → the role has to have Qualys API Access, "
            "and one of EXECUTE ALL, EXECUTE WF BY TAGS, EXECUTE MY WF."
        ),
        (
            "In Qualys: Administration → Role Management → your role → add the right to {right} "
            "workflows, all, by tags or one's own."
        ),
        "Set a newer one: `apply` may need longer.",
        "What is wrong: `qflow-gitops doctor qualys`",
        (
            "QFLOW_CLIENT_ID has to be of a client of the user level: profile menu → Auth ID "
            "Client Management → User Level."
        ),
        "Correct the id, or let the role see it (its tags, or all).",
        "Correct them, or add them to the workflow in Qualys.",
        "Set `apply: {concurrency: …}` in qflow.yaml.",
        "Check QFLOW_API_USERNAME and QFLOW_API_PASSWORD; their user needs API access.",
        "Ask Qualys for a newer one: it would pass over them.",
        "Ask Qualys for 1.19, or use `credentials` until then.",
        "Rewrite it: `qflow-gitops migrate`",
        "Add it: …",
        "…, and read what changed.",
    ),
    "of a member of a fleet, come to and followed where it is a command: test_fleet_members.py": (
        (
            "Write https://HOST/PATH, ssh://HOST/PATH, USER@HOST:PATH or an absolute path, without "
            "a password."
        ),
        "Run the command again when that one has ended.",
        "Name a branch of it, without `refs/heads/`.",
        "Correct `ref` in fleet.yaml: the name of a branch that is there.",
        "Write `project` from the repository's root: a folder in it.",
        (
            "Check the address and the credentials that `fleet.yaml` names for it, then run the "
            "command again."
        ),
        (
            "Make room, or fix the folder's rights. Keep the folder: what an apply couldn't record "
            "may be in it. `git fsck` in it says what is damaged."
        ),
        (
            "In a clone of its repository: `qflow-gitops lock move --to branch`, and have that "
            "merged."
        ),
    ),
    "about an engine, and followed there: test_fleet_engines.py": (
        (
            "Leave it out and have the change merged, or work on the members from here: "
            "`qflow-gitops fleet apply --engine local`"
        ),
        (
            "Set it to the broker that driver and workers have in common: redis://HOST:6379/0, "
            "rediss://…, amqp://… or amqps://…"
        ),
        "Work on the members from here: `qflow-gitops fleet apply --engine local`",
        "Correct QFLOW_FLEET_BROKER, or start the broker, and run it again: `…`",
    ),
    "a worker of another version is what it is about: test_fleet_codes.py": (
        "`git fetch …`, and use the program that the driver uses.",
    ),
    "a machine without Celery, or without workers, is what it is about": (
        "`pip install 'qflow-gitops[celery]'`",
        (
            "Look at what the workers say, or start some, in clones of this repository and with "
            "this broker: `qflow-gitops fleet worker`"
        ),
    ),
    "about a watch, come to and followed where it can be: test_watch.py, test_watching.py": (
        "Check its address and your rights: `git ls-remote …`",
        (
            "Make room or fix the folder's rights, or watch from a clone that has one: `git clone "
            "--no-checkout ADDRESS`"
        ),
        "Name the one to apply: `qflow-gitops watch --branch NAME`",
        "Name the one to watch: `qflow-gitops watch -e … --branch NAME`",
        "What it has: `git ls-remote --heads …`",
        "Keep it on a branch of the remote: `qflow-gitops lock move --to branch`",
        "Make room, or fix the folder's rights.",
        (
            "Name a port that is free, on this machine alone or at one of its addresses: "
            "`qflow-gitops watch --listen 127.0.0.1:9464`"
        ),
        ("Look how it stands: `qflow-gitops status`. The next round looks up what was left open."),
        "Look what it waits for: `qflow-gitops plan… --to …`",
        "Look how it stands: `qflow-gitops status…`",
    ),
    "about a broker, of which a test ends the program instead: test_fleet_celery.py": (
        (
            "Give the fleet a virtual host of its own in QFLOW_FLEET_BROKER, or, where nobody else "
            "uses the queue: `rabbitmqctl delete_queue qflow-fleet`"
        ),
    ),
    "of a fleet on a bad day, and typed there: test_fleet_bad_days.py": (
        "Make one, and work there: `…`",
    ),
    "of a job that works on a fleet, typed there: test_fleet_jobs.py": (
        "Look who is in it: `qflow-gitops fleet status -v`",
        "Name those of one set only, or leave out --one-set.",
    ),
    "of a fleet, and done there: test_fleet_attacks.py": (
        (
            "Put it back from a clone that has it: `git push origin …:refs/heads/BRANCH`. If the "
            "member's repository is another one now, give the member another name."
        ),
        "Which one holds fleet.lock? `git remote rename … …`, or another of them.",
    ),
    "of a driver of a fleet, come to there: test_fleet.py": (
        "That one does the rest. Look at how it stands: `qflow-gitops fleet status`",
    ),
    "of a member of a fleet, and typed in a clone of it: test_fleet_guide.py": (
        "Settle it in a clone of the member: `qflow-gitops reconcile`",
    ),
    "it names no command, only what the given one has to write: test_fleet_guide.py": (
        "It has to print a JSON list of members, and gets no credentials.",
    ),
    "about fleet.lock, and followed there: test_fleetstores.py": (
        "Find out who pushed it: `git log -3 …`. To put it back: `…`",
        ". To put back the one before it: `…`",
        (
            "Move it away, and the next apply makes a new one; what was released or frozen has to "
            "be said again: `mv … …`"
        ),
    ),
    "the CLI fills it in": ("<the command as it was typed>",),
}
ELSEWHERE = {text: why for why, texts in _BY_REASON.items() for text in texts}
"""Text -> why no scenario of `tests/helpers/scenarios` comes to it."""


@cache
def _carried_out() -> tuple[str, ...]:
    """What `tests/integration/test_hints.py` did, and what is said of each invalid file."""
    told = [one.read_text("utf-8") for one in (TESTS / "integration/hints").iterdir()]
    for file in (TESTS / "cases").rglob("expected.json"):
        told += [one.get("hint", "") for one in json.loads(file.read_text("utf-8"))]
    return tuple(dict.fromkeys("\n".join(told).splitlines()))


def _is_of_a_file(one: Text) -> bool:
    module = one.where.removeprefix("qflow_gitops.").partition(":")[0]
    known = any(f"{module}.".startswith(f"{name}.") for name in OF_A_FILE)
    return known and not commands(one.text)


def _left(one: Text) -> bool:
    known = one.text in ELSEWHERE or _is_of_a_file(one)
    return not known and not one.is_in(_carried_out())


def test_what_is_said_to_be_tested_elsewhere_names_a_test() -> None:
    """A file of that name is there: nobody looks for one that never was."""
    files = {one.name for one in TESTS.rglob("test_*.py")}
    texts = [Path(__file__), *(TESTS / "helpers/scenarios").glob("*.py")]
    named = {
        name for one in texts for name in re.findall(r"\btest_\w+\.py", one.read_text("utf-8"))
    }
    assert named - files == set()


def test_every_hint_is_carried_out() -> None:
    """By a scenario (see `tests/helpers/scenarios`), or it stands above why it can't be."""
    assert [f"{one.where} {one.text!r}" for one in hints() if _left(one)] == []


def test_no_excuse_is_left_over() -> None:
    """Whatever is excused is a hint, and really none that was carried out."""
    texts = {one.text: one for one in hints()}
    assert [text for text in ELSEWHERE if text not in texts] == []
    assert [
        text for text, one in texts.items() if text in ELSEWHERE and one.is_in(_carried_out())
    ] == []


def _printed() -> Iterator[str]:
    """Give every hint as it is printed, or as it stands in the source where none is."""
    yield from (one for one in _carried_out() if one.startswith("→ "))
    yield from ELSEWHERE


PROSE = "has to|can|names|doesn't|ignores|that|had|fetches|can't|or"
"""Words after a program's name where no command is meant."""


def test_a_command_stands_in_backticks() -> None:
    """So that a person sees where it begins and ends, and a test can type it."""
    outside = (re.sub(r"`[^`]*`", ANY, one) for one in _printed())
    bare = re.compile(rf"(?<![\w./-])(qflow-gitops|git) (?!({PROSE})\b)[a-z-]+")
    assert [one for one in outside if bare.search(one)] == []


def test_a_number_is_printed_as_one() -> None:
    """What `--ack` takes is counted where it is printed: nobody can type COUNT."""
    asks = re.compile(r"`[^`]*--ack [^`]*(COUNT|\\x00|\x00|\bN\b)[^`]*`")
    assert [one for one in _carried_out() if asks.search(one)] == []


def test_a_command_is_whole() -> None:
    """No option without the command that takes it: `apply --ack …` alone is nothing to type."""
    half = re.compile(r"`(apply|plan|resolve|reconcile|baseline|lock|status|rerun) -?[^`]*`")
    assert [one for one in _printed() if half.search(one)] == []


BESIDE = {
    "qflow_gitops.fleet.telling:_about_wave": "below a fleet's plan, typed: test_fleet_guide.py",
    "qflow_gitops.fleet.telling:_clone": "below a fleet's plan, typed: test_fleet_guide.py",
    "qflow_gitops.render.textfleet:ways": "below a fleet's status, typed: test_fleet_guide.py",
    "qflow_gitops.fleet.working:_reported": "a note, followed in test_fleet_jobs.py",
    "qflow_gitops.apply.carry_out:_recorded": "a note, and typed: test_tickets.py",
    "qflow_gitops.cli.slips:": "after a slip: test_commands.py",
    "qflow_gitops.cli.slips:of_command": "after a slip: test_commands.py",
    "qflow_gitops.cli.slips:of_option": "after a slip: test_commands.py",
    "qflow_gitops.cli.lock_files:left_to_push": "before a result, and typed: test_corners.py",
    "qflow_gitops.lockfile.next_steps:look_again": "below an apply, and typed: test_words.py",
    "qflow_gitops.render.textapplies:_earlier": "below an apply, and typed: test_golden.py",
    "qflow_gitops.render.textapplies:_ways_on": "below an apply, and typed: test_words.py",
    "qflow_gitops.render.grouped:": "above what is told together: test_targets.py",
    "qflow_gitops.render.text:_diagnostics": "below findings: test_golden.py",
    "qflow_gitops.cli.crash:report_bug": "after a bug: test_crashes.py",
    "qflow_gitops.cli.demo:command": "after a demo, and typed: test_demo.py",
    "qflow_gitops.cli.clock:_give_up": "a second signal: test_signals.py",
    "qflow_gitops.commands.init:": "a file that `init` writes",
    "qflow_gitops.commands.connectors:": "a file that `connectors pull` writes",
    "qflow_gitops.commands.connectors_listed:": "beside a pull, typed: test_connectors_v3.py",
    "qflow_gitops.commands.plan_request:_base": "a note beside a plan: test_bad_input.py",
    "qflow_gitops.commands.show:_with_execution": "on its screen, typed: test_show.py",
    "qflow_gitops.commands.show:_several": "on its screen, typed: test_show.py",
    "qflow_gitops.commands.show_story:_next": "on its screen, typed: test_show.py",
    "qflow_gitops.commands.show_story:story_of": "on its screen, typed: test_show.py",
    "qflow_gitops.sources.specs:why_unknown": "on a screen of `show`, typed: test_show.py",
    "qflow_gitops.audit.against_git:limits": "below a report, typed: test_environments.py",
    "qflow_gitops.render.textevidence:_summary": "in a report, typed: test_report.py",
    "qflow_gitops.render.textevidence:report": "below a report, typed: test_report.py",
    "qflow_gitops.render.textstories:_request": "on its screen, typed: test_show.py",
    "qflow_gitops.render.comment:render_gone": "in a comment, and typed: test_comment.py",
    "qflow_gitops.render.markdown_holds:": "in a comment, where nobody types",
    "qflow_gitops.render.markdown_plans:": "in a comment, where nobody types",
    "qflow_gitops.render.markdown_requests:": "in a comment, where nobody types",
    "qflow_gitops.render.markdown_rows:": "in a comment, where nobody types",
    "qflow_gitops.render.markdown_plans:_findings": "in a comment, where nobody types",
    "qflow_gitops.render.sarif:_rendered": "in a file for code scanning: test_outputs.py",
    "qflow_gitops.render.junit:_rendered": "in a file of test results: test_outputs.py",
    "qflow_gitops.results.words:": "by `rules WORD`: test_words.py",
    "qflow_gitops.cli.watch_wiring:": "where a library isn't installed: test_watching.py",
    "qflow_gitops.results.words_of_a_watch:": "by `rules WORD`: test_words.py",
    "qflow_gitops.results.words_of_differences:": "by `rules WORD`: test_words.py",
    "qflow_gitops.results.words_of_hosts:": "by `rules WORD`: test_words.py",
    "qflow_gitops.results.words_of_plans:": "by `rules WORD`: test_words.py",
    "qflow_gitops.results.words_of_stops:": "by `rules WORD`: test_words.py",
    "qflow_gitops.results.words_of_states:": "by `rules WORD`: test_words.py",
    "qflow_gitops.results.words_of_the_lockfile:": "by `rules WORD`: test_words.py",
    "qflow_gitops.results.words_of_the_fleet:": "by `rules WORD`: test_words.py",
    "qflow_gitops.results.words_of_usage:": "by `rules WORD`: test_words.py",
    "qflow_gitops.apply.notices:left": "after an apply, typed: test_notify.py",
    "qflow_gitops.cli.fleet:_refuse": "with an inventory of the reader's: test_fleet_codes.py",
    "qflow_gitops.doctor.record:told": "a doctor's, typed: test_notify.py",
    "qflow_gitops.render.rules:listed": "`qflow-gitops rules` itself: test_readme.py",
    "qflow_gitops.render.textfiles:known": "`qflow-gitops workflows list`: test_workflows.py",
    "qflow_gitops.render.textsandbox:executed": "typed: test_sandbox_executions.py",
    "qflow_gitops.render.textrecords:anchored": "after an anchor, typed: test_anchors.py",
    "qflow_gitops.render.textrecords:standstill": "after an unfreeze: test_freeze.py",
    "qflow_gitops.render.textapplies:_rescued": "where answers couldn't be saved to a file",
}
"""Function -> what its texts are that name a command and are no hints."""


def test_every_command_that_is_printed_is_typed() -> None:
    """Also where it is printed beside the hints."""
    known = {*hints()}
    left = [
        one for one in literals() if one not in known and _left(one) and one.where not in BESIDE
    ]
    assert left == []
