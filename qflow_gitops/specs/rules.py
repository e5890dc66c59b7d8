"""Every rule that a finding can name: how bad it is, why it exists, an example of each kind.

`qflow-gitops rules`, the README's table and the reports that carry rules read them here. A
cloud's own rules stand in its file under `connectors`.
"""

from collections.abc import Mapping

from qflow_gitops.findings.finding import Rule, Severity
from qflow_gitops.specs.connectors import registry

_E, _W = Severity.ERROR, Severity.WARNING

_FILES = (
    Rule(
        "file-kind",
        _E,
        "A link or a submodule can lead to a text that nobody reviewed.",
        "runs/prod.yaml -> ../elsewhere/prod.yaml      (a symbolic link)",
        "runs/prod.yaml                                (the file itself)",
    ),
    Rule(
        "file-name",
        _E,
        "A name that isn't shown as it is can hide what runs from a reviewer.",
        "runs/prod\\u202elmay.yaml",
        "runs/prod.yaml",
    ),
    Rule(
        "file-collision",
        _E,
        "Where names differ only in case or form, one file hides the other on many machines.",
        "runs/Prod.yaml and runs/prod.yaml",
        "runs/prod.yaml and runs/prod-2.yaml",
    ),
    Rule(
        "file-unreadable",
        _E,
        "A file that can't be read could hold anything, so nothing can be said of it.",
        "runs/prod.yaml, which this user may not read",
        "chmod u+r runs/prod.yaml",
    ),
    Rule(
        "path-no-spec",
        _E,
        "What was named to be checked and wasn't looked at must not pass for checked.",
        "qflow-gitops validate README.md",
        "qflow-gitops validate runs/aws/buckets.yaml",
    ),
    Rule(
        "too-many-specs",
        _E,
        "Beyond 100,000 specs nobody reviews a plan, and most likely a generator went wrong.",
        "100,001 specs in one repository",
        "one repository for each team",
    ),
    Rule(
        "too-many-findings",
        _W,
        "Nobody reads more than 100 findings of one file, and most have one cause.",
        "a file in which 2,000 values are wrong",
        "the same file, once the first ones are fixed",
    ),
)

