"""What stops others from being told."""

from tests.helpers.carried import Person
from tests.helpers.receivers import KEY, Answer, Receiver, receiving
from tests.helpers.scenarios.base import applied, scenario
from tests.helpers.specs import spec
from tests.helpers.terminal import Terminal

TEST = "qflow-gitops notify --test"


def _told(at: Terminal, *, down: bool = False) -> Receiver:
    """Set a receiver up; give it."""
    receiver = at.open.enter_context(receiving(rest=Answer(500 if down else 204)))
    at.environ("QFLOW_NOTIFY_URL", receiver.url)
    at.environ("QFLOW_NOTIFY_KEY", KEY)
    return receiver


def _up(receiver: Receiver) -> None:
    receiver.rest = Answer()


@scenario("worktree")
def nobody_to_tell(at: Terminal) -> tuple[str, Person]:
    """Notices are to be told, and no receiver is set up."""
    at.specs(a=spec("a"))
    return "qflow-gitops notify", Person(
        changes={"Set QFLOW_NOTIFY_URL and QFLOW_NOTIFY_KEY": _told},
        elsewhere={"QFLOW_NOTIFY_SLACK_URL or": "it is set as the other one is"},
    )


@scenario("worktree")
def a_receiver_that_is_down(at: Terminal) -> tuple[str, Person]:
    """A receiver answers 500 when it is told."""
    at.settings(more="  notify: {}\n")
    at.specs(a=spec("a"))
    applied(at)
    receiver = _told(at, down=True)
    return "qflow-gitops notify --timeout 0s", Person(first=lambda _at: _up(receiver))


@scenario("worktree")
def a_receiver_that_takes_no_test(at: Terminal) -> tuple[str, Person]:
    """A receiver answers 500 to a test notice."""
    at.specs(a=spec("a"))
    receiver = _told(at, down=True)
    return TEST, Person(first=lambda _at: _up(receiver))


@scenario("worktree")
def a_receiver_without_a_key(at: Terminal) -> tuple[str, Person]:
    """A receiver's address is set, and no key to sign with."""
    at.specs(a=spec("a"))
    _told(at)
    at.environ("QFLOW_NOTIFY_KEY", None)
    return TEST, Person(
        changes={"Make one": lambda at: at.environ("QFLOW_NOTIFY_KEY", KEY)},
        elsewhere={"For a while there may be two": "test_posting.py"},
    )


@scenario("worktree")
def a_key_without_a_receiver(at: Terminal) -> tuple[str, Person]:
    """A key to sign with is set, and no receiver's address."""
    at.specs(a=spec("a"))
    receiver = _told(at)
    at.environ("QFLOW_NOTIFY_URL", None)
    at.environ("QFLOW_NOTIFY_SLACK_URL", receiver.url)
    return TEST, Person(
        changes={
            "to the receiver's address": lambda at: at.environ("QFLOW_NOTIFY_URL", receiver.url)
        }
    )


@scenario("worktree")
def an_address_that_nothing_is_sent_to(at: Terminal) -> tuple[str, Person]:
    """A receiver's address isn't one of https."""
    at.specs(a=spec("a"))
    receiver = _told(at)
    at.environ("QFLOW_NOTIFY_TEAMS_URL", "http://teams.example/hook")
    return TEST, Person(
        changes={
            "It begins with https://": lambda at: at.environ("QFLOW_NOTIFY_TEAMS_URL", receiver.url)
        }
    )
