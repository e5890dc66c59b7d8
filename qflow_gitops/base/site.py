"""Pages of the documentation, where the build says where that can be read."""

BASE = ""
"""Where this build's documentation can be read, ending in `/`; "" for nowhere.

`.ci/release` sets it in what it builds, and nothing does at run time: a repository that could name
it would choose where a reader is sent.
"""


def rule_page(rule: str) -> str:
    """Return the address of a rule's page, "" where the build names no documentation."""
    return _page(f"reference/rules/{rule}/")


def reason_page(reason: str) -> str:
    """Return the address of a reason's page, "" where the build names no documentation."""
    return _page(f"reference/reasons/{reason}/")


def exit_page(code: str) -> str:
    """Return the address of an exit code's page, "" where the build names no documentation."""
    return _page(f"reference/exit-codes/{code}/")


def state_page(state: str) -> str:
    """Return the address of a state's row, "" where the build names no documentation."""
    return _page(f"reference/states/#{state}")


def difference_page(kind: str) -> str:
    """Return the address of a difference's row, "" where the build names no documentation."""
    return _page(f"reference/differences/#{kind}")


def _page(path: str) -> str:
    return BASE + path if BASE else ""
