"""The table of what counts as the same request: every row of it is true."""

import re
import unicodedata
from pathlib import Path

import pytest

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.spent import is_once_more
from qflow_gitops.settings.project import Environment, Project
from qflow_gitops.specs import load
from qflow_gitops.specs.spec import RunSpec
from tests.helpers.specs import CONNECTOR, WORKFLOW

PAGE = (Path(__file__).parents[2] / "docs/concepts/identity.md").read_text(encoding="utf-8")
TABLE = PAGE.split("<!-- meaning -->\n")[1].split("<!-- /meaning -->")[0]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|")) for line in TABLE.splitlines()[2:]
]
PROJECT = Project(
    ("runs",), "prod", {name: Environment(name, "sandbox", None) for name in ("prod", "dev")}
)
LOUD, OTHER = CONNECTOR.upper(), "0ffaf046-768b-79fc-83f6-aa25be52c2a1"


def spec(rest: str, *, metadata: str = "  name: a\n", workflow: str = WORKFLOW) -> str:
    """A spec with these lines under `spec`, beside its workflow."""
    return (
        "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
        f"metadata:\n{metadata}spec:\n  workflowId: {workflow}\n{rest}"
    )


def inputs(*values: str) -> list[str]:
    """Specs that differ in one value of their input."""
    return [spec(f"  input:\n    x: {value}\n") for value in values]


def variables(*some: str, clouds: str = "aws") -> list[str]:
    """Specs that differ in their variables, given as they stand in braces."""
    return [spec(f"  connectorType: {clouds}\n  variables: {{{one}}}\n") for one in some]


PLAIN = spec("  input:\n    a: x\n    b: [1, true]\n    c: {d: y}\n")
BLOCK = "  input:\n    x: |\n      one\n      two\n"

