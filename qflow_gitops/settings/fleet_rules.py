"""What a schema can't say of a fleet: names and projects twice, and what leads to no member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops.base.addresses import same_form
from qflow_gitops.findings import suggest
from qflow_gitops.findings.finding import Diagnostic, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qflow_gitops.settings.fleet import Fleet, FleetMember
    from qflow_gitops.yaml.document import Document, Path

_MEMBERS: Path = ("spec", "members")
_WAVES: Path = ("spec", "waves")


def problems(document: Document, fleet: Fleet) -> Iterator[Diagnostic]:
    """Find what is wrong with a fleet.

    Where no member is known, as all are to come from an inventory, names lead nowhere yet.
    """
    yield from twice(document, fleet.members)
    yield from _useless_waves(document, fleet)
    if fleet.members:
        yield from _unknown(document, fleet)
        yield from _selecting_nothing(document, fleet)


def twice(document: Document, members: Sequence[FleetMember]) -> Iterator[Diagnostic]:
    """Find members that have a name, or work on a project, that another one has.

    `members` begin with those of the document; others come from elsewhere.
    """
    written = len(document.data["spec"].get("members", ()))
    names: dict[str, int] = {}
    projects: dict[tuple[str, str, str], int] = {}
    for number, member in enumerate(members):
        first = names.setdefault(member.name, number)
        if first != number and min(first, number) < written:
            yield error(
                "fleet-member-twice",
                f"Two members are called `{member.name}`{_whence(number, written)}.",
                document.file,
                document.value_range((*_MEMBERS, number if number < written else first, "name")),
                "Give one of them another name.",
            )
        project = (same_form(member.repository, "/"), member.project, member.environment)
        first = projects.setdefault(project, number)
        if first != number and min(first, number) < written:
            at = number if number < written else first
            yield error(
                "fleet-project-twice",
                f"`{members[first].name}` and `{member.name}` are the same environment of the same "
                f"project{_whence(number, written)}.",
                document.file,
                document.value_range((*_MEMBERS, at, "repository")),
                "Remove one of them, or name another `project` or `environment`.",
            )


def _whence(number: int, written: int) -> str:
    return ", one of them in the inventory" if number >= written else ""


def _useless_waves(document: Document, fleet: Fleet) -> Iterator[Diagnostic]:
    """Find waves that can't add a member to those before them."""
    most, all_left = 0, False
    for number, wave in enumerate(fleet.waves):
        hint = ""
        if all_left:
            hint = "Put the wave without `select` and `percent` last: it takes all that are left."
        elif wave.percent is not None and wave.percent <= most:
            hint = "Write how many are to be over in all, as in {percent: 10}, {percent: 50}, {}."
        if hint:
            yield error(
                "fleet-wave-empty",
                "This wave can't have a member, as waves are cumulative.",
                document.file,
                document.value_range((*_WAVES, number)),
                hint,
            )
        most = max(most, wave.percent or 0)
        all_left = all_left or (wave.select is None and wave.percent is None)


def _unknown(document: Document, fleet: Fleet) -> Iterator[Diagnostic]:
    """Find members of subscriptions that the fleet doesn't have."""
    names = {member.name for member in fleet.members}
    for subscription in fleet.subscriptions:
        for number, name in enumerate(subscription.members):
            if name not in names:
                meant = suggest.near(name, names)
                yield error(
                    "fleet-member-unknown",
                    f"There is no member `{name}`.",
                    document.file,
                    document.value_range(
                        ("spec", "subscriptions", subscription.name, "members", number)
                    ),
                    f"Did you mean `{meant}`?"
                    if meant
                    else "Add it under `members`, or remove it.",
                )


def _selecting_nothing(document: Document, fleet: Fleet) -> Iterator[Diagnostic]:
    for number, wave in enumerate(fleet.waves):
        wanted = (wave.select or {}).items()
        if wave.select is not None and not any(
            wanted <= member.labels.items() for member in fleet.members
        ):
            yield warning(
                "fleet-select-nothing",
                "No member has these labels, so this wave has none.",
                document.file,
                document.value_range((*_WAVES, number, "select")),
                "Give a member these labels, or correct them.",
            )
