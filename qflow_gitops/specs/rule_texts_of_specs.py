"""What is told of each rule on specs, settings and catalogs: why, examples. Checks nothing."""

from qflow_gitops.findings.finding import Rule
from qflow_gitops.specs.rule_texts_of_files import ERROR, WARNING

SCHEMA = (
    Rule(
        "schema-kind",
        ERROR,
        "`apiVersion` and `kind` say how a file is to be read; the rest depends on it.",
        "apiVersion: qflow-gitops/v1\nkind: Workflow",
        "apiVersion: qflow-gitops/v1\nkind: WorkflowRun",
    ),
    Rule(
        "schema-missing-key",
        ERROR,
        "A run without a name or a workflow can be neither told apart nor sent.",
        "metadata:\n  labels: {team: cloudsec}",
        "metadata:\n  name: encrypt-buckets\n  labels: {team: cloudsec}",
    ),
    Rule(
        "schema-unknown-key",
        ERROR,
        "A key that nothing reads is most often misspelt, and its setting lost.",
        "metadata:\n  name: encrypt-buckets\n  lables: {team: cloudsec}",
        "metadata:\n  name: encrypt-buckets\n  labels: {team: cloudsec}",
    ),
    Rule(
        "schema-key",
        ERROR,
        "Names become identities and parts of commands, so their form is fixed.",
        "metadata:\n  name: encrypt-buckets\n  labels: {my team: cloudsec}",
        "metadata:\n  name: encrypt-buckets\n  labels: {my-team: cloudsec}",
    ),
    Rule(
        "schema-type",
        ERROR,
        "A value of another kind would be read or sent as something else than meant.",
        "spec:\n  input: bucketName=test",
        "spec:\n  input: {bucketName: test}",
    ),
    Rule(
        "schema-value",
        ERROR,
        "What isn't allowed here fails later, in the middle of an apply.",
        "metadata:\n  name: Encrypt Buckets",
        "metadata:\n  name: encrypt-buckets",
    ),
    Rule(
        "workflow-id",
        ERROR,
        "A workflow is addressed by its UUID; nothing else leads to it.",
        "spec:\n  workflowId: Encrypt S3 buckets",
        "spec:\n  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4",
    ),
    Rule(
        "sensitive-nothing",
        WARNING,
        "A pointer to nothing masks nothing, and what was meant is shown.",
        "spec:\n  input: {reason: internal}\n  sensitive: [/input/raeson]",
        "spec:\n  input: {reason: internal}\n  sensitive: [/input/reason]",
    ),
    Rule(
        "secret-literal",
        ERROR,
        "Whoever can read the repository, now or later, can read a secret that was committed.",
        "spec:\n  input: {password: correct-horse-battery}",
        "spec:\n  input: {passwordFrom: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:db'}",
    ),
    Rule(
        "not-interpolated",
        WARNING,
        "Nothing fills in templates: the workflow gets the braces.",
        "spec:\n  input: {bucket: '${{ vars.BUCKET }}'}",
        "spec:\n  input: {bucket: test-bucket-1}",
    ),
    Rule(
        "id-of-an-example",
        WARNING,
        "An id that was copied from an example leads nowhere, or to another's workflow.",
        "spec:\n  workflowId: f516bcf4-f6fb-46ac-a54f-ddbcf2a2d24a",
        "spec:\n  workflowId: 7cad21c8-4405-4517-beb9-7372feafb5b4",
    ),
)

