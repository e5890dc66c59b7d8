"""Why a plan does what it does about a run: what each reason means, and what to do."""

from qflow_gitops.plan.change import Reason
from qflow_gitops.results.words import Word

PLANS = (
    Word(
        Reason.ADDED,
        "No attempt of this run has been sent: it is new.",
        "Nothing; the next apply sends it. What ran before: `qflow-gitops baseline RUN "
        "--reason TEXT`.",
    ),
    Word(
        Reason.MODIFIED,
        "Its request differs from each one that was sent before.",
        "Nothing; the next apply sends it.",
    ),
    Word(
        Reason.RERUN,
        "`rerun` was raised: the same request is asked for once more.",
        "Nothing; the next apply sends it.",
    ),
    Word(
        Reason.UNSENT,
        "An attempt with this request is proven never to have been sent, or not to have run.",
        "Nothing; the next apply sends it.",
    ),
    Word(
        Reason.RETRY,
        "A person released it by name after a failure.",
        "Nothing; this apply sends it once.",
    ),
    Word(
        Reason.ALREADY_RAN,
        "This request was sent before, so it isn't sent again.",
        "Nothing. To have it once more: `qflow-gitops rerun RUN --reason TEXT`.",
    ),
    Word(
        Reason.IN_PROGRESS,
        "Its execution, or the apply that sends it, is under way.",
        "Wait, or look: `qflow-gitops status --refresh`.",
    ),
    Word(
        Reason.BASELINED,
        "It was declared as done before.",
        "Nothing. To run it all the same: `qflow-gitops rerun RUN --reason TEXT`.",
    ),
    Word(
        Reason.REMOVED,
        "It has no spec any more; what was sent stays in the lockfile.",
        "Nothing.",
    ),
    Word(
        Reason.IN_DOUBT,
        "It may have run: the answer never came, or said nothing.",
        "`qflow-gitops reconcile` looks it up, as each apply does first. If that can't tell, "
        "look in Qualys, then `qflow-gitops resolve RUN --adopt EXECUTION --reason TEXT`, or "
        "`--absent` or `--assume-ran`.",
    ),
    Word(
        Reason.FAILED,
        "Its execution failed, was cancelled, or ended unexplained (`ended`).",
        "`qflow-gitops show RUN`, then `qflow-gitops apply --retry RUN`, or change the spec. "
        "Of a word that nobody explained: `qflow-gitops resolve RUN --succeeded --reason "
        "TEXT`, or `--failed`.",
    ),
    Word(
        Reason.REFUSED,
        "Qualys said no; nothing was executed.",
        "Change the spec or the rights, then `qflow-gitops apply --retry RUN`.",
    ),
    Word(
        Reason.EXPIRED,
        "It is in doubt for longer than Qualys can show (30 days).",
        "`qflow-gitops resolve RUN --assume-ran --reason TEXT`, or as for `in_doubt`, by "
        "what you know.",
    ),
    Word(
        Reason.RENAMED,
        "A run whose spec was removed sent the same request.",
        "It is the same run: `previousName:` under `metadata` (of a renamed environment "
        "`previousNames:` in `qflow.yaml`). Else as for `same_request`.",
    ),
    Word(
        Reason.SAME_REQUEST,
        "Another run sent, or is about to send, the same request on this platform.",
        "It is done: `qflow-gitops baseline RUN --reason TEXT` sends nothing. It is meant "
        "again: `qflow-gitops apply --ack same_request=COUNT --reason TEXT`, or "
        "`qflow-gitops rerun RUN --reason TEXT`.",
    ),
    Word(
        Reason.UNMERGED,
        "The commit is on none of the branches that the environment is applied from.",
        "Push or merge it, or `qflow-gitops apply --ack unmerged=1 --reason TEXT`.",
    ),
    Word(
        Reason.EMPTY,
        "All specs of the environment are gone.",
        "Put them back, or once `qflow-gitops apply --ack empty=1 --reason TEXT`.",
    ),
    Word(
        Reason.PLATFORM,
        "It is recorded on another platform than the environment has now.",
        "Set the platform back, or `qflow-gitops apply --ack platform=COUNT --reason TEXT`.",
    ),
    Word(
        Reason.LIMIT,
        "More runs are due than the policy lets one apply start.",
        "Apply some (`-l`), or `qflow-gitops apply --ack limit:runs=COUNT --reason TEXT`.",
    ),
    Word(
        Reason.WINDOW,
        "The policy's windows are closed; the hold says when they open.",
        "Wait, or `qflow-gitops apply --ack window=COUNT --reason TEXT`.",
    ),
    Word(
        Reason.APPROVAL,
        "The policy, `--approved` or `--unattended` asks for people who haven't approved it, or "
        "who can't be asked for.",
        "Have its pull request approved before the merge, or propose it again; then "
        "`qflow-gitops apply --approved`. Where nobody could be asked, the hold says why.",
    ),
    Word(
        Reason.POLICY,
        "A required annotation or signature is missing, or the policy up to now can't be read.",
        "Add what the hold names.",
    ),
    Word(
        Reason.TICKET,
        "Its ticket is missing, not ready, not approved, outside its planned window, or can't be "
        "looked up.",
        "Have the ticket in order, or `qflow-gitops apply --ack ticket=COUNT --reason TEXT`.",
    ),
    Word(
        Reason.WORKFLOW,
        "Qualys doesn't know the workflow, or the policy denies it or asks for another revision.",
        "Correct `workflowId`, or `qflow-gitops workflows pull` and have that reviewed.",
    ),
    Word(
        Reason.ROLLOUT,
        "Its batch hasn't begun, or more targets of its spec failed than its rollout lets.",
        "What waits goes on by itself. What is held: `qflow-gitops apply --retry RUN`, or "
        "let the next batch go on: `qflow-gitops apply --ack rollout=COUNT --reason TEXT`.",
    ),
    Word(
        Reason.AFTER,
        "What it comes after isn't done, failed, or is in doubt.",
        "What waits goes on by itself. Else as for the run that it comes after.",
    ),
    Word(
        Reason.FROZEN,
        "Somebody froze everything; the hold says who, when and why.",
        "When it is over: `qflow-gitops unfreeze --reason TEXT`, or what the hold says.",
    ),
    Word(
        Reason.STOPPED,
        "It was not begun: a run before it failed, or the time was over.",
        "Apply again.",
    ),
    Word(
        Reason.INVALID,
        "Its file, or the settings, have errors.",
        "`qflow-gitops validate` shows them.",
    ),
)
"""Every reason of a plan, in the order of `plan.change.Reason`."""
