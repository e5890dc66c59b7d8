"""`migrate` on 200 generated files: the diff touches nothing but the legacy lines."""

import random
from pathlib import Path

import pytest

from qflow_gitops.settings.project import Environment, Project
from qflow_gitops.specs import load
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.partners import NIGHTLY
from tests.helpers.specs import CONNECTOR, WORKFLOW

NAMES = {"credentials": "aws", "credentials_azure": "azure", "credentials_gcp": "gcp"}
SETTINGS = Project(("runs",), "prod", {"prod": Environment("prod", "EU2")})
COUNT = 200 if NIGHTLY else 100


class Generated:
    """One file: its text, its line end, and whether it has to be refused."""

    def __init__(self, chance: random.Random, number: int) -> None:
        self.chance, self.number = chance, number
        self.end = chance.choice(["\n", "\r\n"])
        self.refused = chance.random() < 0.15
        documents = [self._document(part) for part in range(chance.choice([1, 1, 1, 2, 3]))]
        text = "---\n".join(documents)
        if chance.random() < 0.2:
            text = "---\n" + text
        if chance.random() < 0.2:
            text = text.rstrip("\n")
        mark = "\ufeff" if chance.random() < 0.1 else ""
        self.text = mark + text.replace("\n", self.end)

    def _comment(self) -> str:
        words = (
            "credentials: not this one",
            "gültig bis 2027 — siehe CHG",
            "x: y",
            "# credentials",
        )
        return self.chance.choice(["", "", f"   # {self.chance.choice(words)}"])

    def _quoted(self, text: str) -> str:
        quote = self.chance.choice(["", "'", '"'])
        return f"{quote}{text}{quote}"

    def _document(self, part: int) -> str:
        chance = self.chance
        name, cloud = chance.choice(sorted(NAMES.items()))
        value = self._quoted(CONNECTOR)
        pairs = [
            (self._quoted(name), value),
            ("user", chance.choice(["1", "[a, b]", "'credentials'"])),
        ]
        chance.shuffle(pairs)
        if chance.random() < 0.3:
            inner = ", ".join(f"{key}: {one}" for key, one in pairs)
            variables = f"  variables: {{{inner}}}{self._comment()}\n"
        else:
            pad = " " * chance.choice([4, 3, 6])
            lines = [f"{pad}{key}: {one}{self._comment()}\n" for key, one in pairs]
            gap = chance.choice(["", f"{pad}# credentials below\n", "\n"])
            variables = f"  variables:{self._comment()}\n" + gap.join(lines)
        anchor = " &here" if self.refused else ""
        keys = [
            f"  workflowId: {WORKFLOW}{self._comment()}\n",
            f"  connectorType:{anchor} {self._quoted(cloud)}\n",
            variables,
            "  input:\n    note: |\n      credentials: stay as text\n\n    credentials: mine\n",
        ]
        chance.shuffle(keys)
        head = [
            "apiVersion: qflow-gitops/v1\n",
            "kind: WorkflowRun\n",
            f"metadata: {{name: run-{self.number}-{part}}}{self._comment()}\n",
        ]
        chance.shuffle(head)
        return "".join(head) + "spec:\n" + "".join(keys)


@pytest.fixture(scope="module")
def generated() -> list[Generated]:
    chance = random.Random(20261124)
    return [Generated(chance, number) for number in range(COUNT)]


def files(workspace: Workspace) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in sorted(Path(workspace.path / "runs").iterdir())
    }


def digests(contents: dict[str, bytes]) -> dict[tuple[str, str], str]:
    specs = load.load(contents, SETTINGS)
    return {key: one.digest for key, one in specs.specs.items()}


def test_only_the_legacy_lines_change_and_only_once(
    workspace: Workspace, cli: Cli, generated: list[Generated]
) -> None:
    for one in generated:
        workspace.write(f"runs/{one.number:03}.yaml", one.text)
    before = files(workspace)
    assert cli("migrate", "--check").code == 10
    assert files(workspace) == before
    done = cli("migrate")
    assert done.code == 0
    after = files(workspace)
    for one in generated:
        name = f"{one.number:03}.yaml"
        if one.refused:
            assert after[name] == before[name]
            assert f"left  runs/{name}" in done.out
            continue
        old, new = (text[name].split(b"\n") for text in (before, after))
        assert len(old) == len(new), name
        changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
        assert len(changed) == one.text.count("kind: WorkflowRun"), name
        for was, now in changed:
            key = next(k for k in sorted(NAMES, reverse=True) if k.encode() + b":" in was
                       or k.encode() + b"'" in was or k.encode() + b'"' in was)  # fmt: skip
            assert (
                was.replace(key.encode(), b"connectorId", 1) == now
                or now.replace(b"connectorId", key.encode(), 1) == was
            ), name
    assert digests(after) == digests(before)
    assert len(digests(after)) > COUNT
    assert cli("migrate", "--check").code == 0
    assert cli("migrate").code == 0
    assert files(workspace) == after


def test_the_generator_makes_what_it_should(generated: list[Generated]) -> None:
    texts = [one.text for one in generated]
    for wanted in (
        "\r\n",
        "\ufeff",
        "{credentials",
        "'credentials",
        '"credentials',
        "&here",
        "---",
    ):
        assert sum(wanted in text for text in texts) > COUNT / 60, wanted
    assert COUNT / 20 < sum(one.refused for one in generated) < COUNT * 0.3