_YAML = (
    Rule(
        "yaml-syntax",
        _E,
        "What can't be read can't be reviewed or run.",
        "spec:\n  input: {bucketName: test",
        "spec:\n  input: {bucketName: test}",
    ),
    Rule(
        "yaml-encoding",
        _E,
        "Bytes that aren't UTF-8 are read differently by different programs.",
        "a file saved as UTF-16 or Latin-1",
        "the same file saved as UTF-8",
    ),
    Rule(
        "yaml-too-big",
        _E,
        "Nobody reviews a quarter of a megabyte of YAML, and parsing it takes seconds.",
        "a file of more than 256 KiB",
        "several smaller files, or several documents in a few",
    ),
    Rule(
        "yaml-too-deep",
        _E,
        "Nesting beyond 64 levels is an attack or an accident.",
        f"spec:\n  input: {{deep: {'[' * 70}{']' * 70}}}",
        "spec:\n  input: {deep: [[[1]]]}",
    ),
    Rule(
        "yaml-empty",
        _E,
        "An empty document is most often a forgotten `---` or a lost spec.",
        "---\n---",
        "",
    ),
    Rule(
        "yaml-root",
        _E,
        "A spec is a mapping; a list of specs is written as several documents.",
        "- apiVersion: qflow-gitops/v1",
        "apiVersion: qflow-gitops/v1",
    ),
    Rule(
        "yaml-directive",
        _E,
        "A directive can change what every value of the file means.",
        "%YAML 1.1\n---",
        "---",
    ),
    Rule(
        "yaml-anchor",
        _E,
        "What runs has to be readable where it stands, without looking anchors up.",
        "spec:\n  input: {bucket: &b test}",
        "spec:\n  input: {bucket: test}",
    ),
    Rule(
        "yaml-alias",
        _E,
        "What runs has to be readable where it stands; a few aliases also make gigabytes.",
        "spec:\n  input: {source: &b test, target: *b}",
        "spec:\n  input: {source: test, target: test}",
    ),
    Rule(
        "yaml-merge-key",
        _E,
        "Merged keys hide what is sent, and not every reader knows them.",
        "spec:\n  input:\n    <<: {bucket: test}",
        "spec:\n  input:\n    bucket: test",
    ),
    Rule(
        "yaml-tag",
        _E,
        "A tag can make a value something else than it looks like.",
        "spec:\n  input: {account: !!str 42}",
        'spec:\n  input: {account: "42"}',
    ),
    Rule(
        "yaml-duplicate-key",
        _E,
        "Of two equal keys each reader takes another one.",
        "spec:\n  input:\n    bucket: test\n    bucket: prod",
        "spec:\n  input:\n    bucket: test",
    ),
    Rule(
        "yaml-key-type",
        _E,
        "JSON, which is sent, has only strings as keys.",
        "spec:\n  input: {42: answer}",
        'spec:\n  input: {"42": answer}',
    ),
    Rule(
        "yaml-leading-zero",
        _E,
        "An AWS account id without quotes loses its leading zero, or is read as octal.",
        "spec:\n  input: {account: 012345678901}",
        'spec:\n  input: {account: "012345678901"}',
    ),
    Rule(
        "yaml-integer-range",
        _E,
        "Beyond 2^53 - 1 JSON readers round a number, so another one than written would arrive.",
        "spec:\n  input: {id: 12345678901234567890}",
        'spec:\n  input: {id: "12345678901234567890"}',
    ),
    Rule(
        "yaml-precision",
        _E,
        "JSON readers keep some 16 digits, so another number than written would arrive.",
        "spec:\n  input: {rate: 0.12345678901234567890}",
        "spec:\n  input: {rate: 0.123456789012345}",
    ),
    Rule(
        "yaml-not-finite",
        _E,
        "JSON has neither infinities nor NaN.",
        "spec:\n  input: {limit: .inf}",
        "spec:\n  input: {limit: 1000000}",
    ),
    Rule(
        "yaml-last-line",
        _E,
        "An editor that ends the last line when it saves would change the text that is sent.",
        "spec:\n  input:\n    reason: |\n      quarterly, and no line break behind it",
        "spec:\n  input:\n    reason: |\n      quarterly\n",
    ),
    Rule(
        "yaml-surrogate",
        _E,
        "Half of a surrogate pair is no character, and can't be sent.",
        'spec:\n  input: {reason: "\\ud83d"}',
        'spec:\n  input: {reason: "\\U0001F600"}',
    ),
    Rule(
        "yaml-word",
        _W,
        "YAML 1.1 read yes, no, on and off as booleans; here they are strings.",
        "spec:\n  input: {encrypt: yes}",
        "spec:\n  input: {encrypt: true}",
    ),
    Rule(
        "yaml-number",
        _W,
        "Other YAML readers take 1_000, 0b11 and 12:30 for numbers; here they are strings.",
        "spec:\n  input: {at: 12:30}",
        'spec:\n  input: {at: "12:30"}',
    ),
    Rule(
        "yaml-formatter",
        _W,
        "A formatter may change this text, which would then be sent as another request.",
        "spec:\n  input:\n    reason: >\n      quarterly\n        indented further\n",
        "spec:\n  input:\n    reason: |\n      quarterly\n        indented further\n",
    ),
)

_SCHEMA = (
    Rule(
        "schema-kind",
        _E,
        "`apiVersion` and `kind` say how a file is to be read; the rest depends on it.",
        "apiVersion: qflow-gitops/v1\nkind: Workflow",
        "apiVersion: qflow-gitops/v1\nkind: WorkflowRun",
    ),
    Rule(
        "schema-missing-key",
        _E,
        "A run without a name or a workflow can be neither told apart nor sent.",
        "metadata:\n  labels: {team: cloudsec}",
        "metadata:\n  name: encrypt-buckets\n  labels: {team: cloudsec}",
    ),
    Rule(
        "schema-unknown-key",
        _E,
        "A key that nothing reads is most often misspelt, and its setting lost.",
        "metadata:\n  name: encrypt-buckets\n  lables: {team: cloudsec}",
        "metadata:\n  name: encrypt-buckets\n  labels: {team: cloudsec}",
    ),
    Rule(
        "schema-key",
        _E,
        "Names become identities and parts of commands, so their form is fixed.",
        "metadata:\n  name: encrypt-buckets\n  labels: {my team: cloudsec}",
        "metadata:\n  name: encrypt-buckets\n  labels: {my-team: cloudsec}",
    ),
    Rule(
        "schema-type",
        _E,
        "A value of another kind would be read or sent as something else than meant.",
        "spec:\n  input: bucketName=test",
        "spec:\n  input: {bucketName: test}",
    ),
    Rule(
        "schema-value",
        _E,
        "What isn't allowed here fails later, in the middle of an apply.",
        "metadata:\n  name: Encrypt Buckets",
        "metadata:\n  name: encrypt-buckets",
    ),
    Rule(
        "workflow-id",
        _E,
        "A workflow is addressed by its UUID; nothing else leads to it.",
        "spec:\n  workflowId: Encrypt S3 buckets",
        "spec:\n  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4",
    ),
    Rule(
        "sensitive-nothing",
        _W,
        "A pointer to nothing masks nothing, and what was meant is shown.",
        "spec:\n  input: {reason: internal}\n  sensitive: [/input/raeson]",
        "spec:\n  input: {reason: internal}\n  sensitive: [/input/reason]",
    ),
    Rule(
        "secret-literal",
        _E,
        "Whoever can read the repository, now or later, can read a secret that was committed.",
        "spec:\n  input: {password: correct-horse-battery}",
        "spec:\n  input: {passwordFrom: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:db'}",
    ),
)

