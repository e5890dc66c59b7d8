"""What somebody with the right to push can do to the lockfile's branch, one commit each."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from qflow_gitops.lockfile.anchors import Anchor, TimeStamp, contents_of
from qflow_gitops.ports.lockfile import LockStore
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.drafts import HEAD, PLAIN, SUBMODULE, Draft, path_of

Change = Callable[[Draft], object]
Edit = Callable[[Any], object]


@dataclass(frozen=True)
class Attack:
    """One variant. `says`: words that are said of it, a path or a run as a rule.

    The head's serial is counted on beforehand, as an attacker who knows that would, unless
    `quietly`. `blind`: a clone that knows nothing can't tell, unless by an anchor (`anchored`).
    """

    name: str
    change: Change
    says: Sequence[str]
    quietly: bool = False
    blind: bool = False
    anchored: bool = False

    def made(self, remote: Remote) -> str:
        """Push it; the commit's id."""
        draft = Draft(remote)
        if not self.quietly:
            draft.serial()
        self.change(draft)
        return draft.push()


def covered(remote: Remote, good: str) -> str:
    """Put back what was there, as if nothing had been."""
    draft = Draft(remote)
    draft.take(good)
    draft.serial(2)
    return draft.push()


def anchored(store: LockStore, response: bytes) -> str:
    """Keep an anchor of what stands there, with this as the server's answer; its path."""
    assert store.anchors is not None
    now = store.anchors.standing()
    contents = contents_of(store.anchors.contents(now.commit).text)
    given = TimeStamp("https://tsa.example.com/tsr", response)
    made = Anchor(
        now.commit,
        now.lockfile.serial,
        now.lockfile.lineage,
        contents,
        "2026-11-01T09:30:00Z",
        given,
    )
    return store.anchors.keep(made, again=False)[0]


A, B, SAMPLE = path_of("a"), path_of("b"), path_of("encrypt-prod-buckets")
OTHER = "v1:sha256:" + "0" * 64


def edit(path: str, change: Edit) -> Change:
    """Change a file's data in its place."""
    return lambda draft: draft.edit(path, change)


def _attempt(number: int, change: Edit) -> Change:
    return edit(A, lambda data: change(data["attempts"][number - 1]))


def _say(name: str, value: object, one: Any) -> None:
    one["events"][0][name] = value


def _edits() -> Iterator[Attack]:
    """Attempts of a run that aren't what they were."""
    where = ("prod/a #1",)

    def without_end(attempt: Any) -> None:
        del attempt["events"][2:], attempt["status"]
        attempt["state"] = "accepted"

    def unsent(attempt: Any) -> None:
        del attempt["events"][1:], attempt["status"], attempt["executionId"]
        attempt["events"].append({"at": attempt["events"][0]["at"], "to": "unsent"})
        attempt["state"] = "unsent"

    yield Attack("a digest", _attempt(1, lambda one: one.update(digest=OTHER)), where)
    yield Attack("a fact", _attempt(1, lambda one: one.update(platform="EU1")), where)
    yield Attack("a fact gone", _attempt(1, lambda one: one.pop("nonce")), where)
    yield Attack("an execution", _attempt(1, lambda one: one.update(executionId="e")), where)
    yield Attack(
        "a time", _attempt(1, lambda one: one["events"][1].update(at="2026-01-01T00:00:00Z")), where
    )
    yield Attack(
        "an event's word",
        _attempt(1, lambda one: one["events"][0].update(leaseUntil="2030-01-01T00:00:00Z")),
        where,
    )
    for name, value in (("apply", {"installed": "sha256:0"}), ("applyOf", "prod/b #1")):
        change = partial(_say, name, value)
        yield Attack(f"its {name}", _attempt(1, change), where)
    yield Attack("an event gone", _attempt(1, without_end), where)
    yield Attack("never sent", _attempt(2, unsent), ("prod/a #2",))
    yield Attack("an attempt gone", edit(A, lambda data: data["attempts"].pop()), ("prod/a #2",))
    yield Attack(
        "attempts in another order", edit(A, lambda data: data["attempts"].reverse()), (A,)
    )
    yield Attack("attempts in another order, numbered anew", edit(A, _turned), where)
    yield Attack("no attempt left", edit(A, lambda data: data["attempts"].clear()), (A,))
    yield Attack("the first attempt gone", edit(A, lambda data: data["attempts"].pop(0)), (A,))


