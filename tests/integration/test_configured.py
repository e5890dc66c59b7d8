"""What a person, a machine or a repository configures for git changes no result.

`QFLOW_TESTS_GIT=each pytest …` tries each key on its own; else many are set at once.

The kind: each git command that configuration can bend. Those that are started are rev-parse,
for-each-ref, symbolic-ref, cat-file, rev-list, merge-base, merge-tree, ls-tree, ls-files,
diff-tree, diff-files, status, config, remote, show, hash-object, mktree, commit-tree, update-ref;
and to a remote fetch, ls-remote, push. Below are the keys of git-config(1) that could change what
they print, ask, run or send, each with its oddest valid value. Not among them: `branch.*.merge`,
which is asked for where it has to be known which branch is everybody's (`gitremotes.py`), and
`commit.gpgSign`, by which the lockfile's commits are signed (`test_repairs.py`).
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote, moved_along
from tests.helpers.git import Workspace
from tests.helpers.partners import NIGHTLY
from tests.helpers.specs import spec

BROKEN = "/nowhere/at/all"
SETTINGS: dict[str, str] = {
    # what is printed, and in which words
    "core.quotePath": "true", "core.abbrev": "4", "core.precomposeUnicode": "true",
    "color.ui": "always", "color.status": "always", "color.diff": "always",
    "color.branch": "always", "color.push": "always", "color.transport": "always",
    "color.remote": "always", "color.advice": "always", "column.ui": "always",
    "core.pager": "false", "pager.show": "false", "pager.status": "false",
    "advice.graftFileDeprecated": "true", "advice.pushUpdateRejected": "false",
    "i18n.logOutputEncoding": "UTF-16", "i18n.commitEncoding": "ISO-8859-1",
    "log.showSignature": "true", "log.date": "format:%n%%", "log.decorate": "full",
    "log.mailmap": "true", "log.follow": "true", "log.diffMerges": "dense-combined",
    "log.showRoot": "false", "log.abbrevCommit": "true", "format.pretty": "format:x%n%n",
    "format.notes": "*", "notes.displayRef": "refs/notes/*", "mailmap.file": BROKEN,
    "grep.patternType": "perl", "blame.date": "raw", "tag.sort": "-refname",
    "branch.sort": "-refname", "versionsort.suffix": "-x", "core.commentChar": "q",
    # what is compared
    "diff.renames": "copies", "diff.noprefix": "true", "diff.mnemonicPrefix": "true",
    "diff.relative": "true", "diff.orderFile": BROKEN, "diff.external": "false",
    "diff.ignoreSubmodules": "none", "diff.submodule": "diff", "diff.wsErrorHighlight": "all",
    "diff.algorithm": "patience", "diff.statGraphWidth": "1", "diff.autoRefreshIndex": "false",
    "diff.default.textconv": "false", "diff.context": "0", "diff.interHunkContext": "9",
    "status.short": "true", "status.branch": "true", "status.relativePaths": "false",
    "status.showUntrackedFiles": "no", "status.renames": "copies", "status.showStash": "true",
    "status.aheadBehind": "false", "status.submoduleSummary": "true",
    "status.displayCommentPrefix": "true",
    # what is in the work tree
    "core.autocrlf": "true", "core.eol": "crlf", "core.safecrlf": "warn",
    "core.ignoreCase": "true", "core.fileMode": "false", "core.symlinks": "false",
    "core.trustctime": "false", "core.checkStat": "minimal", "core.attributesFile": BROKEN,
    "core.excludesFile": BROKEN, "core.untrackedCache": "true", "core.splitIndex": "true",
    "core.preloadIndex": "false", "core.fsmonitor": "false", "core.sparseCheckout": "true",
    "core.sparseCheckoutCone": "false", "index.sparse": "true", "index.version": "4",
    "index.threads": "1", "feature.manyFiles": "true", "feature.experimental": "true",
    "core.whitespace": "tab-in-indent", "core.protectNTFS": "true", "core.protectHFS": "true",
    "core.hooksPath": BROKEN, "core.editor": "false", "core.logAllRefUpdates": "always",
    "core.warnAmbiguousRefs": "true", "core.useReplaceRefs": "true",
    "core.commitGraph": "true", "core.multiPackIndex": "true", "core.packedGitLimit": "1m",
    "core.bigFileThreshold": "1", "core.looseCompression": "9", "core.fsync": "all",
    "core.compression": "0", "core.sharedRepository": "group", "core.askPass": "false",
    "core.alternateRefsCommand": "false", "core.gitProxy": "false", "core.sshCommand": "false",
    "alias.status": "!false", "alias.rev-parse": "!false", "alias.push": "!false",
    "help.autoCorrect": "immediate", "rebase.autoStash": "true", "pull.rebase": "true",
    "merge.ff": "only", "merge.renames": "false", "merge.conflictStyle": "zdiff3",
    "rerere.enabled": "true", "commit.template": BROKEN, "commit.verbose": "true",
    "commit.cleanup": "verbatim", "commit.status": "false", "user.useConfigOnly": "true",
    "tag.gpgSign": "true", "tag.forceSignAnnotated": "true", "gpg.format": "x509",
    "gpg.program": "false", "gpg.ssh.allowedSignersFile": BROKEN, "gpg.minTrustLevel": "ultimate",
    "gc.auto": "1", "gc.autoDetach": "false", "maintenance.auto": "true", "gc.pruneExpire": "now",
    "extensions.worktreeConfig": "true", "extensions.preciousObjects": "true",
    "core.repositoryFormatVersion": "1", "include.path": BROKEN, "gpg.ssh.program": "false",
    # what goes to and comes from a remote
    "fetch.prune": "true", "fetch.pruneTags": "true", "fetch.all": "true",
    "fetch.recurseSubmodules": "true", "fetch.parallel": "0", "fetch.output": "compact",
    "fetch.writeCommitGraph": "true", "fetch.fsckObjects": "true", "fetch.showForcedUpdates": "0",
    "fetch.negotiationAlgorithm": "skipping", "fetch.unpackLimit": "1",
    "remote.origin.tagOpt": "--tags", "remote.origin.prune": "true",
    "remote.origin.mirror": "true", "remote.origin.skipFetchAll": "true",
    "remote.origin.fetch": "+refs/*:refs/*", "remote.origin.push": "+refs/heads/*:refs/heads/x/*",
    "remote.origin.proxy": "http://127.0.0.1:1", "remote.pushDefault": "elsewhere",
    "branch.main.pushRemote": "elsewhere", "branch.main.remote": "elsewhere",
     "branch.autoSetupMerge": "always",
    "submodule.recurse": "true", "submodule.fetchJobs": "0", "push.default": "nothing",
    "push.followTags": "true", "push.recurseSubmodules": "only", "push.gpgSign": "true",
    "push.pushOption": "ci.skip", "push.useForceIfIncludes": "true", "push.negotiate": "true",
    "push.autoSetupRemote": "true", "push.useBitmaps": "false", "transfer.fsckObjects": "true",
    "transfer.unpackLimit": "1", "transfer.hideRefs": "refs/heads", "transfer.bundleURI": "true",
    "transfer.credentialsInUrl": "die", "receive.fsckObjects": "true",
    "receive.denyCurrentBranch": "refuse", "uploadpack.hideRefs": "refs", "protocol.version": "0",
    "http.proxy": "http://127.0.0.1:1", "credential.helper": "!false", "ssh.variant": "simple",
    "url.https://elsewhere.example/.pushInsteadOf": "git@elsewhere.example:",
    "url.https://elsewhere.example/.insteadOf": "elsewhere:",
    "trace2.normalTarget": "1", "trace2.eventTarget": "2", "trace2.perfTarget": "2",
}  # fmt: skip
MANY = 1 if os.environ.get("QFLOW_TESTS_GIT") == "each" else 25 if NIGHTLY else 100
TOGETHER = [(*SETTINGS,)[first : first + MANY] for first in range(0, len(SETTINGS), MANY)]
LOOKED = (
    ("plan", "--format", "json"), ("plan", "--worktree"), ("validate",), ("status",),
    ("history",), ("lock", "verify"),
)  # fmt: skip


class World(NamedTuple):
    """A clone and its remote, with a run that was sent and one that is due; what is said there."""

    folder: Path


def said(cli: Cli) -> dict[tuple[str, ...], Any]:
    done = {words: cli(*words) for words in LOOKED}
    return {
        words: (one.code, json.loads(one.out) if "json" in words else one.out, one.err)
        for words, one in done.items()
    }


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    """What one test made is copied for the others."""
    return {}


@pytest.fixture
def world(
    worlds: dict[str, World],
    tmp_path_factory: pytest.TempPathFactory,
    template: Path,
    sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str],
) -> World:
    if not worlds:
        folder = tmp_path_factory.mktemp("world")
        shutil.copytree(template, folder / "clone")
        clone = Workspace(folder / "clone")
        made = Remote(folder / "remote.git")
        clone.git("remote", "add", "origin", made.path.as_uri())
        clone.write("qflow.yaml", BRANCH_PROJECT)
        clone.write("runs/über/a.yaml", spec("a"))
        clone.write("runs/b c.yaml", spec("b"))
        clone.write(".gitattributes", "*.yaml text=auto\n")
        clone.commit("specs")
        clone.git("push", "--quiet", "--set-upstream", "origin", "main")
        cli = Cli(clone.path, capfd)
        assert cli("apply", "--yes").code == 0
        clone.move("runs/b c.yaml", "runs/c.yaml")
        clone.write("runs/d.yaml", spec("d"))
        clone.publish("one moved, one new")
        clone.write("runs/e.yaml", spec("e"))  # a draft
        worlds["one"] = World(folder)
    return worlds["one"]


@pytest.mark.fault(23)
@pytest.mark.parametrize("keys", TOGETHER)
def test_no_setting_of_git_changes_a_result(
    keys: tuple[str, ...], world: World, tmp_path: Path, sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder = tmp_path / "world"
    shutil.copytree(world.folder, folder, symlinks=True)
    clone = Workspace(folder / "clone")
    clone.git("config", "remote.origin.url", (folder / "remote.git").as_uri())
    moved_along(folder / "remote.git")
    cli = Cli(clone.path, capfd)
    before_it = said(cli)
    for key in keys:
        clone.git("config", key, SETTINGS[key])
    found = said(cli)
    for words in LOOKED:
        assert found[words] == before_it[words]
    before = Workspace(folder / "remote.git").git("for-each-ref", "--format=%(refname)")
    sent = len(sandbox.executions())
    done = cli("apply", "--yes")
    assert done.code == 0, done
    assert len(sandbox.executions()) == sent + 1
    assert Remote(folder / "remote.git").states()["d"] == "succeeded"
    after = Workspace(folder / "remote.git").git("for-each-ref", "--format=%(refname)")
    assert after == before  # nothing else was pushed, and nothing pruned