_CONNECTORS = (
    Rule(
        "connector-type-missing",
        _E,
        "Without it nobody can tell which system variables belong.",
        "spec:\n  variables: {region: us-east-1}",
        "spec:\n  connectorType: aws\n  variables: {region: us-east-1}",
    ),
    Rule(
        "connector-variable",
        _E,
        "Another cloud's system variable does nothing; the run works elsewhere.",
        "spec:\n  connectorType: aws\n  variables: {resourceGroup: payments}",
        "spec:\n  connectorType: azure\n  variables: {resourceGroup: payments}",
    ),
    Rule(
        "connector-id",
        _E,
        "The connector decides which cloud account changes: exactly one UUID.",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: '@aa70acae-6ea8-3acf-b504-f327855b316a'}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "connector-value",
        _E,
        "A place that the cloud doesn't know makes the run fail half-way.",
        "spec:\n  connectorType: oci\n  variables: {oci_region: us-east-1}",
        "spec:\n  connectorType: oci\n  variables: {oci_region: us-ashburn-1}",
    ),
    Rule(
        "connector-not-listed",
        _E,
        "The settings list the accounts that an environment may change, and this isn't one.",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: 00000000-6ea8-3acf-b504-f327855b316a}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "legacy-variable",
        _W,
        "Qualys deprecated the credentials variables in release 1.19.",
        "spec:\n  connectorType: aws\n"
        "  variables: {credentials: aa70acae-6ea8-3acf-b504-f327855b316a}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "legacy-ignored",
        _W,
        "Where `connectorId` is set, Qualys ignores the credentials variables.",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a\n"
        "    credentials: aa70acae-6ea8-3acf-b504-f327855b316a",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a",
    ),
    Rule(
        "legacy-differs",
        _W,
        "Two different connectors in one run: only one of them is used.",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a\n"
        "    credentials: 0ffaf046-768b-79fc-83f6-aa25be52c2a1",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a",
    ),
    Rule(
        "legacy-several",
        _W,
        "Two credentials variables have no equivalent in today's API.",
        "spec:\n  connectorType: [aws, azure]\n  variables:\n"
        "    credentials: aa70acae-6ea8-3acf-b504-f327855b316a\n"
        "    credentials_azure: 0ffaf046-768b-79fc-83f6-aa25be52c2a1",
        "spec:\n  connectorType: aws\n  variables:\n"
        "    connectorId: aa70acae-6ea8-3acf-b504-f327855b316a",
    ),
    Rule(
        "variable-near-miss",
        _W,
        "A misspelt system variable is taken for one of the workflow's own.",
        "spec:\n  connectorType: aws\n  variables: {regoin: us-east-1}",
        "spec:\n  connectorType: aws\n  variables: {region: us-east-1}",
    ),
    Rule(
        "variable-null",
        _W,
        "Qualys' documentation names no empty values for variables.",
        "spec:\n  variables: {name: null}",
        'spec:\n  variables: {name: ""}',
    ),
    Rule(
        "variable-fraction",
        _W,
        "Qualys' documentation names integers, but no fractions, for variables.",
        "spec:\n  variables: {threshold: 0.5}",
        'spec:\n  variables: {threshold: "0.5"}',
    ),
)

_CATALOG = (
    Rule(
        "workflow-unknown",
        _E,
        "A workflow that the catalog doesn't know can't be started, or nobody has looked at it.",
        "spec:\n  workflowId: 00000000-4405-4517-beb9-7372feafb5b4",
        "spec:\n  workflowId: 6cad21c8-4405-4517-beb9-7372feafb5b4",
    ),
    Rule(
        "workflow-variable-unknown",
        _W,
        "A variable that the workflow doesn't define has most likely another name there.",
        "spec:\n  variables: {bucketname: test}",
        "spec:\n  variables: {bucketName: test}",
    ),
    Rule(
        "workflow-variable-kind",
        _W,
        "A value of another kind than the workflow's own makes a step fail in the middle of a run.",
        'spec:\n  variables: {dryRun: "true"}',
        "spec:\n  variables: {dryRun: true}",
    ),
    Rule(
        "catalog-name",
        _E,
        "A workflow's file is found by its id, so one named otherwise could hide another.",
        "workflows/encrypt-buckets.json",
        "workflows/6cad21c8-4405-4517-beb9-7372feafb5b4.json",
    ),
)

