"""Members of a fleet with real remotes: their clones, their processes, and what those know."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qflow_gitops.errors import BusyError, InvalidInput, QflowError, UnreachableError
from qflow_gitops.fleet import work as working
from qflow_gitops.fleet.clones import Clone, Clones
from qflow_gitops.fleet.environ import Facts, environ_of
from qflow_gitops.fleet.work import Limits, Work, work
from qflow_gitops.git.process import GitProcess
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.settings.fleet import FleetMember
from tests.helpers.cli import Cli
from tests.helpers.fleet_members import (
    SETTINGS,
    Home,
    canaries,
    files_of,
    home,
    of_everybody,
)
from tests.helpers.githttp import (
    TOKEN,
    GitHttp,
    has_backend,
    header,
    make_certificate,
    serve_http,
)
from tests.helpers.partners import nightly
from tests.helpers.specs import spec
from tests.helpers.sshd import MISSING, serve_ssh

USUAL = Limits()
FACTS = Facts("/", "ada")
SLEEPS = "from qflow_gitops.fleet import limited; limited.begin(); import time; time.sleep(60)"


def never() -> bool:
    return False


def clones_in(folder: Path, *, patience: float = 30.0) -> Clones:
    return Clones(folder, lambda: 30.0, lambda: patience)


@pytest.fixture
def acme(tmp_path: Path) -> Home:
    return home(tmp_path / "remotes", "acme")


@pytest.fixture
def clones(tmp_path: Path) -> Clones:
    return clones_in(tmp_path / "fleet")


@pytest.fixture
def gits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names each git command that is started."""
    seen: list[str] = []
    started = GitProcess.started

    def noted(self: GitProcess, arguments: list[str], *given: object, **more: object) -> object:
        seen.append(next(word for word in arguments if not word.startswith("-")))
        return started(self, arguments, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(GitProcess, "started", noted)
    return seen


def member_of(
    at: Home, name: str = "acme", ref: str = "main", project: str = ".", credentials: str = ""
) -> FleetMember:
    return FleetMember(name, at.address, ref, project, credentials=credentials)


def environ(member: FleetMember, **more: str) -> dict[str, str]:
    return environ_of(member, of_everybody(**more), FACTS, sandbox=True)


def run(clone: Clone, told: dict[str, str], *words: str, limits: Limits = USUAL) -> Work:
    return work(words, clone.folder, told, limits, held=(clone.held,), stopping=never)


def planned(clones: Clones, member: FleetMember) -> Work:
    told = environ(member)
    with clones.bring(member, told) as clone:
        return run(clone, told, "plan", "--to", clone.heads.commit)


def test_a_clone_has_no_files_and_all_that_a_plan_needs(acme: Home, clones: Clones) -> None:
    member = member_of(acme)
    with clones.bring(member, environ(member)) as clone:
        assert clone.heads == (acme.workspace.git("rev-parse", "HEAD"), "")
        assert clone.platform == "sandbox"
        assert [one.name for one in clone.folder.iterdir()] == [".git"]
    done = planned(clones, member)
    assert (done.exit_code, done.problem) == (0, ""), done
    assert done.report
    assert done.report["counts"]["run"] == 1


def test_nothing_new_costs_one_question(acme: Home, clones: Clones, gits: list[str]) -> None:
    member = member_of(acme)
    told = environ(member)
    with clones.bring(member, told) as clone:
        first = clone.heads
    gits.clear()
    with clones.bring(member, told) as clone:
        assert clone.heads == first
    assert clones.heads(member, told) == first
    assert gits == ["ls-remote", "ls-remote"]
    commit = acme.publish("runs/more.yaml", spec("more"))
    assert clones.heads(member, told).commit == commit
    with clones.bring(member, told) as clone:
        assert clone.heads.commit == commit


def test_what_was_applied_is_seen_at_the_branch_that_the_settings_name(
    tmp_path: Path, clones: Clones, sandbox: SandboxServer, gits: list[str]
) -> None:
    settings = SETTINGS.replace("store: branch", "store: branch, branch: own-lock")
    acme = home(tmp_path / "remotes", "acme", settings=settings)
    member = member_of(acme, credentials="ACME")
    told = environ(
        member, QFLOW_GATEWAY=sandbox.url, ACME_QFLOW_CLIENT_ID="test-client",
        ACME_QFLOW_CLIENT_SECRET="test-canary-secret",
    )  # fmt: skip
    with clones.bring(member, told) as clone:
        words = ("apply", "--to", clone.heads.commit, "--yes")
        done = run(clone, told, *words)
        assert (done.exit_code, done.problem) == (0, ""), done
    heads = clones.heads(member, told)
    assert heads.lock_commit == acme.remote.git("rev-parse", "own-lock")
    gits.clear()
    with clones.bring(member, told) as clone:
        assert clone.heads == heads
        assert gits == ["ls-remote"]
        again = run(clone, told, *words)
    assert (again.exit_code, len(sandbox.executions())) == (0, 1)
    assert "test-canary-secret" not in f"{done} {again}"
    assert '"actor": "ada"' in json.dumps(acme.remote.record("own-lock"))


def test_two_members_of_one_address_share_objects_and_no_others_do(
    tmp_path: Path, acme: Home, clones: Clones
) -> None:
    sub = SETTINGS.replace("store: branch", "store: branch, branch: sub-lock")
    acme.workspace.write("sub/runs/s.yaml", spec("s"))
    acme.publish("sub/qflow.yaml", sub)
    other = home(tmp_path / "remotes", "globex")
    members = [
        member_of(acme),
        member_of(acme, "acme-sub", project="sub"),
        member_of(other, "globex"),
    ]
    for member in members:
        assert planned(clones, member).exit_code == 0
    stores = sorted((tmp_path / "fleet/stores").glob("*[!k]"))
    assert len(stores) == 2
    for clone in (tmp_path / "fleet/clones").glob("*/"):
        objects = clone / ".git/objects"
        borrowed = objects / (objects / "info/alternates").read_text(encoding="utf-8").strip()
        assert borrowed.resolve() in [store / "objects" for store in stores]
        assert not list(objects.glob("pack/*.pack"))


@pytest.mark.parametrize("ref", ["gone", "-u", "--upload-pack=touch x", "a..b", "a b", "refs/../x"])
def test_a_ref_that_is_none_is_told(acme: Home, clones: Clones, ref: str) -> None:
    member = member_of(acme, ref=ref)
    with pytest.raises(InvalidInput) as told, clones.bring(member, environ(member)):
        pass
    assert told.value.reason == "member_ref"


@pytest.mark.parametrize("project", ["..", "/etc", "a/../../b", ".git", "a/.GIT/hooks"])
def test_a_project_stays_inside(acme: Home, clones: Clones, project: str) -> None:
    member = member_of(acme, project=project)
    with pytest.raises(InvalidInput) as told, clones.bring(member, environ(member)):
        pass
    assert told.value.reason == "member_project"


@pytest.mark.parametrize("settings", [SETTINGS.replace("branch", "worktree"), None])
def test_a_lockfile_that_would_stay_in_the_clone_is_refused(
    tmp_path: Path, clones: Clones, settings: str | None
) -> None:
    at = home(tmp_path / "remotes", "local", settings=settings or SETTINGS)
    member = member_of(at, project="." if settings else "elsewhere")
    with pytest.raises(InvalidInput) as told, clones.bring(member, environ(member)):
        pass
    assert told.value.reason == "member_lockfile"


def test_a_lockfile_is_moved_to_a_branch_as_the_hint_says(
    tmp_path: Path, clones: Clones, capfd: pytest.CaptureFixture[str], sandbox: SandboxServer
) -> None:
    at = home(tmp_path / "remotes", "local", settings=SETTINGS.replace("branch", "worktree"))
    people = Cli(at.workspace.path, capfd)
    assert people("apply", "--yes").code == 0
    assert people("lock", "move", "--to", "branch").code == 0
    at.workspace.commit("the lockfile goes to a branch")
    at.workspace.git("push", "--quiet", "origin", "HEAD:main")
    member = member_of(at)
    with clones.bring(member, environ(member)) as clone:
        assert clone.heads.lock_commit == at.remote.tip()
    assert len(sandbox.executions()) == 1


def test_a_branch_put_back_and_a_new_default_are_followed(acme: Home, clones: Clones) -> None:
    member = member_of(acme)
    first = acme.workspace.git("rev-parse", "HEAD")
    acme.publish("runs/b.yaml", spec("b"))
    assert planned(clones, member).exit_code == 0
    acme.workspace.git("push", "--quiet", "--force", "origin", f"{first}:refs/heads/main")
    with clones.bring(member, environ(member)) as clone:
        assert clone.heads.commit == first
    acme.remote.git("symbolic-ref", "HEAD", "refs/heads/main/x")
    acme.workspace.git("push", "--quiet", "origin", ":refs/heads/main")
    acme.workspace.git("push", "--quiet", "origin", "HEAD:refs/heads/main/x")
    moved = member._replace(ref="main/x")
    with clones.bring(moved, environ(moved)) as clone:
        assert clone.heads.commit == acme.workspace.git("rev-parse", "HEAD")


def test_two_wait_for_each_other(acme: Home, tmp_path: Path) -> None:
    member, order = member_of(acme), list[str]()
    told = environ(member)
    inside = threading.Event()

    def first() -> None:
        with clones_in(tmp_path / "fleet").bring(member, told):
            inside.set()
            time.sleep(0.5)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(30)
    with (
        pytest.raises(BusyError) as busy,
        clones_in(tmp_path / "fleet", patience=0.0).bring(member, told),
    ):
        pass
    assert busy.value.reason == "member_busy"
    with clones_in(tmp_path / "fleet").bring(member, told):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


DRIVER = """
import os, signal, sys
from pathlib import Path
from qflow_gitops.fleet import work
from qflow_gitops.fleet.clones import Clones
from qflow_gitops.fleet.environ import Facts, environ_of
from qflow_gitops.git.process import GitProcess
from qflow_gitops.settings.fleet import FleetMember

folder, address, last = sys.argv[1:]
member, started, count = FleetMember("acme", address), GitProcess.started, 0

def counted(*given, **more):
    global count
    count += 1
    process = started(*given, **more)
    if count == int(last):
        os.kill(os.getpid(), signal.SIGKILL)
    return process

GitProcess.started = counted
told = environ_of(member, os.environ, Facts("/"))
with Clones(Path(folder), lambda: 30.0, lambda: 30.0).bring(member, told) as clone:
    work._PROGRAM = work._PROGRAM.replace("from qflow_gitops.cli", "import time; time.sleep(3) #")
    print("working", flush=True)
    work.work(("plan",), clone.folder, told, work.Limits(), held=(clone.held,), stopping=bool)
"""


def driver(folder: Path, address: str, last: int) -> list[str]:
    """Brings a member and works on it for 3 s; killed as soon as it has started so many gits."""
    return [sys.executable, "-c", DRIVER, str(folder), address, str(last)]


def test_a_clone_survives_a_kill_at_any_moment(acme: Home, tmp_path: Path, gits: list[str]) -> None:
    member = member_of(acme)
    with clones_in(tmp_path / "whole").bring(member, environ(member)):
        count = len(gits)
    assert count > 5
    for last in range(1, count + 1):
        folder = tmp_path / f"killed-{last}"
        done = subprocess.run(driver(folder, acme.address, last), capture_output=True)
        assert done.returncode == -signal.SIGKILL, done.stderr
        with clones_in(folder).bring(member, environ(member)) as clone:
            assert clone.heads.commit == acme.workspace.git("rev-parse", "HEAD")
            assert GitProcess.open(clone.folder, environ(member)).run(["fsck"])[0] == 0
        assert not list(folder.glob("*/.*.tmp"))
        assert not list(folder.glob("*/*/.git/*.lock"))


def test_locks_of_a_git_that_was_killed_do_not_last(acme: Home, clones: Clones) -> None:
    member = member_of(acme)
    with clones.bring(member, environ(member)) as clone:
        folder = clone.folder
    for name in (
        "HEAD.lock",
        "index.lock",
        "refs/remotes/origin/main.lock",
        "packed-refs.lock",
        "objects/pack/tmp_pack_x",
    ):
        path = folder / ".git" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    commit = acme.publish("runs/b.yaml", spec("b"))
    assert planned(clones, member).exit_code == 0
    with clones.bring(member, environ(member)) as clone:
        assert clone.heads.commit == commit


def test_a_driver_that_is_killed_leaves_the_clone_to_its_child(acme: Home, tmp_path: Path) -> None:
    """The lock is the child's as well: nobody else gets the clone while it works."""
    member, folder = member_of(acme), tmp_path / "fleet"
    told = environ(member)
    with subprocess.Popen(driver(folder, acme.address, 0), stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"working\n"
        time.sleep(0.5)
        process.kill()
    with pytest.raises(BusyError), clones_in(folder, patience=0.2).bring(member, told):
        pass
    with clones_in(folder).bring(member, told) as clone:
        assert clone.heads.commit


def test_a_git_that_goes_on_keeps_the_clone(
    acme: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver is killed amid a fetch, which isn't over yet: its lock files aren't stale."""
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    real = shutil.which("git")
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *fetch*) sleep 3 ;; esac\nexec {real} "$@"\n', encoding="utf-8"
    )
    slow.chmod(0o755)
    member, folder = member_of(acme), tmp_path / "fleet"
    told = environ(member)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
        fetch = 6  # ls-remote, init, init, config, config
        killed = subprocess.run(driver(folder, acme.address, fetch), capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(BusyError), clones_in(folder, patience=0.2).bring(member, told):
        pass
    with clones_in(folder).bring(member, told) as clone:
        assert clone.heads.commit


def test_the_settings_of_the_repository_around_the_clones_are_not_theirs(
    acme: Home, tmp_path: Path
) -> None:
    """The clones lie in the fleet's own repository, which may hold a token of its own."""
    fleet = tmp_path / "around"
    subprocess.run(["git", "init", "--quiet", str(fleet)], check=True)
    elsewhere = f"url.file:///nowhere/.insteadOf={acme.remote.path.parent.as_uri()}/"
    name, _, value = elsewhere.partition("=")
    subprocess.run(["git", "-C", str(fleet), "config", name, value], check=True)
    inside = clones_in(fleet / ".git/qflow-gitops/fleet")
    assert planned(inside, member_of(acme)).exit_code == 0
    before = subprocess.run(
        ["git", "-C", str(fleet), "symbolic-ref", "HEAD"], capture_output=True, check=True
    ).stdout
    assert before.startswith(b"refs/heads/")
    (broken,) = (fleet / ".git/qflow-gitops/fleet/clones").glob("acme*/.git/HEAD")
    broken.unlink()
    acme.publish("runs/b.yaml", spec("b"))
    with pytest.raises(InvalidInput) as told:
        planned(inside, member_of(acme))
    assert told.value.reason == "member_clone"
    after = subprocess.run(
        ["git", "-C", str(fleet), "symbolic-ref", "HEAD"], capture_output=True, check=True
    ).stdout
    assert after == before


SEES = (
    "from qflow_gitops.fleet import limited; limited.begin(); import json, os, sys, time; "
    "print(json.dumps({'environ': dict(os.environ), 'argv': sys.argv}), flush=True); "
    "print(os.environ.get('QFLOW_TOKEN', ''), file=sys.stderr, flush=True); time.sleep({})"
)


@contextmanager
def children() -> Iterator[Callable[[], list[int]]]:
    """Names the processes that this one has started and that run."""

    def now() -> list[int]:
        return [
            int(pid)
            for file in Path("/proc/self/task").glob("*/children")
            for pid in file.read_text(encoding="ascii").split()
        ]

    before = set(now())
    yield lambda: [pid for pid in now() if pid not in before]


def test_no_sibling_s_credentials_are_anywhere(
    tmp_path: Path, clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("acme", "globex", "initech")
    homes = [home(tmp_path / "remotes", name) for name in names]
    sets = {
        f"{name.upper()}_{variable}": f"canary-{name}-{variable.lower().replace('_', '-')}"
        for name in names
        for variable in ("QFLOW_TOKEN", "QFLOW_CLIENT_SECRET", "GITHUB_TOKEN", "GIT_TOKEN")
    }
    monkeypatch.setattr(working, "_PROGRAM", SEES.replace("{})", "0.5)"))
    seen: dict[str, str] = {}
    for name, at in zip(names, homes, strict=True):
        member = member_of(at, name, credentials=name.upper())
        told = environ(member, **sets)
        with children() as now, clones.bring(member, told) as clone:
            done: list[Work] = []
            words = (clone, told, "plan")
            thread = threading.Thread(target=lambda: done.append(run(*words)))  # noqa: B023
            thread.start()
            time.sleep(0.25)
            for pid in now():
                seen[name] = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8")
                argv = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
                assert canaries(argv) == set()
            thread.join()
        own = {
            f"canary-{name}-{what}"
            for what in ("qflow-token", "qflow-client-secret", "github-token")
        }
        assert canaries(seen[name]) == own, seen[name]
        assert "GITHUB_ACTIONS" not in seen[name]
        (of_it,) = done
        assert of_it.report is not None
        assert canaries(json.dumps(of_it.report) + of_it.problem) == set()
    assert b"canary" not in files_of(tmp_path / "fleet")


def test_a_childs_words_are_masked(
    acme: Home, clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = member_of(acme, credentials="ACME")
    told = environ(member, ACME_QFLOW_TOKEN="canary-own")
    says = SLEEPS.replace(
        "time; time.sleep(60)", "os, sys; print(os.environ['QFLOW_TOKEN'], file=sys.stderr)"
    )
    monkeypatch.setattr(working, "_PROGRAM", says)
    with clones.bring(member, told) as clone:
        done = run(clone, told, "plan")
    assert done == (0, None, "***")


@pytest.mark.parametrize("patient", [True, False], ids=["ends when asked", "has to be killed"])
def test_a_child_has_its_time_and_no_more(
    acme: Home, clones: Clones, monkeypatch: pytest.MonkeyPatch, patient: bool
) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    begins = (
        "import subprocess; subprocess.Popen(['sleep', '61'], start_new_session=True); "
        if not patient
        else ""
    )
    monkeypatch.setattr(working, "LAST_WORDS", 0.5)
    monkeypatch.setattr(working, "_PROGRAM", ("" if patient else deaf) + begins + SLEEPS)
    member = member_of(acme)
    told = environ(member)
    with clones.bring(member, told) as clone, children() as now:
        begun = time.monotonic()
        done = run(clone, told, "plan", limits=Limits(1.0, 2**30))
        took = time.monotonic() - begun
        assert now() == []
    assert done.exit_code == 128 + (signal.SIGTERM if patient else signal.SIGKILL)
    assert "longer than 1 seconds" in done.problem
    assert took < 5
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "sleep 61" not in left.splitlines()


def test_a_child_ends_by_itself_where_nobody_ends_it(
    acme: Home, clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "_ALONE", -59.0)
    monkeypatch.setattr(working, "LAST_WORDS", 0.0)
    monkeypatch.setattr(working, "_PROGRAM", SLEEPS)
    member = member_of(acme)
    told = environ(member)
    with clones.bring(member, told) as clone:
        done = run(clone, told, "plan", limits=Limits(60.0, 2**30))
    assert done.exit_code == 128 + signal.SIGALRM


def test_a_child_has_its_memory_and_no_more(acme: Home, clones: Clones) -> None:
    member = member_of(acme)
    told = environ(member)
    with clones.bring(member, told) as clone:
        words = ("plan", "--to", clone.heads.commit)
        assert run(clone, told, *words).exit_code == 0
        done = run(clone, told, *words, limits=Limits(60.0, 24 * 2**20))
    assert done.exit_code != 0
    assert done.report is None
    assert "Traceback" not in done.problem


def test_a_child_that_takes_too_much_is_told_so(
    acme: Home, clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = SLEEPS.replace("time.sleep(60)", "taken = bytearray(2**30)")
    monkeypatch.setattr(working, "_PROGRAM", takes)
    member = member_of(acme)
    told = environ(member)
    with clones.bring(member, told) as clone:
        done = run(clone, told, "plan", limits=Limits(60.0, 2**29))
    assert done.report is None
    assert "more memory than 512 MiB" in done.problem


def test_a_library_that_has_no_room_is_told_so_as_well(
    acme: Home, clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the loader says it, in a traceback of Python's, which nobody is shown."""
    loading = "raise ImportError('libz.so.1: failed to map segment from shared object')"
    monkeypatch.setattr(working, "_PROGRAM", SLEEPS.replace("time.sleep(60)", loading))
    member = member_of(acme)
    told = environ(member)
    with clones.bring(member, told) as clone:
        done = run(clone, told, "plan", limits=Limits(60.0, 2**29))
    assert done.problem == "It needed more memory than 512 MiB (`limits.memory`)."


def test_an_answer_without_end_is_cut(
    acme: Home, clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "MOST", 2**20)
    endless = SLEEPS.replace("time.sleep(60)", "\nwhile True: print('x' * 9999)")
    monkeypatch.setattr(working, "_PROGRAM", endless)
    member = member_of(acme)
    told = environ(member)
    with clones.bring(member, told) as clone:
        done = run(clone, told, "plan")
    assert done.report is None
    assert "wrote more than 1 MiB" in done.problem


def test_who_is_asked_to_end_ends_the_children(
    acme: Home, clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "_PROGRAM", SLEEPS)
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    member = member_of(acme)
    told = environ(member)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    with clones.bring(member, told) as clone, children() as now:
        timer.start()
        done = work(
            ("plan",),
            clone.folder,
            told,
            Limits(),
            held=(clone.held,),
            stopping=lambda: bool(asked),
        )
        assert now() == []
    assert done.exit_code == 128 + signal.SIGTERM
    assert "asked to end" in done.problem


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_certificate(tmp_path_factory.mktemp("tls"))
    if made is None or not has_backend():
        pytest.skip("needs openssl for a certificate, and git's http-backend")
    return made


@pytest.fixture
def https(
    acme: Home, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[GitHttp, FleetMember]]:
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate.with_suffix(".crt")))
    with serve_http(acme.remote.path.parent, certificate) as git:
        yield git, FleetMember("acme", f"{git.url}/acme.git", credentials="ACME")


def test_a_token_opens_its_own_host_and_is_in_no_file(
    https: tuple[GitHttp, FleetMember], tmp_path: Path, clones: Clones
) -> None:
    _, member = https
    basic = header().rsplit(" ", 1)[1].encode()
    told = environ(member, ACME_GIT_TOKEN=TOKEN)
    with clones.bring(member, told) as clone:
        assert clone.heads.commit
        done = run(clone, told, "plan", "--to", clone.heads.commit)
    assert done.exit_code == 0, done
    kept = files_of(tmp_path / "fleet")
    assert TOKEN.encode() not in kept
    assert basic not in kept


def test_a_wrong_token_is_told_without_it(
    https: tuple[GitHttp, FleetMember], tmp_path: Path, clones: Clones
) -> None:
    _, member = https
    for told in (environ(member, ACME_GIT_TOKEN="canary-wrong"), environ(member)):
        with pytest.raises(UnreachableError) as refused, clones.bring(member, told):
            pass
        words = error_words(refused.value)
        assert canaries(words) == set()
        assert base64.b64encode(b"x-access-token:canary-wrong").decode() not in words
    assert not list((tmp_path / "fleet/clones").glob("*/"))


def test_a_redirect_takes_a_token_nowhere(
    https: tuple[GitHttp, FleetMember], certificate: Path, clones: Clones, tmp_path: Path
) -> None:  # fmt: skip
    git, member = https
    with serve_http(tmp_path, certificate) as thief:
        git.elsewhere = thief.url
        with (
            pytest.raises(UnreachableError),
            clones.bring(member, environ(member, ACME_GIT_TOKEN=TOKEN)),
        ):
            pass
        assert thief.requests == []


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@nightly
def test_a_member_is_reached_over_ssh_with_an_agent_s_environment(
    acme: Home, clones: Clones, tmp_path: Path
) -> None:
    with serve_ssh(tmp_path / "server") as server:
        member = FleetMember("acme", f"{server.address}{acme.remote.path}", credentials="ACME")
        told = environ(member, GIT_SSH_COMMAND=server.command(), ACME_GIT_TOKEN="canary-git")
        with clones.bring(member, told) as clone:
            assert clone.heads.commit == acme.workspace.git("rev-parse", "HEAD")
        assert canaries(str(told)) == set()


def error_words(problem: QflowError) -> str:
    return f"{problem.message} {problem.where} {problem.hint} {problem.not_done} {problem}"
