"""Where a code host shows what is in a repository.

What the pages begin with comes from the CI or from where the token is used, never from a file of
the repository, which could send a reader elsewhere.
"""

import re
from urllib.parse import quote

_PAGES = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._-]+){2,20}")
_COMMIT = re.compile(r"[0-9A-Za-z]{1,64}")


def pages_of(server: str, repository: str, below: str = "") -> str:
    """Return what the addresses of a repository's pages begin with, "" where that isn't one.

    `below` is what stands between the repository and its pages: `/-` on GitLab.
    """
    address = f"{server.rstrip('/')}/{repository}{below}"
    return address if _PAGES.fullmatch(address) and "/../" not in address else ""


def commit_page(pages: str, commit: str) -> str:
    """Return the address of a commit, "" without pages, or where it is none."""
    return f"{pages}/commit/{commit}" if pages and _COMMIT.fullmatch(commit) else ""


def file_page(pages: str, commit: str, path: str) -> str:
    """Return the address of a file as a commit has it, "" without pages, or where it is none.

    Of the path only letters, digits, `/`, `.`, `_`, `~`, `-` and `%` stay.
    """
    outside = {"", ".", ".."} & set(path.split("/"))
    if not pages or not _COMMIT.fullmatch(commit) or outside:
        return ""
    try:
        return f"{pages}/blob/{commit}/{quote(path, safe='/', errors='surrogateescape')}"
    except UnicodeEncodeError:  # half of a character, which a file's bytes can't be read as
        return ""


def pull_page(pages: str, number: int | None) -> str:
    """Return the address of a pull request, GitLab's merge request, "" without pages or number."""
    if not pages or number is None:
        return ""
    return f"{pages}/{'merge_requests' if pages.endswith('/-') else 'pull'}/{number}"