CONNECTORS = (
    Rule(
        "connector-type-missing",
        ERROR,
        "Without it nobody can tell which system variables belong.",
        "spec:\n  variables: {region: us-east-1}",
        "spec:\n  connectorType: aws\n  variables: {region: us-east-1}",
    ),
    Rule(
        "connector-variable",
        ERROR,
        "Another cloud's system variable does nothing; the run works elsewhere.",
        "spec:\n  connectorType: aws\n  variables: {resourceGroup: payments}",
        "spec:\n  connectorType: azure\n  variables: {resourceGroup: payments}",
    ),
    Rule(
        "connector-id",
        ERROR,
        "The connector decides which cloud account changes: exactly one UUID.",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: '@aa70acae-6ea8-3acf-b504-f327855b316a'}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "connector-value",
        ERROR,
        "A place that the cloud doesn't know makes the run fail half-way.",
        "spec:\n  connectorType: oci\n  variables: {oci_region: us-east-1}",
        "spec:\n  connectorType: oci\n  variables: {oci_region: us-ashburn-1}",
    ),
    Rule(
        "connector-not-listed",
        ERROR,
        "The settings list the accounts that an environment may change, and this isn't one.",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: 00000000-6ea8-3acf-b504-f327855b316a}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "legacy-variable",
        WARNING,
        "Qualys deprecated the credentials variables in release 1.19.",
        "spec:\n  connectorType: aws\n"
        "  variables: {credentials: aa70acae-6ea8-3acf-b504-f327855b316a}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "legacy-ignored",
        WARNING,
        "Where `connectorId` is set, Qualys ignores the credentials variables.",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a\n"
        "    credentials: aa70acae-6ea8-3acf-b504-f327855b316a",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a",
    ),
    Rule(
        "legacy-differs",
        WARNING,
        "Two different connectors in one run: only one of them is used.",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a\n"
        "    credentials: 0ffaf046-768b-79fc-83f6-aa25be52c2a1",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a",
    ),
    Rule(
        "legacy-several",
        WARNING,
        "Two credentials variables have no equivalent in today's API.",
        "spec:\n  connectorType: [aws, azure]\n  variables:\n"
        "    credentials: aa70acae-6ea8-3acf-b504-f327855b316a\n"
        "    credentials_azure: 0ffaf046-768b-79fc-83f6-aa25be52c2a1",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a",
    ),
    Rule(
        "variable-near-miss",
        WARNING,
        "A misspelt system variable is taken for one of the workflow's own.",
        "spec:\n  connectorType: aws\n  variables: {regoin: us-east-1}",
        "spec:\n  connectorType: aws\n  variables: {region: us-east-1}",
    ),
    Rule(
        "variable-null",
        WARNING,
        "Qualys' documentation names no empty values for variables.",
        "spec:\n  variables: {name: null}",
        'spec:\n  variables: {name: ""}',
    ),
    Rule(
        "variable-fraction",
        WARNING,
        "Qualys' documentation names integers, but no fractions, for variables.",
        "spec:\n  variables: {threshold: 0.5}",
        'spec:\n  variables: {threshold: "0.5"}',
    ),
)

CATALOG = (
    Rule(
        "workflow-unknown",
        ERROR,
        "A workflow that the catalog doesn't know can't be started, or nobody has looked at it.",
        "spec:\n  workflowId: 00000000-4405-4517-beb9-7372feafb5b4",
        "spec:\n  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4",
    ),
    Rule(
        "workflow-variable-unknown",
        WARNING,
        "A variable that the workflow doesn't define has most likely another name there.",
        "spec:\n  variables: {bucketname: test}",
        "spec:\n  variables: {bucketName: test}",
    ),
    Rule(
        "workflow-variable-kind",
        WARNING,
        "A value of another kind than the workflow's own makes a step fail in the middle of a run.",
        'spec:\n  variables: {dryRun: "true"}',
        "spec:\n  variables: {dryRun: true}",
    ),
    Rule(
        "catalog-name",
        ERROR,
        "A workflow's file is found by its id, so one named otherwise could hide another.",
        "workflows/encrypt-buckets.json",
        "workflows/6cad21c8-4405-4517-beb9-7372feafb5b4.json",
    ),
)

