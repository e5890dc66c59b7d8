"""Catalogs of connectors: what a file says, what is ambiguous in several, and that all is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.settings.project import Environment, Project
from qflow_gitops.specs import connector_catalogs, load
from qflow_gitops.specs.connector_catalogs import Connector, Connectors, path_of

A = "aa70acae-6ea8-3acf-b504-f327855b316a"
B = "0b6f2c1e-4405-4517-beb9-7372feafb5b4"
HEAD = "apiVersion: qflow-gitops/v1\nkind: ConnectorCatalog\n"
PROJECT = Project(
    runs=("runs",),
    default_environment="prod",
    environments={name: Environment(name, "sandbox") for name in ("prod", "dev")},
)
FULL = f"""{HEAD}connectors:
  payments-prod:
    id: {A.upper()}
    title: AWS Payments
    account: "123456789012"
    state: ERROR
    disabled: true
    labels: {{tier: prod}}
    gone: "2026-11-29"
"""
LEGACY = Connector(B, "legacy", "gcp")


def loaded(**files: str) -> Connectors:
    """Give the catalogs of the clouds of `prod`, which have to be without a finding."""
    contents = {path_of("prod", cloud): text.encode() for cloud, text in files.items()}
    known, found = connector_catalogs.load(contents, PROJECT)
    assert found == []
    return known


def test_a_connector_is_found_by_its_name_and_by_its_id_in_its_environment() -> None:
    known = loaded(aws=FULL, gcp=f"{HEAD}connectors:\n  legacy: {{id: {B}}}\n")
    payments = Connector(
        A, "payments-prod", "aws", "AWS Payments", "123456789012", "ERROR", True,
        {"tier": "prod"}, "2026-11-29",
    )  # fmt: skip
    assert known.by_name("prod", "payments-prod") == known.by_id("prod", A.upper()) == payments
    assert known.by_name("prod", "legacy") == known.by_id("prod", B) == LEGACY
    assert known.clouds("prod") == {"aws", "gcp"}
    for nothing in (known.by_name("dev", "legacy"), known.by_id("dev", A), known.by_id("prod", "")):
        assert nothing is None
    assert known.clouds("dev") == frozenset()


def test_what_qualys_did_not_say_is_unknown() -> None:
    assert (LEGACY.account, LEGACY.state, LEGACY.disabled) == ("unknown", "unknown", None)
    assert LEGACY.shown == "legacy"
    assert LEGACY._replace(account="gcp-demo").shown == "legacy (gcp-demo)"


def test_one_name_may_stand_in_two_environments() -> None:
    text = f"{HEAD}connectors:\n  payments: {{id: {A}}}\n".encode()
    files = {path_of(name, "aws"): text for name in ("prod", "dev")}
    assert connector_catalogs.load(files, PROJECT)[1] == []


def test_a_name_in_the_settings_may_be_written_as_people_do() -> None:
    listed = Environment("prod", "sandbox", {A.upper(): "Payments (prod)"})
    settings = PROJECT._replace(environments={"prod": listed})
    for name, rules in (("payments-prod", []), ("payments", ["connector-named-otherwise"])):
        text = f"{HEAD}connectors:\n  {name}: {{id: {A}}}\n".encode()
        _, found = connector_catalogs.load({path_of("prod", "aws"): text}, settings)
        assert [one.rule for one in found] == rules


@pytest.mark.parametrize(
    "path",
    [
        "connectors/aws.yaml", "connectors/prod/aws.yml", "connectors/prod/AWS.yaml",
        "connectors/prod/aws.yaml/aws.yaml", "connectors/prod/x/aws.yaml", "connectors/.yaml",
        "connectors/stage/aws.yaml", "connectors//aws.yaml",
    ],
)  # fmt: skip
def test_a_file_elsewhere_is_told_and_not_passed_over(path: str) -> None:
    known, found = connector_catalogs.load({path: FULL.encode()}, PROJECT)
    assert known == Connectors()
    assert [(one.rule, one.file) for one in found] == [("connectors-place", path)]


def test_the_catalogs_of_a_project_in_a_folder_lie_in_it() -> None:
    folder = ProjectFolder("team")
    assert path_of("prod", "aws", folder) == "team/connectors/prod/aws.yaml"
    files = {path_of("prod", "aws", folder): FULL.encode()}
    specs = load.load({}, PROJECT._replace(folder=folder), files)
    assert specs.diagnostics == ()
    assert specs.connectors.by_id("prod", A) is not None


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from((A, "unknown")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("id", "title", "account", "state", "disabled", "labels", "gone", "x")),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5) | st.just("payments"), values, max_size=3) | values)
def test_whatever_a_file_holds_is_read_or_told(connectors: object) -> None:
    data = {"apiVersion": "qflow-gitops/v1", "kind": "ConnectorCatalog", "connectors": connectors}
    files = {path_of("prod", "aws", ROOT): json.dumps(data).encode()}
    known, found = connector_catalogs.load(files, PROJECT)
    assert known.catalogs or found
    assert all(one.message.isprintable() for one in found)


@given(st.binary(max_size=60))
def test_whatever_the_bytes_are(content: bytes) -> None:
    known, found = connector_catalogs.load({path_of("prod", "aws"): content}, PROJECT)
    assert known == Connectors()
    assert found
