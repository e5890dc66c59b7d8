"""The README's picture: the comment on a pull request, and what a terminal shows after its merge.

`python -m tests.terminal` makes it: the real program, a real repository and the sandbox, and the
comment's Markdown as GitHub's own renderer makes HTML of it. Only ids and times are replaced, so
that the picture changes when what a person sees changes. A test makes it anew and compares.
"""

import contextlib
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import cmarkgfm
from rich.console import Console
from rich.text import Text

from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import GitHubApi
from tests.helpers.sandboxes import served
from tests.helpers.specs import CONNECTOR, SAMPLE
from tests.picture import ROOT

PICTURE = ROOT / "docs/images/terminal.svg"
COLUMNS = 100
SESSION = ("apply --yes", "status")
_SECOND = SAMPLE.replace("encrypt-prod-buckets", "quarantine-volumes").replace("maha2", "maha3")
_EXECUTION = re.compile(
    rf"(?!{CONNECTOR[:8]}|6cad21c8)(?<![0-9a-f-])([0-9a-f]{{8}})"
    r"(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|(?![0-9a-f-]))"
)
_COMMIT = re.compile(
    r"\b([0-9a-f]{10})[0-9a-f]{30}\b|(?<=`)([0-9a-f]{10})(?=`)|(?<=commit )([0-9a-f]{10})\b"
)
_EXECUTIONS = ("497d0fe7", "8c1e52b0", "d2a94f36")
_REST = "-3b1c-4d56-9c0a-3d90e904d1c5"
_COMMITS = ("43d3c2277a", "b8e0a1c94f", "5f72d90e16")
_ALIKE = (
    (r"v1:sha256:[0-9a-f]{64}", "v1:sha256:" + "0d4ff63ba397b486c8a530aef5379bf4" * 2),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-24T09:19:24Z"),
    (r"(?<=origin, version )\d+", "8"),  # how often an execution was looked at
)
_COMMENT, _GAP = 550, 24
"""How high the comment is, as it is shown, and how far above the terminal."""
_FORM = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>A comment on a pull request says what merging starts; in a terminal, apply and status</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
COMMENT-STYLES
</style>
<defs>{lines}</defs>
COMMENT
<g transform="translate(0, TOP)">
<rect fill="#0d1117" width="100%" height="{height}" rx="8" stroke="#3d444d"/>
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</g>
</svg>
"""
_STYLES = """\
#comment { box-sizing: border-box; height: 100%; padding: 8px 28px; border: 2px solid #d1d9e0;
  border-radius: 8px; background: #fff; color: #1f2328; overflow: hidden; font: 20px/1.5
  -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
#comment h3 { margin: 12px 0; font-size: 25px; line-height: 1.25; }
#comment p { margin: 0 0 16px; overflow-wrap: anywhere; }
#comment a { color: #0969da; }
#comment code, #comment pre { font-family: ui-monospace, Menlo, Consolas, monospace; }
#comment code { padding: 2px 6px; border-radius: 6px; background: #818b981f; font-size: 85%; }
#comment pre { margin: 0 0 16px; padding: 14px 18px; border-radius: 6px; background: #f6f8fa; }
#comment pre code { padding: 0; background: none; }
#comment pre b { display: inline-block; width: 100%; font-weight: normal; }
#comment .gone { background: #ffebe9; color: #82071e; }
#comment .new { background: #dafbe1; color: #116329; }
#comment table { margin: 0 0 16px; border-collapse: collapse; font-size: 17px; }
#comment table code { padding: 2px 4px; font-size: 15px; }
#comment th, #comment td { padding: 5px 8px; border: 1px solid #d1d9e0; text-align: left; }
@media (prefers-color-scheme: dark) {
  #comment { background: #0d1117; border-color: #3d444d; color: #f0f6fc; }
  #comment a { color: #4493f8; }
  #comment code { background: #656c7633; }
  #comment pre { background: #151b23; }
  #comment .gone { background: #67060c66; color: #ffdcd7; }
  #comment .new { background: #033a1666; color: #aff5b4; }
  #comment th, #comment td { border-color: #3d444d; }
}"""


def session() -> tuple[str, str]:
    """Return what a terminal shows, with its colours, and the Markdown of the comment.

    What both say of ids, commits and times is made up.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        served(duration=0.1) as sandbox,
        GitHubApi() as api,
    ):
        work = _begun(Path(folder))
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": folder,
            "COLUMNS": str(COLUMNS),
            "TERM": "dumb",  # nothing is drawn over
            "QFLOW_GATEWAY": sandbox.url,
            "QFLOW_CLIENT_ID": "sandbox",
            "QFLOW_CLIENT_SECRET": "sandbox",
        }
        _typed("apply --yes", work, environ)
        work.git("switch", "--quiet", "--create", "one-bucket-more")
        work.write("runs/buckets.yaml", SAMPLE.replace("Count: 4", "Count: 5"))
        work.commit("One bucket more")
        work.git("push", "--quiet", "origin", "HEAD:refs/pull/1/head")
        api.open(1, work.git("rev-parse", "HEAD"), work.git("rev-parse", "origin/main"))
        _typed("comment --pull-request 1", work, environ | api.environ)
        work.git("switch", "--quiet", "main")
        work.git("merge", "--quiet", "one-bucket-more")
        work.git("push", "--quiet", "origin", "main")
        shown = [
            f"\x1b[1m$ qflow-gitops {words}\x1b[0m\n{_typed(words, work, environ)}\n"
            for words in SESSION
        ]
    comment, after = _made_up(api.bodies(1)[0], "".join(shown))
    return after, comment


