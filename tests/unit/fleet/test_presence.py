"""Whose claims are those of a process that is no more, as far as this machine can tell."""

import subprocess
import sys
from pathlib import Path

from qflow_gitops.fleet.presence import Presence

SHOWS = """
import sys, time
from pathlib import Path
from qflow_gitops.fleet.presence import Presence
with Presence(Path(sys.argv[1])).shown() as name:
    print(name, flush=True)
    time.sleep(60)
"""


def test_who_works_lives_and_who_ended_well_leaves_nothing(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "processes")
    with presence.shown() as name:
        assert not presence.is_dead(name)
    assert not presence.is_dead(name), "it gave back what it had"
    assert list((tmp_path / "processes").iterdir()) == []


def test_who_was_killed_is_dead(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SHOWS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert not Presence(tmp_path).is_dead(name)
    process.kill()
    process.communicate()
    assert Presence(tmp_path).is_dead(name)


def test_of_whom_nothing_is_known_here_may_live_elsewhere(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    assert not presence.is_dead("0" * 16)
    for name in ("", "..", "../secret", "x" * 16):
        assert not presence.is_dead(name)
    (tmp_path / ("1" * 16)).mkdir()
    assert not presence.is_dead("1" * 16)


def test_where_nothing_can_be_written_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    presence = Presence(tmp_path / "file" / "processes")
    with presence.shown() as name:
        assert len(name) == 16
        assert not presence.is_dead(name)
