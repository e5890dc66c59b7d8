"""A small run of the benchmarks, so that they can't rot; what they measure is no promise here."""

import json
import os
import re
from pathlib import Path

import pytest

from qflow_gitops.lockfile import codec
from qflow_gitops.lockfile.pieces import files_of
from qflow_gitops.specs.load import Catalogs, examine
from tests.benchmarks import (
    apply,
    growth,
    install,
    lockfile,
    notify,
    page,
    peers,
    recorded,
    repository,
    rollouts,
    setup,
    speed,
    targets,
)
from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.scale import FULL, SMALL, Scale
from tests.benchmarks.table import Table
from tests.benchmarks.trees import here
from tests.fakes.world import World
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.partners import nightly
from tests.helpers.storm import TREE


def test_what_looking_costs() -> None:
    table = speed.measure(SMALL)
    found = {row["what"]: row for row in table.rows}
    assert {"validate, cold", "plan, 10 changed", "plan --full", "--version"} <= set(found)
    for row in found.values():
        assert float(row["wall ms"]) > 0
        assert 0 < float(row["peak MiB"]) < 200
    assert float(found["git status"]["peak MiB"]) < float(found["import click"]["peak MiB"])
    assert table.markdown().count("\n| ") > 9


@nightly
def test_what_looking_costs_with_targets() -> None:
    table = targets.measure(SMALL)
    assert [row["what"].split(",")[0] for row in table.rows] == [
        "validate", "plan", "plan --format json", "plan --full",
    ]  # fmt: skip
    for row in table.rows:
        assert float(row["ratio"]) > 0.1


def test_both_forms_ask_for_the_same() -> None:
    texts = {number: repository.spec(number, like=1) for number in range(targets.EACH)}
    files = {
        "runs/a.yaml": targets.with_targets(texts),
        "runs/b.yaml": "---\n".join(texts.values()),
    }
    found = [
        {spec.digest for spec in examine(text.encode(), name, World().project, Catalogs()).specs}
        for name, text in files.items()
    ]
    assert found[0] == found[1]
    assert len(found[0]) == targets.EACH


@nightly
def test_what_an_apply_costs() -> None:
    (row,) = apply.measure(SMALL).rows
    assert row["runs"] == "100"
    assert float(row["ratio"]) > 1


@nightly
def test_what_telling_others_costs() -> None:
    rows = notify.measure(SMALL).rows
    assert [row["each receiver"] for row in rows] == [*notify.RECEIVERS]
    for row in rows:
        assert float(row["ratio"]) < 1.5  # of one round on a busy machine; the promise is 1.02


@nightly
def test_what_batches_cost() -> None:
    (row,) = rollouts.measure(SMALL).rows
    assert row["targets"] == "100"
    assert float(row["ratio"]) > 0.5


@nightly
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.environ.get("QFLOW_TESTS_INSTALL") != "required", reason="fetches packages")
def test_what_a_jobs_set_up_takes() -> None:
    for row in setup.measure(SMALL).rows:
        assert float(row["ratio"]) < 0.6, row


@nightly
def test_how_time_grows() -> None:
    table = growth.measure(Scale((100, 300), 1))
    found = {row["what"]: row for row in table.rows}
    assert set(growth.LINEAR) < set(found)
    for row in found.values():
        assert {"1 file, ms", "100", "300"} < set(row)
        assert float(row["exponent"]) < 3
    assert all(found[name]["of what more files add"] for name in growth.LINEAR)


def test_an_exponent_is_what_the_time_grows_by() -> None:
    assert round(growth.exponent(FULL.sizes, [size * 0.3 for size in FULL.sizes]), 6) == 1
    assert round(growth.exponent(FULL.sizes, [size**2 for size in FULL.sizes]), 6) == 2


@pytest.mark.timeout(900)
@nightly
def test_what_others_take() -> None:
    table = peers.measure(SMALL)
    found = {row["what"].split()[0]: row for row in table.rows}
    others = {
        "check-jsonschema", "sourcemeta-jsonschema", "@jirutka/ajv-cli", "ajv-cli", "octodns-sync",
    }  # fmt: skip
    assert set(found) == others | {"validate,", "plan,", "plan"}
    for name, row in found.items():
        assert float(row["wall ms"].replace(",", "")) > 0
        assert bool(row["ours / it"]) is (name in others)


@nightly
def test_what_can_not_be_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise install.NotInstalled("There is no shop here.")

    monkeypatch.setattr(install, "from_pip", nowhere)
    monkeypatch.setattr(install, "from_npm", nowhere)
    table = peers.measure(SMALL)
    assert [row["what"] for row in table.rows] == ["validate, cold", "plan, cold", "plan"]
    assert table.about.count("There is no shop here.") == 2


