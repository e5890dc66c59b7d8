"""What is told of each rule on the catalogs of connectors: why, examples. Checks nothing."""

from qflow_gitops.findings.finding import Rule
from qflow_gitops.specs.rule_texts_of_files import ERROR, WARNING

CATALOGS = (
    Rule(
        "connector-twice",
        ERROR,
        "A connector that is given by its name and by an id could be two accounts.",
        "spec:\n  connectorType: aws\n  connector: payments\n"
        "  variables: {connectorId: bb81bdbf-7fb9-4bd0-8615-0438966c427b}",
        "spec:\n  connectorType: aws\n  connector: payments",
    ),
    Rule(
        "connector-unknown",
        ERROR,
        "A connector that the catalog doesn't know leads nowhere, or nobody has looked at it.",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: 11111111-6ea8-3acf-b504-f327855b316a}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "connector-of-another-cloud",
        ERROR,
        "A workflow for one cloud can't work through a connector of another.",
        "spec:\n  connectorType: gcp      # and connectors/prod/aws.yaml has the id\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "connector-unusable",
        WARNING,
        "A run through a connector that is disabled, in error or gone fails, or does nothing.",
        "spec:\n  connectorType: aws      # and the catalog says `disabled: true`\n"
        "  variables: {connectorId: bb81bdbf-7fb9-4bd0-8615-0438966c427b}",
        "spec:\n  connectorType: aws\n"
        "  variables: {connectorId: aa70acae-6ea8-3acf-b504-f327855b316a}",
    ),
    Rule(
        "connectors-place",
        ERROR,
        "A catalog of connectors is of the environment and the cloud that its path names.",
        "connectors/prod/amazon.yaml",
        "connectors/prod/aws.yaml",
    ),
    Rule(
        "connectors-documents",
        ERROR,
        "Of several documents only one could be the catalog that a pull brings up to date.",
        "kind: ConnectorCatalog\nconnectors: {}\n---\nkind: ConnectorCatalog\nconnectors: {}",
        "kind: ConnectorCatalog\nconnectors: {}",
    ),
    Rule(
        "connector-name-twice",
        ERROR,
        "A connector's name stands for one id in its environment, whatever the cloud.",
        "connectors: {payments: {id: bb81…}}      (and gcp.yaml has a `payments`, too)",
        "connectors: {payments-aws: {id: bb81…}}",
    ),
    Rule(
        "connector-named-otherwise",
        ERROR,
        "A connector with two names is read as two accounts by whoever reviews a plan.",
        "kind: ConnectorCatalog      # and qflow.yaml calls the connector `aws payments`\n"
        "connectors: {legacy: {id: aa70acae-6ea8-3acf-b504-f327855b316a}}",
        "kind: ConnectorCatalog\n"
        "connectors: {aws-payments: {id: aa70acae-6ea8-3acf-b504-f327855b316a}}",
    ),
)
