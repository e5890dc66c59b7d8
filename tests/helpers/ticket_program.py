"""A team's own program of tickets, as QFLOW_TICKET_COMMAND runs it: a file is what it knows."""

import json
import sys
from pathlib import Path
from typing import Any

_SOURCE = """
import json, os, sys
place = {place!r}
asked = json.load(sys.stdin)
with open(place) as file:
    known = json.load(file)
known["asked"].append([asked, sorted(n for n in os.environ if "QFLOW_" in n)])
ticket = known["tickets"].get(asked["id"])
answer = {{"version": 1, "found": ticket is not None}}
if ticket is not None and asked["do"] == "read":
    answer.update(id=asked["id"], **ticket)
elif ticket is not None and asked["do"] == "find":
    whole = "\\n".join(known["notes"].get(asked["id"], []))
    answer["texts"] = [text for text in asked["texts"] if text in whole]
elif ticket is not None and asked["do"] == "note":
    known["notes"].setdefault(asked["id"], []).append(asked["text"])
with open(place, "w") as file:
    json.dump(known, file)
print(json.dumps(answer))
"""


class TicketProgram:
    """The program, in a folder of no repository, and what it knows."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._file = folder / "tickets.json"
        self.path = folder / "tickets"
        self.says(_SOURCE.format(place=str(self._file)))
        self._file.write_text('{"tickets": {}, "notes": {}, "asked": []}', "utf-8")

    def says(self, source: str) -> None:
        """Have it do something else."""
        self.path.write_text(f"#!{sys.executable} -I\n{source}", "utf-8")
        self.path.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """What leads there."""
        return {"QFLOW_TICKET_COMMAND": str(self.path)}

    @property
    def known(self) -> Any:
        """What it knows by now: `tickets`, `notes`, and what it was `asked`."""
        return json.loads(self._file.read_text("utf-8"))

    def put(self, ticket_id: str, **fields: Any) -> None:
        """Have a ticket that is approved, but for these fields."""
        known = self.known
        usual = {"state": "scheduled", "approved": True}
        known["tickets"][ticket_id] = {**usual, **known["tickets"].get(ticket_id, {}), **fields}
        self._file.write_text(json.dumps(known), "utf-8")