_PROJECT = (
    Rule(
        "settings-name",
        _E,
        "Settings under another name aren't read, and without them other rules would hold.",
        "qflow.yml",
        "qflow.yaml",
    ),
    Rule(
        "settings-twice",
        _W,
        "Of two files that look like settings only one is read, and somebody may edit the other.",
        "qflow.yaml and qflow.yml",
        "qflow.yaml",
    ),
    Rule(
        "project-nested",
        _E,
        "Two projects that both read a folder would send each of its specs twice.",
        "runs/team/qflow.yaml      (and `runs: [runs]` in qflow.yaml)",
        "team/qflow.yaml",
    ),
    Rule(
        "runs-missing",
        _E,
        "A folder that isn't there holds no specs to look at, and what it held isn't done with.",
        "runs: [rusn]      (and the folder is called runs)",
        "runs: [runs]",
    ),
    Rule(
        "runs-unused",
        _W,
        "A folder that isn't there may be misspelled, or its specs may be gone.",
        "runs: [runs/aws, runs/azur]      (and there is no runs/azur)",
        "runs: [runs/aws]",
    ),
    Rule(
        "project-documents",
        _E,
        "With several sets of settings nobody knows which one holds.",
        "kind: Project\n---\napiVersion: qflow-gitops/v1\nkind: Project",
        "kind: Project",
    ),
    Rule(
        "policy-value",
        _E,
        "A rule that nothing can be held against would hold nothing, or everything.",
        "kind: Project\nspec:\n  policy: {require: {annotations: {ticket: 'CHG['}}}",
        "kind: Project\nspec:\n  policy: {require: {annotations: {ticket: 'CHG[0-9]{7}'}}}",
    ),
    Rule(
        "policy-cron-days",
        _W,
        "A cron expression fires on its days of the month and, besides, on its weekdays.",
        "kind: Project\nspec:\n  policy:\n    windows:\n"
        '      - {allow: "0 2 1-7 * SUN", duration: 4h, timezone: UTC}',
        "kind: Project\nspec:\n  policy:\n    windows:\n"
        '      - {allow: "0 2 * * SUN#1", duration: 4h, timezone: UTC}',
    ),
    Rule(
        "policy-unsupported",
        _E,
        "A policy that isn't enforced is worse than none.",
        "kind: Project\nspec:\n  policy: {quotas: {runs: 20}}",
        "kind: Project\nspec:\n  policy: {}",
    ),
    Rule(
        "previous-name-twice",
        _E,
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
        _W,
        "A request is sent once on a platform: of two specs that ask for the same, one is held.",
        "metadata: {name: a}\n---\nmetadata: {name: b}      # and the same below it",
        "metadata: {name: a}\n---\nmetadata: {name: b}\nspec:\n  rerun: 1",
    ),
    Rule(
        "environment-missing",
        _E,
        "Without an environment nobody knows on which platform a run works.",
        "metadata:\n  name: encrypt-buckets      # and no defaultEnvironment in qflow.yaml",
        "metadata:\n  name: encrypt-buckets\n  environment: prod",
    ),
    Rule(
        "environment-unknown",
        _E,
        "An environment that the settings don't define has no platform to run on.",
        "metadata:\n  name: encrypt-buckets\n  environment: production",
        "metadata:\n  name: encrypt-buckets\n  environment: prod",
    ),
    Rule(
        "duplicate-name",
        _E,
        "The name is a run's identity: two specs of one name would share one record.",
        "metadata:\n  name: a\n---\nmetadata:\n  name: a",
        "metadata:\n  name: a\n---\nmetadata:\n  name: b\nspec:\n  input: {bucket: b}",
    ),
)

RULES: Mapping[str, Rule] = {
    one.id: one
    for family in (
        _FILES,
        _YAML,
        _SCHEMA,
        _CONNECTORS,
        *(connector.RULES for connector in registry.CONNECTORS.values()),
        _CATALOG,
        _PROJECT,
    )
    for one in family
}
"""Every rule by its id, in the order in which they are explained."""