PROJECT = (
    Rule(
        "settings-name",
        ERROR,
        "Settings under another name aren't read, and without them other rules would hold.",
        "qflow.yml",
        "qflow.yaml",
    ),
    Rule(
        "settings-twice",
        WARNING,
        "Of two files that look like settings only one is read, and somebody may edit the other.",
        "qflow.yaml and qflow.yml",
        "qflow.yaml",
    ),
    Rule(
        "project-nested",
        ERROR,
        "Two projects that both read a folder would send each of its specs twice.",
        "runs/team/qflow.yaml      (and `runs: [runs]` in qflow.yaml)",
        "team/qflow.yaml",
    ),
    Rule(
        "runs-missing",
        ERROR,
        "A folder that isn't there holds no specs to look at, and what it held isn't done with.",
        "runs: [rusn]      (and the folder is called runs)",
        "runs: [runs]",
    ),
    Rule(
        "runs-unused",
        WARNING,
        "A folder that isn't there may be misspelled, or its specs may be gone.",
        "runs: [runs/aws, runs/azur]      (and there is no runs/azur)",
        "runs: [runs/aws]",
    ),
    Rule(
        "project-documents",
        ERROR,
        "With several sets of settings nobody knows which one holds.",
        "kind: Project\n---\napiVersion: qflow-gitops/v1\nkind: Project",
        "kind: Project",
    ),
    Rule(
        "policy-value",
        ERROR,
        "A rule that nothing can be held against would hold nothing, or everything.",
        "kind: Project\nspec:\n  policy: {require: {annotations: {ticket: 'CHG['}}}",
        "kind: Project\nspec:\n  policy: {require: {annotations: {ticket: 'CHG[0-9]{7}'}}}",
    ),
    Rule(
        "policy-cron-days",
        WARNING,
        "A cron expression fires on its days of the month and, besides, on its weekdays.",
        "kind: Project\nspec:\n  policy:\n    windows:\n"
        '      - {allow: "0 2 1-7 * SUN", duration: 4h, timezone: UTC}',
        "kind: Project\nspec:\n  policy:\n    windows:\n"
        '      - {allow: "0 2 * * SUN#1", duration: 4h, timezone: UTC}',
    ),
    Rule(
        "policy-unsupported",
        ERROR,
        "A policy that isn't enforced is worse than none.",
        "kind: Project\nspec:\n  policy: {quotas: {runs: 20}}",
        "kind: Project\nspec:\n  policy: {}",
    ),
    Rule(
        "previous-name-twice",
        ERROR,
        "The runs of an environment that was renamed can be taken over by one other only.",
        "kind: Project\nspec:\n  environments:\n"
        "    stage: {platform: EU2, previousNames: [dev]}\n"
        "    test: {platform: EU2, previousNames: [dev]}",
        "kind: Project\nspec:\n  environments:\n"
        "    stage: {platform: EU2, previousNames: [dev]}\n"
        "    test: {platform: EU2}",
    ),
    Rule(
        "same-request",
        WARNING,
        "A request is sent once on a platform: of two specs that ask for the same, one is held.",
        "metadata: {name: a}\n---\nmetadata: {name: b}      # and the same below it",
        "metadata: {name: a}\n---\nmetadata: {name: b}\nspec:\n  rerun: 1",
    ),
    Rule(
        "environment-missing",
        ERROR,
        "Without an environment nobody knows on which platform a run works.",
        "metadata:\n  name: encrypt-buckets      # and no defaultEnvironment in qflow.yaml",
        "metadata:\n  name: encrypt-buckets\n  environment: prod",
    ),
    Rule(
        "environment-unknown",
        ERROR,
        "An environment that the settings don't define has no platform to run on.",
        "metadata:\n  name: encrypt-buckets\n  environment: production",
        "metadata:\n  name: encrypt-buckets\n  environment: prod",
    ),
    Rule(
        "duplicate-name",
        ERROR,
        "The name is a run's identity: two specs of one name would share one record.",
        "metadata:\n  name: a\n---\nmetadata:\n  name: a",
        "metadata:\n  name: a\n---\nmetadata:\n  name: b\nspec:\n  input: {bucket: b}",
    ),
)
