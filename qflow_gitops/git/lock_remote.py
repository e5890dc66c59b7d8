"""Asks the remote for the lockfile's branch, and pushes to it: a push is a compare-and-swap.

Whatever git says of a push, the remote is read back: a commit that is there was pushed, one that
isn't was not.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from qflow_gitops.base.addresses import same_form
from qflow_gitops.errors import NOTHING_MORE, LockError
from qflow_gitops.git import push_answers
from qflow_gitops.git.lock_git import LockGit, safe

TRIES = 5
"""How often a push or a look at the remote is tried where nothing says that it can't work."""
READ_BACK = 1.0
"""Seconds of the time that is left which belong to the look at what became of a push."""
_NO_TIME = b"there was no time left for it"
_DEEPEST = 2**31 - 2
"""So many commits are all of them."""
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
          "--no-recurse-submodules", "--no-write-commit-graph")  # fmt: skip


@dataclass(frozen=True)
class LockRemote:
    """The remote's side of the lockfile's branch."""

    git: LockGit

    @cached_property
    def _urls(self) -> tuple[str, str]:
        """Where fetches come from and where pushes go. Raises LockError for no such remote."""
        fetch, push = (
            self.git.line(["remote", "get-url", *option, "--", self.git.remote])
            for option in ((), ("--push",))
        )
        if not fetch:
            name = self.git.remote
            raise LockError(
                f"There is no git remote `{name}`, where the lockfile's branch belongs.",
                where="qflow.yaml",
                not_done="Nothing was sent and nothing was written.",
                hint=f"`git remote add {name} ADDRESS`, or name another one in qflow.yaml: "
                "`lock: {store: branch, remote: NAME}`",
                reason="lock_remote",
            )
        return fetch, push or fetch

    @property
    def _address(self) -> str:
        """Where to read: where pushes go, if that is another place than fetches come from."""
        fetch, push = self._urls
        return self.git.remote if push == fetch else push

    @property
    def address(self) -> str:
        """Where pushes go, in the one form of an address."""
        return same_form(self._urls[1], str(self.git.repo.root))

    def bring(self, tip: str, *how: str) -> None:
        """Fetch a commit of the remote's branch that this clone hasn't got yet.

        With an option that says `how` much of its history (`--depth=2`), also one that it has.
        """
        if tip and (how or not self.git.has(tip)):
            # No refmap: the user's remote-tracking branch stays as the user's own fetch left it.
            self._asked([*_FETCH, "--refmap=", *how, "--", self._address, self.git.ref])
            if not self.git.has(tip):
                raise self._unreachable("the commit that it names could not be fetched")

    def complete(self, tip: str) -> bool:
        """Fetch all that a commit of the branch descends from; whether any was missing."""
        if not self._is_cut_off(tip):
            return False
        # `--unshallow` would also bring all commits of every other branch that is cut off.
        self.bring(tip, f"--depth={_DEEPEST}")
        if self._is_cut_off(tip):
            raise self._unreachable("all that it descends from could not be fetched")
        return True

    def _is_cut_off(self, tip: str) -> bool:
        """Whether this clone lacks a commit that one descends from."""
        if not self.git.repo.is_shallow():
            return False
        try:
            ends = (self.git.repo.common_dir / "shallow").read_text(encoding="ascii").split()
        except OSError:
            return False
        return not set(ends).isdisjoint(self.git.out(["rev-list", tip]).decode().split())

    def bring_objects(self, ids: Sequence[str]) -> None:
        """Fetch objects that a partial clone left out, all in one go."""
        # As git does by itself for one: the remote has what was promised, whatever else is here.
        fetch = ["-c", "fetch.negotiationAlgorithm=noop", *_FETCH]
        if self._address == self.git.remote:
            # A filter makes where it comes from a place that this clone asks: only its remote is.
            fetch += ["--filter=blob:none"]
        self._asked([*fetch, "--stdin", "--", self._address], "".join(f"{each}\n" for each in ids))

    def tip(self) -> str:
        """Ask for the branch's newest commit; "" where the branch isn't there."""
        ref = self.git.ref
        out = self._asked(["ls-remote", "--refs", "--", self._address, ref])
        found = (line.split("\t")[0] for line in out.splitlines() if line.endswith("\t" + ref))
        return next(found, "")

    def _asked(self, command: Sequence[str], feed: str = "") -> str:
        """Ask the remote, again where it fails; LockError where it stays so."""
        err = _NO_TIME
        for attempt in range(TRIES):
            if self.git.time_left() <= 0:
                break
            status, out, err = self.git.run(command, feed.encode(), network=self.git.time_left)
            if status == 0:
                return out.decode(errors="replace")
            if push_answers.is_final(err.decode(errors="replace")) or attempt == TRIES - 1:
                break
            if not self._wait(attempt):
                break
        raise self._unreachable(safe(err.decode(errors="replace"))[-300:])

    def _wait(self, attempt: int) -> bool:
        """Wait before another try, longer each time; False where there is no time for it."""
        seconds = min(4.0, 0.2 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311  no secret
        if seconds > self.git.time_left():
            return False
        time.sleep(seconds)
        return True

    def _unreachable(self, said: str) -> LockError:
        """Say what can't be read of the branch."""
        command = f"git ls-remote {self.git.remote} {self.git.ref}"
        return LockError(
            f"The lockfile's branch can't be read: {said or 'git gave no reason'}.",
            where=self.git.where,
            not_done=NOTHING_MORE,
            hint=f"Check the remote and your rights: `{command}`",
            reason="lock_unreachable",
        )

    def push(self, commit: str, parent: str) -> str:
        """Push a commit if the remote's branch still is `parent`; return what that is afterwards.

        The commit itself, or what is there in place of `parent`. Raises LockError where the
        remote refuses the push, or can't be asked what became of it.
        """
        ref = self.git.ref
        command = self._pushing(commit, f"--force-with-lease={ref}:{parent}")
        said = _NO_TIME.decode()
        for attempt in range(TRIES):
            if self.git.time_left() <= READ_BACK:
                break
            _, out, err = self.git.run(command, network=lambda: self.git.time_left() - READ_BACK)
            tip = self.tip()
            if tip != parent:
                return tip
            said = push_answers.reason(out, err)
            if push_answers.is_final(said) or attempt == TRIES - 1 or not self._wait(attempt):
                break
        raise self._refused(said)

    def try_push(self, commit: str) -> None:
        """Do all of a push but the push: nothing changes anywhere, and no hook is run.

        A remote that is further says so, and would have taken it. Raises LockError where git or
        the remote refuses. What rules and hooks of the host say to a real one isn't asked.
        """
        command = self._pushing(commit, "--dry-run")
        status, out, err = self.git.run(command, network=self.git.time_left)
        if status and b"\t[rejected]" not in out:
            raise self._refused(push_answers.reason(out, err))

    def _pushing(self, commit: str, *how: str) -> Sequence[str]:
        """Return the command, without what a person configured for pushes of their own.

        The host may not take that.
        """
        remote = self.git.remote
        command = ["-c", "push.pushOption=", "-c", f"remote.{remote}.mirror=false", "push"]
        command += ["--porcelain", "--no-verify", "--no-signed", "--no-follow-tags"]
        return [*command, "--recurse-submodules=no", *how, "--", remote, f"{commit}:{self.git.ref}"]

    def _refused(self, said: str) -> LockError:
        return LockError(
            f"The lockfile can't be pushed: {safe(said)[-400:]}.",
            where=self.git.where,
            not_done=NOTHING_MORE,
            hint=push_answers.way_on(said, self.git.remote),
            reason="lock_push",
        )
