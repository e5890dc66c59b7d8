"""Check the lockfile of qflow-gitops without qflow-gitops; docs/verify.md tells what is checked.

`python3 verify.py CLONE [--branch NAME]`, with Python 3.9 and git; in CLONE a local branch comes
before that of `origin`. Exit 1: each problem with its commit and file, or why nothing is checked.
"""

import argparse
import hashlib
import json
import os
import re
import sys
from subprocess import DEVNULL, PIPE, Popen, run

HEAD, README, PLAIN, GONE = "qflow.lock", "README.md", "100644", "000000"
LARGEST, PART = 16 * 1024 * 1024, 100  # a file's bytes; so many attempts stand in one of a run
NAME = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
RUN = rf"(({NAME})(?:/{NAME}(?:\.[a-z](?:[a-z0-9-]*[a-z0-9])?)?)?)"
NUMBER = r"(?:\.([2-9]|[1-9][0-9]{1,8}))?"
RUN_FILE = re.compile(rf"runs/({NAME})/([0-9a-f]{{2}})/{RUN}{NUMBER}\.json")
ANCHOR_FILE = re.compile(rf"anchors/(0|[1-9][0-9]{{0,15}}){NUMBER}\.json")
TIME = r"20\d\d-(0[1-9]|1[012])-[0-3]\dT[0-2]\d(:[0-5]\d){2}(\.\d+)?Z"
ENDS, RESULTS = "succeeded failed cancelled", "running succeeded failed cancelled ended"
FOLLOWS = {
    None: "intent baselined", "intent": "accepted refused unsent in_doubt",
    "accepted": RESULTS, "adopted": RESULTS, "running": RESULTS, "ended": ENDS,
    "in_doubt": "adopted absent assumed expired", "expired": "adopted absent assumed",
    "absent": "adopted", "assumed": "adopted assumed",
}  # fmt: skip
REOPENS = {"in_doubt": "adopted absent assumed", "ended": "succeeded failed"}
EXECUTED = {"accepted", "adopted", *RESULTS.split()}


class Git:
    """Asks git about a clone: one process reads all objects, others list."""

    def __init__(self, clone):
        self.git = ["git", "--no-replace-objects", "-C", clone]
        self.env = {**os.environ, "GIT_NO_LAZY_FETCH": "1"}
        reading = [*self.git, "cat-file", "--batch"]
        self.reader = Popen(reading, env=self.env, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)

    def ask(self, *words, given=""):
        done = run([*self.git, *words], input=given.encode(), capture_output=True, env=self.env)
        check(done.returncode == 0, done.stderr.decode(errors="replace").strip(), OSError)
        return done.stdout.decode(errors="backslashreplace")

    def read(self, name):
        """Return an object's id and content, both empty where it isn't there."""
        self.reader.stdin.write(name.replace("\n", "?").encode(errors="replace") + b"\n")
        self.reader.stdin.flush()
        words = self.reader.stdout.readline().decode(errors="replace").split()
        if len(words) != 3 or not words[2].isdigit():
            return "", b""
        check(int(words[2]) <= LARGEST, f"{words[0]} is larger than any lockfile's file", OSError)
        return words[0], self.reader.stdout.read(int(words[2]) + 1)[:-1]

    def changes(self, commits):
        """Say of each commit what differs from the one before: path, mode, old blob, new blob."""
        pairs = "".join(f"{new} {old}\n" for old, new in zip(["", *commits], commits))
        listing = ["diff-tree", "--stdin", "-r", "-z", "--root", "--raw", "--no-abbrev"]
        words, found = iter(self.ask(*listing, "--no-renames", given=pairs).split("\0")), {}
        for word in filter(None, words):
            if not word.startswith(":"):
                changes = found[word] = []
            else:
                _, mode, old, new, _ = word.split(" ")
                changes.append((next(words), mode, old.strip("0"), new))
        return found


