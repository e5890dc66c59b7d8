"""`doctor --facts` against five stand-ins of a tenant: the right table, nobody's secret in it."""

import re
from collections.abc import Iterator

import pytest

from tests.cli.test_golden import Golden, golden
from tests.helpers.cli import Cli, Done
from tests.helpers.git import Workspace
from tests.helpers.specs import CONNECTOR, WORKFLOW, spec
from tests.helpers.tenants import EXECUTION, FAILED, RUNNING, Served
from tests.helpers.tenants_known import TENANTS

__all__ = ["golden"]
FACTS = ("doctor", "--facts")
OURS = {"Success", "Failed", "Running", "trigger", "resource", "1.24.0", "1.16.2", "SUCCEEDED",
        "Erfolgreich", "Übersprungen", "läuft noch", "PUBLIC_API", "user-defined", "system",
        "SUCCESS", "REGIONS_DISCOVERED", "region", "credentials", "oci_region", "compartment",
        "reason"}  # fmt: skip
"""Words of Qualys' that the stand-ins say, and that may be printed."""


@pytest.fixture(params=TENANTS)
def served(
    request: pytest.FixtureRequest, project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    """A stand-in that the environment points at, and one more spec."""
    project.write("runs/b.yaml", spec("b"))
    for name in ("QFLOW_CLIENT_ID", "QFLOW_API_USERNAME"):
        monkeypatch.setenv(name, "acme-client")
    for name in ("QFLOW_CLIENT_SECRET", "QFLOW_API_PASSWORD"):
        monkeypatch.setenv(name, "acme-canary-secret")
    with Served(TENANTS[request.param]) as served:
        monkeypatch.setenv("QFLOW_GATEWAY", served.url)
        monkeypatch.setenv("QFLOW_API_SERVER", served.url)
        yield served


def shown(cli: Cli, form: str) -> Done:
    done = cli(*FACTS, "--format", form)
    assert done.code in (0, 1), done.err
    return done


def test_the_table_is_the_right_one(cli: Cli, served: Served, golden: Golden) -> None:
    golden(f"doctor-facts-{served.tenant.name}", shown(cli, "text"))
    golden(f"doctor-facts-{served.tenant.name}-markdown", shown(cli, "markdown"))


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_nothing_of_anybody_is_in_it(cli: Cli, served: Served, form: str) -> None:
    """Each id, name, token and text that the stand-in said is looked for."""
    done = shown(cli, form)
    told = done.out + done.err
    said = {each for each in served.texts() if len(each) > 3} - OURS
    assert len(said) > 10
    assert [each for each in said if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", told)] == []
    for one in (WORKFLOW, CONNECTOR, EXECUTION, FAILED, RUNNING, served.url, "127.0.0.1"):
        assert one not in told
    assert "acme" not in told.lower()
    assert "canary" not in told


def test_only_gets_are_sent_and_few(cli: Cli, served: Served) -> None:
    shown(cli, "json")
    posts = [target for method, target in served.requests if method != "GET"]
    assert posts == ["/auth/oidc"]
    assert len(served.requests) <= 20


def test_the_checks_don_t_stumble_over_it(cli: Cli, served: Served) -> None:
    done = cli("doctor", "qualys")
    assert done.code in (0, 1)
    assert "Traceback" not in done.err
