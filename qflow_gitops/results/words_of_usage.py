"""What stops a command that was typed otherwise than it can be done: each word, and what to do."""

from qflow_gitops.results.words import Word

_AGAIN = "Run the command again"

USAGE = (
    Word(
        "usage",
        "The command line or a variable contradicts itself, or names what isn't there.",
        "Correct it as the message says.",
    ),
    Word(
        "ack_differs",
        "An `--ack NAME=COUNT` names something that isn't held, or another number than is.",
        "`qflow-gitops plan` shows what is held, and the number that releases it.",
    ),
    Word(
        "attempt_unknown",
        "The lockfile has no such attempt of the run.",
        "`qflow-gitops history RUN` shows those that there are.",
    ),
    Word(
        "baseline_not_held",
        "Only what is due or held for its request can be declared as done.",
        "`qflow-gitops plan` shows how the run stands.",
    ),
    Word(
        "connectors_unknown",
        "Qualys shows no list of connectors for these clouds.",
        "Name another cloud, or ask Connector v3: `qflow-gitops connectors pull --api v3`.",
    ),
    Word(
        "statement_key",
        "The key that is to sign statements can't be read, or is no Ed25519 key.",
        "Make one with `ssh-keygen -t ed25519 -f KEY`, and name it: `--key KEY`.",
    ),
    Word(
        "output_refused",
        "The folder that a report is to go to holds something else, or can't be written.",
        "Name one that isn't there yet, or that a report made: `qflow-gitops report --output DIR`.",
    ),
    Word(
        "environment_needed",
        "The project has several environments, each perhaps another subscription.",
        "Name one: `-e ENV`.",
    ),
    Word(
        "environment_unknown",
        "The settings have no environment of this name.",
        "Name one that they have with `-e`, or add it to `qflow.yaml`.",
    ),
    Word(
        "execution_differs",
        "The execution shows another request, workflow or time than the run's.",
        "Look in Qualys for the right one.",
    ),
    Word(
        "execution_found",
        "Qualys lists executions that may be the run's, so it can't be called absent.",
        "`qflow-gitops resolve RUN --adopt EXECUTION --reason TEXT`, or exclude each of them.",
    ),
    Word(
        "execution_taken",
        "Another attempt owns this execution.",
        "`qflow-gitops history RUN` shows which.",
    ),
    Word(
        "demo_folder",
        "There is something in the folder that the demo was to leave its repository in.",
        "Name another one: `qflow-gitops demo --keep FOLDER`.",
    ),
    Word(
        "execution_ambiguous",
        "What was given begins the ids of several executions.",
        "Give more of the one that you mean.",
    ),
    Word(
        "execution_unknown",
        "Neither the lockfile nor Qualys shows this execution.",
        "Qualys shows one for 30 days; on another environment's platform, name that with `-e ENV`.",
    ),
    Word(
        "fault_form",
        "A fault of the sandbox has another form.",
        "`qflow-gitops sandbox --fault list`",
    ),
    Word("fault_unknown", "The sandbox has no such fault.", "`qflow-gitops sandbox --fault list`"),
    Word(
        "folder_name",
        "A project can't lie in a folder whose name isn't shown as it is.",
        "Rename the folder.",
    ),
    Word(
        "list_incomplete",
        "The list of executions could not be read whole, so what is missing in it proves nothing.",
        f"{_AGAIN} in a moment.",
    ),
    Word(
        "lock_name",
        "The lockfile has no place for a run of this name.",
        "Give it a name of small letters, digits and hyphens.",
    ),
    Word(
        "name_odd",
        "A run's name has small letters, digits and hyphens, at most 63.",
        "Choose such a name.",
    ),
    Word(
        "not_confirmed",
        "Somebody has to confirm what was shown, and nobody did.",
        "If it is meant, run it again with `--yes`.",
    ),
    Word(
        "not_ended",
        "Only of an execution that ended unexplained can a person say how.",
        "`qflow-gitops status` shows how the run stands.",
    ),
    Word(
        "not_in_doubt",
        "The run isn't in doubt, so there is nothing to resolve.",
        "`qflow-gitops status` shows how the run stands.",
    ),
    Word(
        "nothing_decided",
        "There is no decision of a person to put back.",
        "`qflow-gitops history RUN` shows what was decided.",
    ),
    Word("path_missing", "There is no such file or folder.", "Name one that is there."),
    Word("path_outside", "The path is outside the repository.", "Name one inside it."),
    Word("port_taken", "The sandbox can't listen on this port.", "`qflow-gitops sandbox --port 0`"),
    Word(
        "reason_missing",
        "This is recorded with a reason, and there is none.",
        "Add `--reason TEXT`.",
    ),
    Word(
        "reason_secret",
        "The reason looks like it holds a secret, and reasons go into git.",
        "Give it without; if it is real, revoke it.",
    ),
    Word(
        "request_differs",
        "The execution shows another request than the attempt sent, or can't be compared.",
        "If it is the run's all the same: `qflow-gitops resolve RUN --adopt EXECUTION "
        "--although-different --reason TEXT`.",
    ),
    Word(
        "retry_count",
        "`--retry-failed` would send another number of runs again than was said.",
        "Say the number that the message shows: `--ack retry=COUNT --reason TEXT`.",
    ),
    Word(
        "retry_not_held",
        "Only a run that failed or was refused can be retried, each by its name.",
        "`qflow-gitops status` shows how each run stands.",
    ),
    Word(
        "revision_unknown",
        "Git knows no such commit, or more than one thing of that name.",
        "Name a commit, a branch or a tag; in a shallow clone fetch it first.",
    ),
    Word(
        "run_unknown",
        "No run has this name.",
        "`qflow-gitops status` lists the runs.",
    ),
    Word(
        "sandbox_data",
        "The sandbox can't keep its executions in this file.",
        "Name a file that may be written with `--data`.",
    ),
    Word(
        "sandbox_credentials",
        "Credentials of the sandbox are a name and a secret with a colon between.",
        "`qflow-gitops sandbox --credentials ada:a-secret`",
    ),
    Word(
        "sandbox_other",
        "What answers there is no sandbox of this version.",
        "Start one: `qflow-gitops sandbox --port 8080`.",
    ),
    Word(
        "sandbox_unreachable",
        "No sandbox answers there.",
        "Start one in another terminal: `qflow-gitops sandbox --port 8080`.",
    ),
    Word(
        "several_runs",
        "Only one execution can be watched.",
        "Name one run: `qflow-gitops show RUN --watch`.",
    ),
    Word(
        "target",
        "The run was sent to another platform than its environment names now.",
        "Set that platform, settle the run, and change it back.",
    ),
    Word(
        "time_unknown",
        "The clocks were too far apart when the run was sent, so a list proves nothing.",
        "If nobody can find it: `qflow-gitops resolve RUN --assume-ran --reason TEXT`.",
    ),
    Word(
        "workflow_id",
        "A workflow is named by its UUID.",
        "Take it from the address of the workflow's page in Qualys.",
    ),
    Word(
        "workflow_unknown",
        "The catalog has no such workflow.",
        "`qflow-gitops workflows pull ID`",
    ),
)