class Lockfile:
    """The branch as it grows. Every `check` raises ValueError for what isn't as it has to be."""

    def __init__(self):
        self.files, self.serials = {}, {}  # path -> data, commit -> the head's serial
        self.executions = set()
        self.hashes, self.anchors = {}, 0  # blob -> SHA-256; so many are what they say

    def step(self, commit, changes):
        """Take in a commit; yield each file that is wrong, and the first thing wrong with it."""
        paths = {path for path, *_ in changes}
        if len(paths) < len(changes):
            yield "", "two files have one name"
        for path, mode, old, new in sorted(changes, key=lambda change: change[0] != HEAD):
            run_file, anchor = RUN_FILE.fullmatch(path), ANCHOR_FILE.fullmatch(path)
            try:
                check(run_file or anchor or path in (HEAD, README), "doesn't belong on this branch")
                check(mode == PLAIN or (path, mode) == (README, GONE), "is gone, or no plain file")
                check(old or path not in self.files, "stands there twice")
                content = self.git.read(new)[1]
                if path == HEAD:
                    self.take_head(parsed(content))
                elif run_file:
                    check(HEAD in paths, "was changed, and the head's serial wasn't")
                    self.take_run(path, *run_file.groups(), parsed(content))
                elif anchor:
                    check(not old, "was changed, as an anchor never is")
                    self.take_anchor(int(anchor[1]), parsed(content))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
                yield path, str(problem) if isinstance(problem, ValueError) else repr(problem)
        self.serials[commit] = self.files.get(HEAD, {}).get("serial")

    def take_head(self, new):
        check(new["lockfileVersion"] == 2, "is of another version than 2")
        check(type(new["serial"]) is int and 0 <= new["serial"] < 2**53, "has no serial")
        old, self.files[HEAD] = self.files.get(HEAD, {**new, "serial": -1}), new
        check(new["lineage"] == old["lineage"], "is of another lineage")
        check(new["serial"] > old["serial"], "has no later serial")
        check_kept(old, new)
        check_kept(old["environments"], new["environments"])
        for name, record in new["environments"].items():
            check(re.fullmatch(NAME, name) and "runs" not in record, f"environment {name}")
            check_kept(old["environments"].get(name, {}), record)

    def take_run(self, path, environment, folder, name, run, part, new):
        number, attempts = int(part or 1), new["attempts"]
        check(folder == hashlib.sha256(run.encode()).hexdigest()[:2], "lies in another folder")
        check((new["environment"], new["name"]) == (environment, name), "is another run's")
        check(not new.keys() - {"environment", "name", "attempts", "events"}, "holds more")
        check(len(attempts) <= PART and (attempts or new.get("events")), "holds too many, or none")
        for place, attempt in enumerate(attempts, (number - 1) * PART + 1):
            check_attempt(attempt, place)
        old, self.files[path] = self.files.get(path, {"attempts": []}), new
        check(new != old, "was rewritten, with nothing new in it")
        check(len(attempts) >= len(old["attempts"]), "has lost attempts")
        check_kept({"events": old.get("events", [])}, {"events": [], **new})
        for was, now in zip(old["attempts"], attempts):
            check_grown(was, now)
        self.executions.difference_update(executions(old))
        for execution in executions(new):
            check(execution not in self.executions, f"another attempt has {execution}, too")
            self.executions.add(execution)
        check(environment in self.files[HEAD]["environments"], "is of no environment of the head")
        before = f"runs/{environment}/{folder}/{name}{f'.{number - 1}' * (number > 2)}.json"
        check(number == 1 or len(self.files.get(before, old)["attempts"]) == PART, "is too early")

    def take_anchor(self, serial, new):
        """Hold an anchor against what it is of; whose signature it has isn't looked at."""
        known = {"anchorVersion", "commit", "serial", "lineage", "contents", "at", "timeStamp"}
        check(new.keys() == known, "is no anchor")
        check(self.serials.get(new["commit"]) == serial == new["serial"], "is of another commit")
        text = f"qflow-gitops/anchor/v1\ncommit {new['commit']}\n"
        for entry in filter(None, self.git.ask("ls-tree", "-r", "-z", new["commit"]).split("\0")):
            mode, _, blob, path = re.split("[ \t]", entry, maxsplit=3)
            if blob not in self.hashes:
                self.hashes[blob] = hashlib.sha256(self.git.read(blob)[1]).hexdigest()
            text += f"{mode} {self.hashes[blob]} {path}\n"
        contents = f"v1:sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        check(new["contents"] == contents, "isn't of what its commit holds")
        self.anchors += 1

    def specs(self):
        """Hold each attempt's blob against its file in its commit, where the clone has that."""
        for path in sorted(self.files.keys() - {HEAD}):
            for attempt in self.files[path]["attempts"]:
                commit, file = str(attempt.get("commit")), str(attempt.get("file"))
                there = re.fullmatch("[0-9a-f]{40,64}", commit) and self.git.read(commit)[0]
                if there and self.git.read(f"{commit}:{file}")[0] != attempt.get("blob"):
                    yield path, f"#{attempt['number']}: {file} was another one in {commit}"


