"""Every rule that a finding can name: how bad it is, why it exists, an example of each kind.

`qflow-gitops rules`, the documentation and the reports that carry rules read them here. A
cloud's own rules stand in its file under `connectors`.
"""

from collections.abc import Mapping

from qflow_gitops.findings.finding import Rule
from qflow_gitops.specs.connectors import registry
from qflow_gitops.specs.rule_texts_of_connectors import CATALOGS
from qflow_gitops.specs.rule_texts_of_files import FILES, YAML
from qflow_gitops.specs.rule_texts_of_fleets import FLEETS
from qflow_gitops.specs.rule_texts_of_specs import CATALOG, CONNECTORS, PROJECT, SCHEMA
from qflow_gitops.specs.rule_texts_of_targets import ORDER, TARGETS

RULES: Mapping[str, Rule] = {
    rule.id: rule
    for family in (
        FILES,
        YAML,
        SCHEMA,
        CONNECTORS,
        *(connector.RULES for connector in registry.CONNECTORS.values()),
        CATALOG,
        CATALOGS,
        PROJECT,
        TARGETS,
        ORDER,
        FLEETS,
    )
    for rule in family
}
"""Every rule by its id, in the order in which they are explained."""
