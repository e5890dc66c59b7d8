"""What is told of each rule on fleets: why, examples. Checks nothing."""

from qflow_gitops.findings.finding import Rule
from qflow_gitops.specs.rule_texts_of_files import ERROR, WARNING

_ACME = "  - {name: acme, repository: /srv/git/acme.git, labels: {tier: canary}}\n"
_BETA = "  - {name: beta, repository: /srv/git/beta.git}"
_HEAD = "kind: Fleet\nspec:\n  members:\n"
_TWO = _HEAD + _ACME + _BETA

FLEETS = (
    Rule(
        "fleet-member-twice",
        ERROR,
        "A fleet knows a member by its name: two of one name would share a record.",
        f"{_HEAD}{_ACME}  - {{name: acme, repository: /srv/git/beta.git}}",
        _TWO,
    ),
    Rule(
        "fleet-project-twice",
        ERROR,
        "Two members that are one project would each wait for what the other one does.",
        f"{_HEAD}{_ACME}  - {{name: beta, repository: /srv/git/acme.git}}",
        _TWO,
    ),
    Rule(
        "fleet-member-unknown",
        ERROR,
        "A limit on a member that there isn't leaves another one without it.",
        f"{_TWO}\n  subscriptions: {{acme: {{members: [acme, bta]}}}}",
        f"{_TWO}\n  subscriptions: {{acme: {{members: [acme, beta]}}}}",
    ),
    Rule(
        "fleet-select-nothing",
        WARNING,
        "A wave of canaries that has no canary lets all the others begin at once.",
        f"{_TWO}\n  waves: [{{select: {{tier: canaries}}}}, {{}}]",
        f"{_TWO}\n  waves: [{{select: {{tier: canary}}}}, {{}}]",
    ),
    Rule(
        "fleet-wave-empty",
        ERROR,
        "Waves are cumulative: one that adds nothing to those before it was meant otherwise.",
        f"{_TWO}\n  waves: [{{percent: 50}}, {{percent: 50}}]",
        f"{_TWO}\n  waves: [{{percent: 50}}, {{percent: 100}}]",
    ),
)