CASES: dict[str, list[list[str]]] = {
    "order of keys, comments, quotes, block or flow style, line ends": [
        [
            PLAIN,
            spec("  input: {c: {'d': \"y\"}, b: [1, true], \"a\": 'x'}  # why\n"),
            spec("  input:\n    b:\n    - 1\n    - true\n    c: {d: y}\n    a:\n      x\n"),
            PLAIN.replace("\n", "\r\n"),
            "\ufeff" + PLAIN,
        ]
    ],
    "order of a list": [inputs("[1, 2]", "[2, 1]")],
    "name, file, environment, labels, annotations, `previousName`": [
        [
            spec("", metadata="  name: a\n"),
            spec("", metadata="  name: b\n  previousName: a\n"),
            spec("", metadata="  name: a\n  environment: prod\n"),
            spec("", metadata="  name: a\n  environment: dev\n"),
            spec("", metadata="  name: a\n  labels: {team: x}\n  annotations: {ticket: y}\n"),
        ]
    ],
    "`connectorType`, `sensitive`, `notSecret`": [
        [
            spec("  input: {x: y}\n"),
            spec("  input: {x: y}\n  connectorType: aws\n"),
            spec("  input: {x: y}\n  connectorType: [gcp, aws]\n"),
            spec("  input: {x: y}\n  sensitive: [/input/x]\n"),
            spec("  input: {x: y}\n  notSecret: [/input/x]\n"),
        ]
    ],
    "`4`, `4.0`, `4e0`, `0x4`; `0` and `-0.0`; `0.1`, `0.10`, `1e-1`": [
        inputs("4", "4.0", "4e0", "+4", "0x4", "0o4", "40e-1", "4."),
        inputs("0", "-0", "-0.0", "0e5", "0.0"),
        inputs("0.1", "0.10", "1e-1", ".1", "1.0E-1"),
        inputs("1e15", "1000000000000000", "1000000000000000.0"),
        inputs("-9007199254740991", "-9007199254740991.0", "-9.007199254740991e15"),
        inputs("1e-7", "0.0000001", "10e-8"),
    ],
    '`4` and `"4"`; `true` and `"true"`; `yes` and `true`': [
        inputs("4", '"4"', "true", '"true"', "yes", "null", '"null"', '""', "0x4g", '"4.0"'),
    ],
    "`true` and `True`; `null`, `~` and nothing at all; a date in quotes or not": [
        inputs("true", "True", "TRUE"),
        inputs("null", "~", "Null", "NULL", ""),
        inputs("2026-01-02", '"2026-01-02"'),
        inputs("2026-01-02T03:04:05Z", '"2026-01-02T03:04:05Z"'),
        inputs("yes", '"yes"'),
    ],
    "a number beyond ±(2^53-1), however it is written": [
        inputs("9007199254740992", "-9007199254740993", "9007199254740993.0", "1e20", "-1e300"),
        inputs("12345678901234567890.0", "0x20000000000000"),
    ],
    "a fraction with more digits than JSON keeps": [
        inputs("0.1000000000000000055", "3.14159265358979323846", "9007199254740990.5"),
        inputs("1e-400", "-1e-999999999999999999999"),
    ],
    "no `input` or `variables`, and an empty one": [
        [
            spec(""),
            spec("  input: {}\n"),
            spec("  variables: {}\n"),
            spec("  variables: {}\n  input: {}\n"),
        ]
    ],
    "inside of them: an empty value, another empty value, none": [
        inputs("{}", "{a: {}}", "{a: []}", "{a: ''}", "{a: null}", "{a: false}", "{a: 0}", "[]"),
        variables("", "own: null", "own: {}", "own: ''"),
    ],
    "capitals in `workflowId`, `connectorId`, `credentials…`": [
        [spec("", workflow=WORKFLOW), spec("", workflow=WORKFLOW.upper())],
        variables(f"connectorId: {CONNECTOR}", f"connectorId: {LOUD}"),
        variables(f"credentials: {CONNECTOR}", f"credentials: {LOUD}"),
        variables(
            f"credentials: {CONNECTOR}, credentials_azure: {OTHER}",
            f"credentials: {LOUD}, credentials_azure: {OTHER}",
            f"credentials: {CONNECTOR}, credentials_azure: {OTHER.upper()}",
            clouds="[aws, azure]",
        ),
    ],
    "capitals in any other value, also in one that looks like an id": [
        inputs(CONNECTOR, LOUD),
        variables(f"own: {CONNECTOR}", f"own: {LOUD}"),
        variables("resourceGroup: Payments", "resourceGroup: payments", clouds="azure"),
    ],
    "capitals in a key": [
        inputs("{a: 1}", "{A: 1}"),
        variables("region: us-east-1", "Region: us-east-1"),
    ],
    "`credentials…` for `connectorId`, where it is the only one": [
        variables(f"connectorId: {CONNECTOR}", f"{name}: {CONNECTOR}", f"{name}: {LOUD}", clouds=it)
        for it, name in (
            ("aws", "credentials"),
            ("azure", "credentials_azure"),
            ("gcp", "credentials_gcp"),
            ("[aws, gcp]", "credentials"),
        )
    ],
    "`credentials…` beside `connectorId`, which Qualys ignores": [
        variables(
            f"connectorId: {CONNECTOR}",
            f"connectorId: {CONNECTOR}, credentials: {CONNECTOR}",
            f"connectorId: {CONNECTOR}, credentials: {OTHER}",
            f"credentials_azure: {OTHER}, connectorId: {LOUD}, credentials: {OTHER}",
            clouds="[aws, azure]",
        ),
    ],
    "two of `credentials…`, or one of them": [
        variables(
            f"credentials: {CONNECTOR}, credentials_azure: {OTHER}",
            f"credentials: {OTHER}, credentials_azure: {CONNECTOR}",
            f"credentials: {CONNECTOR}",
            f"credentials_azure: {OTHER}",
            clouds="[aws, azure]",
        )
    ],
    "an id with `@`, an empty one, one that is no UUID": [
        variables("connectorId: ''", "credentials: ~", "connectorId: 42", "credentials: xxxx"),
        variables(
            f"connectorId: '@{CONNECTOR}'", f"credentials: '@{CONNECTOR}'",
            f"connectorId: [{CONNECTOR}]", f"connectorId: ' {CONNECTOR}'",
        ),
    ],
    "a character or its escape; a text in quotes or as a block": [
        [
            *inputs('"\\u00e9\\n\\U0001F600"', '"é\\n😀"'),
            spec("  input:\n    x: |-\n      é\n      😀\n"),
        ]
    ],
    "a letter with its accent as one character or two": [
        inputs(*(unicodedata.normalize(form, "é") for form in ("NFC", "NFD")))
    ],
    "half of a surrogate pair": [inputs('"\\ud83d"', '"\\ud83d\\ude00"')],
    "spaces, tabs and line breaks inside or at the end of a text": [
        inputs('"a b"', '"a  b"', '"a\\tb"', '"a b "', '" a b"'),
        [
            spec(BLOCK),
            spec(BLOCK.replace("|", "|-")),
            spec(BLOCK.replace("|", ">")),
            spec('  input:\n    x: "one\\ntwo\\n\\n"\n'),
        ],
    ],
    "`rerun`: absent, 1, 2": [[spec(""), spec("  rerun: 1\n"), spec("  rerun: 2\n")]],
    "`rerun`: 1, `1.0`, `1e0`": [
        [spec(f"  rerun: {one}\n") for one in ("1", "1.0", "1e0", "0x1")]
    ],
    '`rerun`: 0, `-1`, `1.5`, `"1"`': [
        [spec(f"  rerun: {one}\n") for one in ("0", "-1", "1.5", '"1"', "null", "100001")]
    ],
}  # fmt: skip
"""For each row groups of specs; those of a group are compared with one another."""