def check(holds, otherwise, kind=ValueError):
    if not holds:
        raise kind(otherwise)


def unique(pairs):
    check(len(dict(pairs)) == len(pairs), "has a key twice")
    return dict(pairs)


def parsed(content):
    data = json.loads(content.decode(), object_pairs_hook=unique)
    check(isinstance(data, dict), "is no JSON object")
    return data


def check_kept(old, new):
    for key, value in old.items():
        begins = not isinstance(value, list) or new.get(key, [])[: len(value)] == value
        check(key in new and begins, f"has lost `{key}`, or a part of it")


def check_attempt(attempt, number):
    check(attempt["number"] == number, f"attempt {number} has another number")
    check(re.fullmatch("v1:sha256:[0-9a-f]{64}", attempt["digest"]), f"attempt {number}: digest")
    before, decided = None, set()
    for event in attempt["events"]:
        to, reopens = event["to"], event.get("reopens")
        put_back = reopens in decided and reopens in REOPENS.get(to, "").split()
        allowed = put_back if reopens else to in FOLLOWS.get(before, "").split()
        check(allowed, f"attempt {number} goes from {before} to {to}")
        check(re.fullmatch(TIME, event["at"]), f"attempt {number} became {to} at no time")
        decided |= {to} if "by" in event else set()
        before = to
    check(attempt["state"] == before, f"attempt {number} isn't what its last event says")
    check(attempt.get("executionId") or before not in EXECUTED, f"attempt {number}: execution")


def check_grown(old, new):
    more = new["events"][len(old["events"]) :]
    fixed = [{**one, "state": 0, "executionId": 0, "status": 0, "events": 0} for one in (old, new)]
    let_go = [None, new.get("executionId"), *(event.get("letGo") for event in more)]
    check_kept({"events": old["events"]}, new)
    check(old.get("executionId") in let_go, f"attempt {old['number']} has another execution")
    check(fixed[0] == fixed[1] and (new == old or more), f"attempt {old['number']} was changed")


def executions(run):
    return [one["executionId"].lower() for one in run["attempts"] if one.get("executionId")]


def problems(lockfile, given):
    """Yield every problem: the commit, the file, a sentence."""
    git = lockfile.git = Git(given.clone)
    if git.ask("rev-parse", "--is-shallow-repository").strip() != "false":
        yield "", "", "the clone is shallow, so what came before can't be seen"
    names = [f"refs/{kind}/{given.branch}" for kind in ("heads", "remotes/origin", "remotes")]
    there = git.ask("for-each-ref", "--format=%(refname)", *names).split()
    found = [name for name in names if name in there]
    check(found, f"there is no branch {given.branch} in this clone", OSError)
    order = ["rev-list", "--topo-order", "--reverse", "--parents", found[0]]
    history = [line.split() for line in git.ask(*order).splitlines()]
    changes, before = git.changes([commit for commit, *_ in history]), []
    for commit, *parents in history:
        if parents != before:
            yield commit, "", "doesn't follow the commit before it alone"
        yield from ((commit, *one) for one in lockfile.step(commit, changes.get(commit, ())))
        before = [commit]
    yield from ((before[0], *one) for one in lockfile.specs())


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("clone")
    arguments.add_argument("--branch", default="qflow-lock")
    lockfile = Lockfile()
    try:
        found = [": ".join(each) for each in problems(lockfile, arguments.parse_args())]
    except OSError as problem:
        found = [f"It can't be checked: {problem}"]
    runs = [data for path, data in lockfile.files.items() if path != HEAD]
    names = {(run["environment"], run["name"]) for run in runs}
    attempts = sum(len(run["attempts"]) for run in runs)
    counts = len(lockfile.serials), len(names), attempts, lockfile.anchors, len(found)
    words = zip(counts, ("commit", "run", "attempt", "anchor", "problem"))
    total = ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in words)
    print(*(ascii(each)[1:-1] for each in found), total, sep="\n")
    sys.exit(1 if found else 0)
