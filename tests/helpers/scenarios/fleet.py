"""What a fleet is held by: its members, its waves, and the commit that is applied."""

from tests.helpers.carried import Person
from tests.helpers.fleet_members import SETTINGS, Home, home
from tests.helpers.scenarios.base import WHY, scenario
from tests.helpers.terminal import Terminal

APPLY = "qflow-gitops fleet apply"
_CI = (APPLY,)
_WAVES = "  waves: [{select: {tier: canary}}, {}]\n"


def _fleet(at: Terminal, *names: str, waves: str = "") -> dict[str, Home]:
    """Let the clone hold a fleet: members whose remotes lie beside it. The first is a canary."""
    homes = {
        name: home(at.folder, name, settings=f"{SETTINGS}  apply: {{approvals: elsewhere}}\n")
        for name in names
    }
    lines = [
        f"    - {{name: {name}, repository: {one.address}, credentials: {name.upper()},"
        f" labels: {{tier: {'later' if number else 'canary'}}}}}\n"
        for number, (name, one) in enumerate(homes.items())
    ]
    for name in names:
        at.environ(f"{name.upper()}_QFLOW_CLIENT_ID", "sandbox")
        at.environ(f"{name.upper()}_QFLOW_CLIENT_SECRET", "sandbox")
    text = "apiVersion: qflow-gitops/v1\nkind: Fleet\nspec:\n  members:\n"
    at.clone.write("fleet.yaml", text + "".join(lines) + waves)
    at.merge()
    return homes


def _stopped(at: Terminal) -> tuple[Home, str]:
    """Let the first of two waves be stopped, since its member's settings are invalid."""
    homes = _fleet(at, "acme", "globex", waves=_WAVES)
    good = homes["acme"].workspace.read("qflow.yaml")
    homes["acme"].publish("qflow.yaml", good + "  unknown: 1\n")
    assert at("fleet", "apply").code == 5
    return homes["acme"], good


@scenario("branch")
def a_fleet_whose_wave_is_stopped(at: Terminal) -> tuple[str, Person]:
    """The member of the first wave can't be planned, so the second one doesn't begin."""
    acme, good = _stopped(at)
    return "qflow-gitops fleet plan", Person(
        WHY,
        {"Fix a member and apply again": lambda _: acme.publish("qflow.yaml", good)},
        applies=_CI,
    )


@scenario("branch")
def a_fleet_released_without_words(at: Terminal) -> tuple[str, Person]:
    """A release of a stopped wave without a reason."""
    _stopped(at)
    return f"{APPLY} --ack wave=1", Person(WHY, applies=_CI)


@scenario("branch")
def a_fleet_released_by_another_number(at: Terminal) -> tuple[str, Person]:
    """A release of a wave which isn't the one that is stopped."""
    _stopped(at)
    return f"{APPLY} --ack wave=2 --reason 'it is known'", Person(WHY, applies=_CI)


@scenario("branch")
def a_fleet_of_which_nothing_is_held(at: Terminal) -> tuple[str, Person]:
    """A release where no wave is stopped."""
    _fleet(at, "acme")
    return f"{APPLY} --ack wave=1 --reason 'it is known'", Person(WHY, applies=_CI)


@scenario("branch")
def a_fleet_that_nobody_merged(at: Terminal) -> tuple[str, Person]:
    """A fleet's file of a commit that no branch of the remote holds."""
    _fleet(at, "acme")
    at.clone.write("README.md", "More.\n")
    at.clone.commit()
    return APPLY, Person(
        WHY, {"Have it merged first": lambda at: at.clone.git("push", "-q", "origin", "HEAD:main")},
        applies=_CI,
    )  # fmt: skip


@scenario("branch")
def a_fleet_of_an_older_commit(at: Terminal) -> tuple[str, Person]:
    """A fleet's file of a commit before the one that was applied last."""
    _fleet(at, "acme")
    _newer(at)
    return APPLY, Person(WHY, applies=_CI)


@scenario("branch")
def a_fleet_of_a_clone_that_is_behind(at: Terminal) -> tuple[str, Person]:
    """A clone that doesn't have the commit that the fleet was applied at last."""
    _fleet(at, "acme")
    _newer(at)
    git = at.clone.git
    git("update-ref", "-d", "refs/remotes/origin/main")
    git("reflog", "expire", "--expire=now", "--all")
    git("gc", "--quiet", "--prune=now")
    return APPLY, Person(WHY, applies=_CI)


@scenario("branch")
def a_fleet_whose_history_was_rewritten(at: Terminal) -> tuple[str, Person]:
    """The commit that was applied last is on no branch any more."""
    _fleet(at, "acme")
    assert at("fleet", "apply").code == 0
    at.clone.git("commit", "--quiet", "--amend", "-m", "rewritten")
    at.clone.git("push", "--quiet", "--force", "origin", "HEAD:main")
    return APPLY, Person(WHY, applies=_CI)


@scenario("branch")
def a_fleet_whose_file_was_moved(at: Terminal) -> tuple[str, Person]:
    """The commit that was applied last has its fleet.yaml where nobody looks for it now."""
    _fleet(at, "acme")
    folder = at.clone.path / "fleet"
    folder.mkdir()
    at.clone.git("mv", "fleet.yaml", "fleet")
    at.merge()
    assert at("-C", str(folder), "fleet", "apply").code == 0
    at.clone.git("mv", "fleet/fleet.yaml", ".")
    at.merge()
    return APPLY, Person(WHY, applies=_CI)


@scenario("branch")
def a_fleet_beside_another_one(at: Terminal) -> tuple[str, Person]:
    """A commit with a second fleet in a folder."""
    _fleet(at, "acme")
    at.clone.write("eu/fleet.yaml", at.clone.read("fleet.yaml"))
    at.merge()

    def keep_one(at: Terminal) -> None:
        at.clone.git("rm", "--quiet", "eu/fleet.yaml")
        at.merge()

    return APPLY, Person(WHY, {"Keep one here": keep_one}, applies=_CI)


@scenario("branch")
def a_fleet_whose_credentials_go_elsewhere(at: Terminal) -> tuple[str, Person]:
    """A member whose address is another one than its credentials were used for."""
    acme = _fleet(at, "acme")["acme"]
    assert at("fleet", "apply").code == 0
    moved = at.folder / "moved.git"
    acme.remote.path.rename(moved)
    at.edit("fleet.yaml", acme.address, moved.as_uri())
    at.merge()
    return "qflow-gitops fleet plan", Person(WHY, applies=_CI)


def _newer(at: Terminal) -> None:
    """Apply a newer commit of the fleet, and go back to the one before it."""
    at.clone.git("branch", "--quiet", "--set-upstream-to=origin/main")
    at.clone.write("README.md", "More.\n")
    at.merge()
    assert at("fleet", "apply").code == 0
    at.clone.git("reset", "--quiet", "--hard", "HEAD~1")
