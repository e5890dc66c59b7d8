"""The receivers: each has its bodies, and one address to which they go."""

import time
from collections.abc import Callable, Sequence

from qflow_gitops.notify import cloudevents, signing, slack, teams
from qflow_gitops.notify.posting import Post
from qflow_gitops.ports.notices import Told


class CloudEvents:
    """Takes one signed event a request."""

    name = "cloudevents"
    most = 1

    def __init__(
        self, post: Post, keys: Sequence[bytes], *, now: Callable[[], float] = time.time
    ) -> None:
        """Take the address, the keys that sign, and the clock."""
        self._post = post
        self._keys = keys
        self._now = now

    def send(self, told: Sequence[Told]) -> None:
        """Send events; raises Undelivered."""
        for each in told:
            body = cloudevents.body(each)
            signed = signing.headers(self._keys, each.notice.id, int(self._now()), body)
            self._post(body, {"Content-Type": cloudevents.CONTENT_TYPE, **signed})

    def close(self) -> None:
        """Close the connection."""
        self._post.close()


class Chat:
    """Takes messages with several notices each: Slack, Teams."""

    def __init__(
        self, name: str, post: Post, body: Callable[[Sequence[Told]], bytes], most: int
    ) -> None:
        """Take its name, the address, what makes a message, and of how many notices."""
        self.name = name
        self.most = most
        self._post = post
        self._body = body

    def send(self, told: Sequence[Told]) -> None:
        """Send one message; raises Undelivered."""
        self._post(self._body(told), {"Content-Type": "application/json; charset=utf-8"})

    def close(self) -> None:
        """Close the connection."""
        self._post.close()


def slack_at(post: Post) -> Chat:
    """Return what writes to a channel of Slack."""
    return Chat("slack", post, slack.body, slack.MOST)


def teams_at(post: Post) -> Chat:
    """Return what writes to a channel of Teams."""
    return Chat("teams", post, teams.body, teams.MOST)
