"""What is told of each rule on the targets of a spec: why, examples. Checks nothing."""

from qflow_gitops.findings.finding import Rule
from qflow_gitops.specs.rule_texts_of_files import ERROR, WARNING

TARGETS = (
    Rule(
        "target-name-twice",
        ERROR,
        "A target's name is the identity of its run: two of one name would share one record.",
        "spec:\n  connectorType: aws\n  targets:\n"
        "  - {name: payments, variables: {region: us-east-1}}\n"
        "  - {name: payments, variables: {region: eu-west-1}}",
        "spec:\n  connectorType: aws\n  targets:\n"
        "  - {name: payments-us, variables: {region: us-east-1}}\n"
        "  - {name: payments-eu, variables: {region: eu-west-1}}",
    ),
    Rule(
        "target-request-twice",
        ERROR,
        "A request is sent once on a platform: of two targets that ask for the same one never ran.",
        "spec:\n  connectorType: aws\n  targets:\n"
        "  - {name: us, variables: {region: us-east-1}}\n"
        "  - {name: eu, variables: {region: us-east-1}}",
        "spec:\n  connectorType: aws\n  targets:\n"
        "  - {name: us, variables: {region: us-east-1}}\n"
        "  - {name: eu, variables: {region: eu-west-1}}",
    ),
    Rule(
        "targets-too-large",
        ERROR,
        "Each target's request is laid out in memory: much that is shared by many would fill it.",
        "spec:\n  input: {list: [1, 2]}                # 100 KB of it\n"
        "  targets: [{name: a}, {name: b}]       # and 4,000 of them",
        "spec:\n  input: {list: [1, 2]}\n  targets: [{name: a}, {name: b, rerun: 1}]",
    ),
    Rule(
        "target-environment",
        ERROR,
        "`prod/us` can't be both a run of the environment `prod` and a target of the spec `prod`.",
        "metadata: {name: prod}\nspec:\n  targets: [{name: us}]",
        "metadata: {name: encrypt-prod}\nspec:\n  targets: [{name: us}]",
    ),
    Rule(
        "target-previous-name",
        ERROR,
        "The attempts of one run can't count for every target of a spec.",
        "metadata: {name: encrypt, previousName: old/us}\nspec:\n  targets: [{name: us}]",
        "metadata: {name: encrypt}\nspec:\n  targets: [{name: us, previousName: old/us}]",
    ),
    Rule(
        "targets-nothing",
        ERROR,
        "A selection of nothing runs nowhere, and everything would look done.",
        "spec:\n  connectorType: aws      # and the catalog has no connector with `tier: live`\n"
        "  targets: {connectors: {cloud: aws, labels: {tier: live}}}",
        "spec:\n  connectorType: aws\n  targets: {connectors: {cloud: aws, labels: {tier: prod}}}",
    ),
    Rule(
        "targets-unmatched",
        ERROR,
        "An override or an exclusion of nothing was meant for an account that runs without it.",
        "spec:\n  connectorType: aws\n"
        "  targets: {connectors: {cloud: aws, exclude: [legacy, aws-payment]}}",
        "spec:\n  connectorType: aws\n  targets: {connectors: {cloud: aws, exclude: [legacy]}}",
    ),
    Rule(
        "targets-override",
        ERROR,
        "A target that is called like a connector or a region has to run there.",
        "spec:\n  connectorType: aws\n  targets:\n"
        "    connectors: {cloud: aws, labels: {tier: prod}}\n    overrides:\n"
        "      aws-payments:\n"
        "        variables: {connectorId: bb81bdbf-7fb9-4bd0-8615-0438966c427b}",
        "spec:\n  connectorType: aws\n  targets:\n"
        "    connectors: {cloud: aws, labels: {tier: prod}}\n    overrides:\n"
        "      aws-payments: {variables: {bucket: other}}",
    ),
    Rule(
        "targets-connector-name",
        ERROR,
        "A target's name is part of its run's, and begins and ends with a letter or digit.",
        "spec:\n  connectorType: aws      # and the catalog calls a connector `-new`\n"
        "  targets: {connectors: {cloud: aws}}",
        "spec:\n  connectorType: aws\n  targets: {connectors: {cloud: aws, labels: {tier: prod}}}",
    ),
    Rule(
        "targets-left-out",
        WARNING,
        "A selected account whose connector doesn't work gets no run until it does.",
        "spec:\n  connectorType: aws      # and the catalog says of one `disabled: true`\n"
        "  targets: {connectors: {cloud: aws}}",
        "spec:\n  connectorType: aws\n  targets: {connectors: {cloud: aws, exclude: [legacy]}}",
    ),
)

ORDER = (
    Rule(
        "rollout-order",
        ERROR,
        "A canary that isn't there would leave its place to an account that nobody chose.",
        "spec:\n  targets: [{name: payments-dev}, {name: payments-prod, rerun: 1}]\n"
        "  rollout: {batches: [1], order: [payment-dev]}",
        "spec:\n  targets: [{name: payments-dev}, {name: payments-prod, rerun: 1}]\n"
        "  rollout: {batches: [1], order: [payments-dev]}",
    ),
    Rule(
        "rollout-batches",
        ERROR,
        "Batches are cumulative: one that is no larger than the one before it was meant otherwise.",
        "spec:\n  targets: [{name: us}, {name: eu, rerun: 1}]\n"
        "  rollout: {batches: [10%, 10%, 80%]}",
        "spec:\n  targets: [{name: us}, {name: eu, rerun: 1}]\n"
        "  rollout: {batches: [10%, 20%, 100%]}",
    ),
    Rule(
        "after-unknown",
        ERROR,
        "What waits for a run that there isn't would never be started, or too early.",
        "metadata: {name: prepare}\n---\nmetadata: {name: encrypt}\n"
        "spec:\n  rerun: 1\n  after: [prepar]",
        "metadata: {name: prepare}\n---\nmetadata: {name: encrypt}\n"
        "spec:\n  rerun: 1\n  after: [prepare]",
    ),
    Rule(
        "after-cycle",
        ERROR,
        "Of runs that wait for each other none would ever be started.",
        "metadata: {name: a}\nspec:\n  after: [b]\n---\n"
        "metadata: {name: b}\nspec:\n  rerun: 1\n  after: [a]",
        "metadata: {name: a}\nspec:\n  after: [b]\n---\nmetadata: {name: b}\nspec:\n  rerun: 1",
    ),
)
