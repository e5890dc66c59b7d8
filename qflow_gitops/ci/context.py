"""What a CI system tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CIContext:
    """Who and where, each "" where it isn't told.

    `system` is the CI's name, "" where a person works. `run` is the address of the CI's run,
    `target` the branch that a pull request goes to, `pull_request` its number. `commit` is the
    commit under review: the head of the pull request, not what a CI merged to test it.
    `appended` are the runner's own files, which are added to and never replaced. `stays` is whether
    the CI says that the machine and its files may outlive the job. `pages` is what the addresses
    of the repository's pages for people begin with. `workflow` is the file that says what the CI
    does, as the CI names it, `workflow_commit` the commit that this was read from.
    """

    actor: str = ""
    run: str = ""
    target: str = ""
    system: str = ""
    pull_request: str = ""
    commit: str = ""
    appended: tuple[str, ...] = ()
    stays: bool = False
    pages: str = ""
    workflow: str = ""
    workflow_commit: str = ""


def number(text: object) -> str:
    """Return the number of a pull request as it is typed, "" for anything else."""
    said = str(text) if isinstance(text, int | str) and not isinstance(text, bool) else ""
    plain = said.isascii() and said.isdecimal() and len(said) < 19
    return said if plain and int(said) > 0 else ""


def commit_id(text: object) -> str:
    """Return a commit's full id, "" for anything else, all zeros too (no commit)."""
    said = text if isinstance(text, str) else ""
    fits = len(said) in (40, 64) and set(said) <= set("0123456789abcdef")
    return said if fits and set(said) != {"0"} else ""