def _begun(folder: Path) -> Workspace:
    """Make a clone with two runs, and its remote."""
    work = Workspace(folder / "clone")
    work.path.mkdir()
    work.git("init", "--quiet", "--initial-branch=main")
    work.git("config", "user.email", "ada@example.com")
    work.git("config", "user.name", "Ada")
    work.git("remote", "add", "origin", str(Remote(folder / "remote.git").path))
    work.write("qflow.yaml", BRANCH_PROJECT)
    work.write("runs/buckets.yaml", SAMPLE)
    work.write("runs/volumes.yaml", _SECOND)
    work.commit("Encrypt buckets, quarantine volumes")
    work.git("push", "--quiet", "--set-upstream", "origin", "main")
    return work


def _typed(words: str, work: Workspace, environ: Mapping[str, str]) -> str:
    """Call the program at a terminal; give what that shows."""
    program = "from qflow_gitops.cli.main import main; main()"
    mine, its = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-c", program, "--color", "always", *shlex.split(words)],
        cwd=work.path,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone with the program
        while some := os.read(mine, 65536):
            shown += some
    os.close(mine)
    assert done.wait() == 0, shown
    return shown.decode().replace("\r\n", "\n")


def _made_up(*texts: str) -> list[str]:
    """Replace ids and times; what is one id stays one, in all texts."""
    executions: dict[str, str] = {}
    commits: dict[str, str] = {}

    def execution(found: re.Match[str]) -> str:
        short = executions.setdefault(found[1], _EXECUTIONS[len(executions)])
        return short + (_REST if found[2] else "")

    def commit(found: re.Match[str]) -> str:
        short = commits.setdefault(found[found.lastindex or 0], _COMMITS[len(commits)])
        return short * (len(found[0]) // len(short))

    return [_alike(_COMMIT.sub(commit, _EXECUTION.sub(execution, text))) for text in texts]


def _alike(text: str) -> str:
    for pattern, word in _ALIKE:
        text = re.sub(pattern, word, text)
    return text


def picture() -> str:
    """Return comment and session as SVG, which fetches nothing."""
    shown, comment = session()
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown.rstrip()), soft_wrap=False)
    made = console.export_svg(title="qflow-gitops", code_format=_FORM, unique_id="t")
    top = _COMMENT + _GAP
    whole = re.sub(
        r'viewBox="0 0 (\S+) (\S+)"',
        lambda box: f'viewBox="0 0 {box[1]} {float(box[2]) + top:g}"',
        made,
        count=1,
    )
    words = {"COMMENT-STYLES": _STYLES, "COMMENT": _html(comment), "TOP": str(top)}
    return re.sub(r"\b(COMMENT-STYLES|COMMENT|TOP)\b", lambda word: words[word[1]], whole)


def _html(comment: str) -> str:
    """Lay a comment out as GitHub does; a link shows as one, and leads nowhere."""
    html = cmarkgfm.github_flavored_markdown_to_html(re.sub("<!--.*?-->", "", comment))
    html = re.sub(r'<a href="[^"]*">', "<a>", html)
    for sign, name in (("-", "gone"), (r"\+", "new")):
        line = rf"(?m)^(<pre[^>]*><code>)?({sign} .*)$"
        html = re.sub(line, rf'\1<b class="{name}">\2</b>', html)
    return (
        f'<foreignObject width="100%" height="{_COMMENT}">\n'
        f'<div xmlns="http://www.w3.org/1999/xhtml" id="comment">\n{html}</div>\n</foreignObject>'
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")
