"""What stands in the way of an anchor of the lockfile."""

from tests.helpers.carried import Person
from tests.helpers.scenarios.base import applied, scenario
from tests.helpers.specs import spec
from tests.helpers.terminal import Terminal

ANCHOR = "qflow-gitops lock anchor"
FILE = {"FILE": "deposit.json"}
NAMED = "  anchor: {url: 'https://tsa.example.com/tsr', certificate: tsa.pem}\n"


def _sent(at: Terminal) -> None:
    at.specs(a=spec("a"))
    applied(at)


@scenario("branch")
def anchor_without_a_server(at: Terminal) -> tuple[str, Person]:
    """The settings name no time-stamp server."""
    _sent(at)

    def name(at: Terminal) -> None:
        at.settings(more=NAMED)
        at.merge()

    return ANCHOR, Person(FILE, changes={"Name one under spec": name})


@scenario("branch")
def anchor_by_a_server_that_was_never_applied(at: Terminal) -> tuple[str, Person]:
    """The settings name a server, but no apply has worked on that commit."""
    _sent(at)
    at.settings(more=NAMED)
    at.merge()
    return ANCHOR, Person(FILE)


@scenario("branch")
def anchor_without_the_certificate(at: Terminal) -> tuple[str, Person]:
    """The settings name a certificate that was never committed."""
    at.settings(more=NAMED)
    _sent(at)

    def commit(at: Terminal) -> None:
        at.clone.write("tsa.pem", "not yet one\n")
        at.merge()

    return ANCHOR, Person(FILE, changes={"Commit it with the settings": commit})


@scenario("branch")
def anchor_without_a_certificate_in_its_file(at: Terminal) -> tuple[str, Person]:
    """The file that the settings name for the certificate holds something else."""
    at.settings(more=NAMED)
    at.clone.write("tsa.pem", "a note\n")
    _sent(at)
    why = "who runs the server has it: test_anchors.py"
    return ANCHOR, Person(elsewhere={"PEM form": why})


@scenario("worktree")
def anchor_of_a_file(at: Terminal) -> tuple[str, Person]:
    """The lockfile is a file of the work tree."""
    _sent(at)
    at.clone.git("init", "--quiet", "--bare", "../remote.git")
    at.clone.git("remote", "add", "origin", (at.folder / "remote.git").as_uri())
    return ANCHOR, Person()


@scenario("branch")
def anchor_before_anything_was_applied(at: Terminal) -> tuple[str, Person]:
    """There is no lockfile yet."""
    at.specs(a=spec("a"))

    def apply(at: Terminal) -> None:
        applied(at)

    return ANCHOR, Person(changes={"The first apply makes it": apply})


@scenario("branch")
def anchor_to_a_file_that_is_there(at: Terminal) -> tuple[str, Person]:
    """There is a file of that name already."""
    _sent(at)
    at.clone.write("anchor.json", "{}\n")
    return f"{ANCHOR} --to anchor.json", Person(FILE)


@scenario("branch")
def history_held_against_no_anchor(at: Terminal) -> tuple[str, Person]:
    """What is named as an anchor is something else."""
    _sent(at)
    at.clone.write("anchor.json", "{}\n")
    return "qflow-gitops lock verify --anchor anchor.json", Person(FILE)


@scenario("branch")
def history_held_against_a_file_that_is_not_there(at: Terminal) -> tuple[str, Person]:
    """The anchor's file isn't there."""
    _sent(at)

    def make(at: Terminal) -> None:
        assert at.typed(f"{ANCHOR} --to anchor.json").code == 0

    command = "qflow-gitops lock verify --anchor anchor.json"
    return command, Person(changes={"Name a file that is there": make})


@scenario("worktree")
def a_file_held_against_an_anchor(at: Terminal) -> tuple[str, Person]:
    """The lockfile is a file of the work tree, which has no history to hold against anything."""
    _sent(at)
    at.clone.write("anchor.json", DEPOSIT)

    def without(at: Terminal) -> None:
        assert at.typed("qflow-gitops lock verify").code == 0

    command = "qflow-gitops lock verify --anchor anchor.json"
    return command, Person(changes={"Leave out --anchor": without})


DEPOSIT = f"""\
{{
  "anchorVersion": 1,
  "commit": "{"1" * 40}",
  "serial": 4,
  "lineage": "{"0" * 32}",
  "contents": "v1:sha256:{"0" * 64}",
  "at": "2026-11-01T09:30:00Z"
}}
"""