def read(text: str) -> RunSpec:
    found = load.load({"runs/a.yaml": text.encode()}, PROJECT)
    assert not has_errors(found.diagnostics), found.diagnostics
    (one,) = found.specs.values()
    return one


def rules(text: str) -> set[str]:
    found = load.load({"runs/a.yaml": text.encode()}, PROJECT)
    assert not found.specs
    return {one.rule for one in found.diagnostics}


def test_each_row_of_the_table_is_tried() -> None:
    assert [row[0] for row in ROWS] == list(CASES)


@pytest.mark.parametrize(("what", "digest", "sent"), ROWS, ids=[row[0] for row in ROWS])
def test_the_table_is_true(what: str, digest: str, sent: str) -> None:
    """One digest or as many as there are specs; what is sent to Qualys is equal to the byte or not.

    What is refused is so by each of the rules named.
    """
    seen: set[str] = set()
    for texts in CASES[what]:
        assert len(set(texts)) == len(texts) > 1
        if digest == "refused":
            assert all(rules(text) & set(re.findall(r"`([a-z-]+)`", sent)) for text in texts)
            seen |= set().union(*map(rules, texts))
            continue
        specs = [read(text) for text in texts]
        assert len({one.digest for one in specs}) == {"one": 1, "two": len(specs)}[digest]
        bodies = {(one.workflow_id, one.body) for one in specs}
        assert len(bodies) == {"the same": 1, "as written": len(specs)}[sent]
    assert digest != "refused" or seen == set(re.findall(r"`([a-z-]+)`", sent))


# --- once more -----------------------------------------------------------------------


def sent(text: str) -> Attempt:
    """An attempt that sent a spec, as the lockfile of a clone without the file shows it."""
    one = read(text)
    facts = {"workflowId": one.workflow_id, "bodySha256": one.body_sha256}
    event = Event("2026-01-01T00:00:00Z", State.BASELINED)
    return Attempt(1, State.BASELINED, one.digest, (event,), facts=facts)


@pytest.mark.parametrize(
    ("rest", "number", "expected"),
    [
        (f"connectorId: {CONNECTOR}", 1, True),
        (f"connectorId: {LOUD}", 1, True),
        (f"credentials: {LOUD}", 7, True),
        (f"connectorId: {CONNECTOR}", 100_000, True),
        (f"connectorId: {OTHER}", 1, False),
        (f"connectorId: {CONNECTOR}, own: 1", 1, False),
    ],
)
def test_the_same_request_once_more_is_told_by_its_meaning(
    rest: str, number: int, expected: bool
) -> None:
    """Without the file that was sent: by the text's hash, or else by the digest alone."""
    (before,) = variables(f"connectorId: {CONNECTOR}")
    (now,) = variables(rest)
    for text in (now, now.replace(WORKFLOW, WORKFLOW.upper())):
        assert is_once_more(read(f"{text}  rerun: {number}\n"), sent(before)) is expected
    assert not is_once_more(read(now.replace(WORKFLOW, OTHER) + "  rerun: 1\n"), sent(before))
