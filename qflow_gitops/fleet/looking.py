"""How the members stand: by what fleet.lock keeps where that still holds, else by a plan of each.

A plan is a function of two commits, the ref's and the lockfile's. So where a member had nothing
left to do, or failed, and neither moved since, it stands as it did; nothing else is believed.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from qflow_gitops.apply.workers import Background
from qflow_gitops.errors import ExitCode, QflowError
from qflow_gitops.fleet.clones import Heads
from qflow_gitops.fleet.services import Reach
from qflow_gitops.fleet.standing import seen
from qflow_gitops.fleet.work import Work
from qflow_gitops.lockfile.fleet import FleetRecord, MemberRecord, Seen
from qflow_gitops.policy.waves import MemberStanding
from qflow_gitops.settings.fleet import FleetMember

Found = TypeVar("Found")
LASTS = frozenset({MemberStanding.DONE, MemberStanding.FAILED})
"""What a member stands as until its repository moves."""
_GLANCE = 0.5  # seconds after which it is looked whether somebody asks to stop


class Looked(NamedTuple):
    """A member as it stands now. `heads` is None where its remote can't be looked at.

    `worked`: it was worked on, not only looked at.
    """

    heads: Heads | None
    seen: Seen
    worked: bool = False

    @property
    def standing(self) -> MemberStanding:
        """How it stands."""
        return MemberStanding(self.seen.standing)


def never(member: FleetMember) -> Looked:
    """Return a member that nobody looked at yet: it is taken for due."""
    return Looked(None, Seen(MemberStanding.UNSENT, 0, part=member.part))


def look(member: FleetMember, kept: MemberRecord, reach: Reach) -> Looked:
    """Look at one member; one that can't be looked at has failed, and its `detail` says why."""
    heads = None
    try:
        heads = reach.heads(member)
        if (seen := kept.of(member.part).seen) and _is_of(seen, heads) and seen.standing in LASTS:
            return Looked(heads, seen)
        heads, found = reach.work(member, partial(words, member, "plan"))
    except QflowError as problem:
        return unseen(member, problem, heads)
    return looked(member, heads, found)


def glance(member: FleetMember, kept: MemberRecord, reach: Reach) -> Looked:
    """Look only whether a member moved: what did is due until somebody works on it."""
    try:
        heads = reach.heads(member)
    except QflowError as problem:
        return unseen(member, problem, None)
    if (seen := kept.of(member.part).seen) and _is_of(seen, heads):
        return Looked(heads, seen)
    return Looked(heads, Seen(MemberStanding.UNSENT, 0, commit=heads.commit, part=member.part))


def look_on(member: FleetMember, kept: MemberRecord, reach: Reach) -> Looked:
    """Look as `look` does, but what failed stays so until its ref moves, whyever it failed."""
    seen = kept.of(member.part).seen
    if seen and seen.standing is MemberStanding.FAILED:
        try:
            heads = reach.heads(member)
        except QflowError as problem:
            return unseen(member, problem, None)
        if seen.commit == heads.commit:
            return Looked(heads, seen)
    return look(member, kept, reach)


def looked(member: FleetMember, heads: Heads, found: Work, *, worked: bool = False) -> Looked:
    """Return how a member stands by what its program answered at these commits."""
    told = seen(found.report, found.exit_code, found.problem)
    return Looked(heads, told._replace(commit=heads.commit, part=member.part), worked)


def exit_of(code: int) -> ExitCode:
    """Return a process' exit code; one that it never chose, as when it was killed, is a bug's.

    A signal that a member's process was ended by is none that this one got.
    """
    if code in (ExitCode.SIGINT, ExitCode.SIGTERM):
        return ExitCode.STILL_RUNNING
    return ExitCode(code) if code in {*ExitCode} else ExitCode.BUG


def unseen(
    member: FleetMember, problem: QflowError, heads: Heads | None, *, worked: bool = False
) -> Looked:
    """Return how a member stands of which nothing could be found out.

    It has failed, unless somebody else works on it.
    """
    commit = heads.commit if heads else ""
    is_busy = problem.exit_code is ExitCode.BUSY
    standing = MemberStanding.OPEN if is_busy else MemberStanding.FAILED
    told = Seen(
        standing, int(problem.exit_code), problem.reason,
        detail=f"{problem.message} {problem.hint}".strip(), commit=commit,
        part=member.part,
    )  # fmt: skip
    return Looked(heads, told, worked)


def remembered(members: Sequence[FleetMember], record: FleetRecord) -> dict[str, Looked]:
    """Return how members were seen last; one that never was, as what it is now, is due."""
    known = ((member, record.member(member.name).of(member.part).seen) for member in members)
    return {one.name: Looked(None, seen) if seen else never(one) for one, seen in known}


Look = Callable[[FleetMember, MemberRecord, Reach], Looked]


def side_by_side(
    members: Sequence[FleetMember],
    at_once: int,
    work: Callable[[FleetMember], Found],
    stop: Callable[[], bool],
) -> Iterator[tuple[str, Found]]:
    """Do something about many members, so many at once; give what comes of each as it is known.

    Once somebody asks to stop none is begun any more.
    """
    background: Background[str] = Background()
    left = list(reversed(members))
    under_way = 0
    try:
        while (left and not stop()) or under_way:
            while left and under_way < at_once and not stop():
                member = left.pop()
                background.do(member.name, partial(work, member))
                under_way += 1
            for name, found in background.done(_GLANCE):
                under_way -= 1
                if isinstance(found, BaseException):
                    raise found
                yield name, found
    finally:
        background.close()


def words(member: FleetMember, command: str, heads: Heads) -> tuple[str, ...]:
    """Return what is typed after the program's name, for the commits that a remote has."""
    return (command, "--to", heads.commit, *environment(member))


def environment(member: FleetMember) -> tuple[str, ...]:
    """Return the option that names a member's environment, if it has one."""
    return ("-e", member.environment) if member.environment else ()


def _is_of(kept: Seen, heads: Heads) -> bool:
    """Whether a member was seen so at these commits."""
    same = (kept.commit, kept.lock_commit) == (heads.commit, heads.lock_commit)
    # Without a digest nothing could be read: what kept that may have passed.
    return same and bool(heads.lock_commit and kept.digest)