def test_others_are_installed_once_for_each_set_of_pins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm, package, log = tmp_path / "npm", tmp_path / "package.json", tmp_path / "log"
    monkeypatch.setattr(install, "FOLDER", tmp_path)
    monkeypatch.setattr(install, "NODE", tmp_path / "node_modules")
    monkeypatch.setattr(install, "PACKAGE", package)
    monkeypatch.setattr(install, "COMPILED", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    monkeypatch.setenv("PATH", str(tmp_path))
    package.write_text("1")
    with pytest.raises(install.NotInstalled, match="no node here"):
        install.from_npm()
    for tool in (tmp_path / "node", npm):
        tool.write_text("#!/bin/sh\nmkdir -p node_modules && echo >>log\n")
        tool.chmod(0o755)
    for pins, times in (("1", 1), ("1", 1), ("2", 2)):
        package.write_text(pins)
        assert install.from_npm() == tmp_path / "node_modules"
        assert len(log.read_text()) == times
    package.write_text("3")
    npm.write_text("#!/bin/sh\nexit 1\n")
    for _ in range(2):  # it isn't taken for installed the second time
        with pytest.raises(install.NotInstalled, match="`npm` could not install"):
            install.from_npm()


@nightly
def test_what_recorded_runs_cost() -> None:
    table = lockfile.measure(SMALL._replace(against=TREE, only=("apply", "verify", "wave")))
    rows = {(row["what"], row["recorded"]): row for row in table.rows}
    for count in ("100", "500"):
        row = rows["apply, the whole process", count]
        (other,) = (name for name in row if f"peak MiB, {name}" in row and name != "this tree")
        assert float(row["this tree"].split()[0]) > 0 < float(row[other].split()[0])
        assert 10 < float(row["peak MiB, this tree"].split()[0]) < 300
    assert float(rows["one wave's commit and push", "500"]["beside"].split()[0]) > 0.1


def test_a_lockfile_that_is_made_without_the_program_is_what_it_would_write(tmp_path: Path) -> None:
    form = here().form
    origin = recorded.Origin(tmp_path / "made", 100, 10)
    made = Remote(origin.recorded(form))
    lockfile = codec.from_bytes(json.dumps(made.record()).encode(), "")
    paths = made.git("ls-tree", "-r", "--name-only", BRANCH).splitlines()
    assert {path: content.decode().strip() for path, content in files_of(lockfile).items()} == {
        path: made.git("show", f"{BRANCH}:{path}") for path in paths if path != "README.md"
    }


def test_the_page_is_made_of_what_was_measured() -> None:
    """Anew: `python -m tests.benchmarks page`."""
    assert page.PAGE.read_text("utf-8") == page.rendered(page.known())


def test_no_number_of_the_page_is_written_by_hand() -> None:
    words = re.sub(r"\{\{.+?\}\}", "", page.TEMPLATE.read_text("utf-8"))
    assert re.findall(r".*[0-9].*", words) == []


def test_what_was_measured_says_when_where_and_how() -> None:
    known = page.known()
    assert set(known) <= set(BENCHMARKS)
    for name, record in known.items():
        assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", record["date"])
        assert f" -m tests.benchmarks {name}" in record["command"]
        assert set(page.machine()) - {"load"} <= set(record["machine"])
        assert len({tuple(row) for row in record["rows"]}) == 1


def test_what_is_measured_anew_takes_the_place_of_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "DATA", tmp_path / "data.json")
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(page, "TEMPLATE", tmp_path / "words")
    page.TEMPLATE.write_text("{{ apply }}\n\nSo {{ apply | one | ms }} ms.\n")
    for taken in ("7", "5"):
        table = Table("In turn.", [{"what": "one", "ms": taken}, {"what": "two", "ms": "9"}])
        page.keep("apply", "bench apply", page.machine(), table)
    page.make()
    shown = page.PAGE.read_text()
    assert shown.startswith(
        "In turn.\n\n| what | ms |\n| --- | --- |\n| one | 5 |\n| two | 9 |\n\n"
    )
    assert f"Measured on {page.today()} by `bench apply`: " in shown
    assert shown.endswith("\n\nSo 5 ms.\n")
    for gone in ("{{ speed }}", "{{ apply | three | ms }}", "{{ apply | one | s }}"):
        page.TEMPLATE.write_text(gone)
        with pytest.raises(LookupError):
            page.make()
