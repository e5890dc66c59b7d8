"""The looks that only facts need: all of them GETs, of what is there or surely isn't."""

import re
import uuid
from datetime import timedelta

from qflow_gitops.doctor.facts.executions import OLD
from qflow_gitops.doctor.qualys.role import PAGE, Role, id_of, when
from qflow_gitops.doctor.qualys.visit import Visit, rows, text, usable
from qflow_gitops.qualys.connectors import ACCOUNTS
from qflow_gitops.qualys.connectors import PAGE as CONNECTORS

_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def ask(visit: Visit, role: Role) -> frozenset[str]:
    """Look, the most important first; return the ids that were made up."""
    made_up = frozenset((str(uuid.uuid4()), str(uuid.uuid4())))
    execution, workflow = sorted(made_up)
    if role.workflow:
        old, new = (when(role.now - timedelta(days=days)) for days in (OLD, 0))
        visit.ask("executions", role.workflow, pageSize=PAGE, pageNumber=1, startAt=old, endAt=new,
                  order="createdAt")  # fmt: skip
    visit.ask("execution", execution)
    failed = _failed(visit)
    if failed:
        visit.ask("steps", failed)
    shown = failed or role.execution
    if shown:
        visit.ask("step", shown, _node(visit))
    if role.execution:
        visit.ask("execution", role.execution, includeSteps="true")
        visit.ask("output", role.execution, "trigger")
    visit.ask("workflow", workflow)
    for cloud in ACCOUNTS:
        visit.ask("connectors", cloud, pageNo=0, pageSize=CONNECTORS)
    return made_up


def _failed(visit: Visit) -> str:
    """Return an execution that ended otherwise than documented, "" for none."""
    for each in visit.of("executions"):
        for item in rows(each.shown):
            status = text(item.get("status")).lower()
            if item.get("endDate") and status != "success" and usable(id_of(item)):
                return id_of(item)
    return ""


def _node(visit: Visit) -> str:
    """Return the step to look at: one that didn't succeed, else the trigger's."""
    for each in reversed(visit.of("steps")):
        for item in reversed(rows(each.shown)):
            node = text(item.get("nodeId"))
            if text(item.get("status")).lower() != "success" and _NODE.fullmatch(node):
                return node
    return "trigger"