def _turned(data: Any) -> None:
    data["attempts"].reverse()
    for number, attempt in enumerate(data["attempts"], 1):
        attempt["number"] = number


def _files() -> Iterator[Attack]:
    """Runs' files that went, moved, or hold what belongs elsewhere."""

    def swapped(draft: Draft) -> None:
        a, b = draft.bytes_of(A), draft.bytes_of(B)
        draft.put(A, b)
        draft.put(B, a)

    def swapped_and_named(draft: Draft) -> None:
        a, b = draft.data(A), draft.data(B)
        draft.put(A, {**b, "name": "a"})
        draft.put(B, {**a, "name": "b"})

    def moved(path: str, **names: str) -> Change:
        def change(draft: Draft) -> None:
            draft.put(path, {**draft.data(A), **names})
            draft.drop(A)

        return change

    def copied(path: str, **names: Any) -> Change:
        return lambda draft: draft.put(path, {**draft.data(A), **names})

    def without_runs(draft: Draft) -> None:
        draft.entries = [each for each in draft.entries if "/" not in each.path]

    new = path_of("new")
    yield Attack("a run gone", lambda draft: draft.drop(A), (A,))
    yield Attack("a head without runs", without_runs, (A,))
    yield Attack("two runs swapped", swapped, (A,))
    yield Attack("two runs swapped, and named so", swapped_and_named, ("prod/a #1",))
    yield Attack("a run renamed", moved(new, name="new"), (A,))
    yield Attack("a file moved", moved(new), (A,))
    yield Attack("a file copied", copied(new), (new,))
    yield Attack("an execution in two runs", copied(new, name="new"), (new, A))
    yield Attack("a wrong folder", copied("runs/prod/00/a.json"), ("runs/prod/00/a.json",))
    yield Attack("moved to a wrong folder", moved("runs/prod/00/a.json"), (A,))
    elsewhere = path_of("a", "elsewhere")
    yield Attack("another environment", copied(elsewhere), (elsewhere,))
    yield Attack(
        "an environment that the head doesn't know",
        copied(elsewhere, environment="elsewhere"),
        (elsewhere,),
    )
    yield Attack(
        "nothing new", lambda draft: draft.put(A, json.dumps(draft.data(A)).encode()), (A,)
    )
    yield Attack(
        "an environment's runs gone",
        edit(HEAD, lambda head: head["environments"].pop("prod")),
        ("environment prod",),
    )
    yield Attack("more than a run has", edit(A, lambda data: data.update(more=1)), (A,))
    yield Attack(
        "a key twice",
        lambda draft: draft.put(A, draft.bytes_of(A).replace(b'"name"', b'"name": "a", "name"', 1)),
        (A,),
    )
    yield Attack("half a file", lambda draft: draft.put(A, draft.bytes_of(A)[:700]), (A,))
    yield Attack("a run nested too deep", copied(new, name="new", attempts=[_deep()]), (new,))
    for at in ("", "soon", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        event = {"at": at, "to": "intent"}
        odd = {"number": 1, "state": "intent", "digest": OTHER, "events": [event]}
        yield Attack(f"opened at {at!r}", copied(new, name="new", attempts=[odd]), (new,))
    second = path_of("a", part=".2")
    yield Attack("a second part, the first isn't full", copied(second), (second,))
    yield Attack(
        "a second part alone",
        copied(path_of("new", part=".2"), name="new"),
        (path_of("new", part=".2"),),
    )
    yield Attack("a sound second part, the first isn't full", _second(A, "a"), (second,))
    yield Attack("a sound second part alone", _second("", "new"), (path_of("new", part=".2"),))
    for part in (".1", ".02", ".0", ".x", "." + "9" * 5000):
        yield Attack(
            f"part {part[1:9]}", copied(path_of("a", part=part)), (path_of("a", part=part)[:60],)
        )


def _deep() -> dict[str, Any]:
    """An attempt that adds to what is there, and that nobody could write once more."""
    value: Any = 1
    for _ in range(600):
        value = [value]
    event = {"at": "2026-01-01T00:00:00Z", "to": "baselined"}
    return {"number": 1, "state": "baselined", "digest": OTHER, "odd": value, "events": [event]}


def _second(first: str, run: str) -> Change:
    def change(draft: Draft) -> None:
        piece = draft.data(first or A)
        (attempt, *_) = piece["attempts"]
        more = {**attempt, "number": 101, "executionId": "execution-of-another"}
        draft.put(path_of(run, part=".2"), {**piece, "name": run, "attempts": [more]})

    return change


def _heads() -> Iterator[Attack]:
    """Heads that aren't what they were, or disagree with the runs."""

    def head(change: Edit) -> Change:
        return edit(HEAD, change)

    def prod(change: Edit) -> Change:
        return head(lambda data: change(data["environments"]["prod"]))

    def folder(draft: Draft) -> None:
        draft.put("qflow.lock/qflow.lock", draft.bytes_of(HEAD))
        draft.drop(HEAD)

    def mode(value: str) -> Change:
        return lambda draft: draft.put(HEAD, draft.bytes_of(HEAD), value)

    frozen = ("of its head",)
    yield Attack("all of its events gone", head(lambda data: data.pop("freeze")), frozen)
    yield Attack("frozen again", head(lambda data: data["freeze"].pop()), frozen)
    yield Attack(
        "a freeze changed", head(lambda data: data["freeze"][0].update(reason="none")), frozen
    )
    yield Attack(
        "never applied", prod(lambda data: data.pop("appliedThrough")), ("environment prod",)
    )
    yield Attack("no latest commit", prod(lambda data: data.pop("latest")), ("environment prod",))
    yield Attack(
        "the same serial",
        prod(lambda data: data.update(latest="1" * 40)),
        ("serial",),
        quietly=True,
    )
    yield Attack("an older serial", head(lambda data: data.update(serial=2)), ("serial",))
    yield Attack(
        "runs without the head",
        _attempt(1, lambda one: one.update(added=1)),
        ("prod/a #1", "serial"),
        quietly=True,
    )
    yield Attack(
        "a serial beyond all counting", head(lambda data: data.update(serial=10**4299)), (HEAD,)
    )
    yield Attack("another lineage", head(lambda data: data.update(lineage="0" * 32)), ("lineage",))
    yield Attack("runs in the head", prod(lambda data: data.update(runs={})), (HEAD,))
    yield Attack(
        "an environment in capitals",
        head(lambda data: data["environments"].update(Prod={})),
        (HEAD,),
    )
    yield Attack("version 1", head(lambda data: data.update(lockfileVersion=1)), (HEAD,))
    yield Attack("a newer version", head(lambda data: data.update(lockfileVersion=3)), (HEAD,))
    yield Attack("no JSON", lambda draft: draft.put(HEAD, b"version 2\n"), (HEAD,))
    yield Attack("no head", lambda draft: draft.drop(HEAD), (HEAD,))
    yield Attack("a folder in place of the head", folder, ("qflow.lock/qflow.lock",))
    yield Attack("a head that can be run", mode("100755"), (HEAD,))
    yield Attack("a head that is a link", mode("120000"), (HEAD,))


def _strangers() -> Iterator[Attack]:
    """Files that don't belong, names that are spelled in another way."""

    def copied(path: str, mode: str = PLAIN, *, beside: bool = False) -> Change:
        return lambda draft: draft.put(path, draft.bytes_of(A), mode, beside=beside)

    def at_the_same_path(mode: str, content: bytes | None = None) -> Change:
        return lambda draft: draft.put(A, content or draft.bytes_of(A), mode)

    for path in (
        A.replace("a.json", "A.json"),
        A.replace("prod", "Prod"),
        "Runs/prod/ca/a.json",
        A.replace("a.json", "a\u0301.json"),
        A.replace("a.json", "\u00e1.json"),
        A.replace("a.json", "\uff41.json"),
        A.replace("a.json", "a\u200b.json"),
        A.replace("ca", "CA"),
        A.replace("a.json", "a.JSON"),
        A.replace("a.json", "a.json "),
        A.replace("a.json", "a\n.json"),
        A.replace("a.json", 'a".json'),
        "QFLOW.LOCK",
        "notes.txt",
        ".gitattributes",
        "runs/a.json",
        "runs/prod/a.json",
        "runs/prod/ca/ca/a.json",
        f"x/{A}",
        "README.md/a.json",
    ):
        yield Attack(f"a stranger, {path!r}", copied(path), (path.split("\n")[0],))
    yield Attack("a link", copied("runs/prod/ca/link.json", "120000"), ("runs/prod/ca/link.json",))
    yield Attack("a link in a run's place", at_the_same_path("120000", b"../../x"), (A,))
    yield Attack("a run that can be run", at_the_same_path("100755"), (A,))
    for path in ("module", A, "README.md", HEAD):
        yield Attack(f"a submodule, {path}", _module(path), (path,))
    yield Attack("two files of one name", copied(A, beside=True), (A,))
    yield Attack("two files of one name, the second lower", _lower(), (A,))
    yield Attack("two files of one name, the first lower", _lower(first=True), (A,))


def _module(path: str) -> Change:
    return lambda draft: draft.link(path, SUBMODULE, "1" * 40)


def _lower(*, first: bool = False) -> Change:
    def change(draft: Draft) -> None:
        (old,) = (each for each in draft.entries if each.path == A)
        data = draft.data(A)
        data["attempts"].pop()
        draft.put(A, data)
        draft.link(A, PLAIN, old.blob, beside=True)
        if not first:
            draft.entries.append(draft.entries.pop(-2))

    return change


def _histories() -> Iterator[Attack]:
    """Commits that follow something else than the one before."""

    def merged(draft: Draft) -> None:
        draft.parents = [*draft.parents, f"{BRANCH}~1"]

    def merged_turned(draft: Draft) -> None:
        draft.parents = [f"{BRANCH}~1", *draft.parents]

    def back(draft: Draft) -> None:
        draft.parents = [f"{BRANCH}~2"]
        draft.take(f"{BRANCH}~2")
        draft.serial(3)

    def begun_anew(draft: Draft) -> None:
        draft.parents = []

    rewritten = ("rewritten",)
    yield Attack("a merge", merged, ("merge",))
    yield Attack("a merge, the other way round", merged_turned, ("merge",))
    yield Attack("back, and something new", back, rewritten, quietly=True, blind=True)
    yield Attack(
        "the same, on top of an older commit",
        lambda draft: setattr(draft, "parents", [f"{BRANCH}~1"]),
        rewritten,
        blind=True,
    )
    yield Attack("all of it in one commit", begun_anew, rewritten, blind=True, anchored=True)


def _anchors() -> Iterator[Attack]:
    """Anchors that went, or aren't of what stood there."""

    def path_in(draft: Draft) -> str:
        (path,) = (each.path for each in draft.entries if each.path.startswith("anchors/"))
        return path

    def changed(change: Edit, to: str = "") -> Change:
        def make(draft: Draft) -> None:
            data = draft.data(path_in(draft))
            change(data)
            draft.put(to.replace("42", str(data["serial"])) or path_in(draft), data)

        return make

    def linked(draft: Draft) -> None:
        draft.put(path_in(draft), b"42.json", "120000")

    def same(_data: Any) -> None:
        """Leave it as it is."""

    said = ("anchors/",)
    yield Attack("an anchor gone", lambda draft: draft.drop(path_in(draft)), said)
    yield Attack(
        "an anchor's time", changed(lambda one: one.update(at="2026-10-01T00:00:00Z")), said
    )
    yield Attack("an anchor that is a link", linked, said)
    yield Attack("an anchor in words", lambda draft: draft.put("anchors/1.json", b"once\n"), said)
    yield Attack("an anchor by another name", changed(same, "anchors/42.txt"), said)
    yield Attack("an anchor in another form", changed(same, "anchors/42.02.json"), said)
    yield Attack("an anchor of another serial", changed(same, "anchors/1.json"), said)
    more = "anchors/42.2.json"
    later = changed(lambda one: one.update(serial=999), "anchors/999.json")
    yield Attack("an anchor of a later serial", later, said)
    yield Attack("an anchor with more", changed(lambda one: one.update(more=1), more), said)
    yield Attack("an anchor of nothing", changed(lambda one: one.pop("timeStamp"), more), said)


ATTACKS = (*_edits(), *_files(), *_heads(), *_strangers(), *_histories(), *_anchors())
