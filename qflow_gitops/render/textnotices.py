"""What was told to others, as plain lines."""

from collections.abc import Iterator

from qflow_gitops.render.escape import clean, count
from qflow_gitops.results.notices import Delivered


def delivered(body: Delivered) -> Iterator[str]:
    """Say how many notices were told, and of each receiver what it had against one."""
    receivers = ", ".join(body.receivers) or "anybody"
    if body.noted:
        yield f"{count(body.noted, 'note')} of what became of a run on its ticket"
    if body.is_test:
        took = ", ".join(name for name in body.receivers if name not in body.troubles)
        yield f"The test notice was taken by {took or 'nobody'}"
    elif body.told or body.left or body.troubles:
        yield f"{count(body.told, 'notice')} told to {receivers}, {body.left:,} left"
    else:
        yield f"Nothing is to be told to {receivers}"
    for name, why in body.troubles.items():
        yield f"{name}: {clean(why)}"
    if body.unnoted:
        yield clean(body.unnoted)
    if body.given_up:
        yield f"{count(body.given_up, 'older notice')} were given up, since too many waited"
