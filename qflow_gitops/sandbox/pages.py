"""The pages to look at: HTML without a script, from the templates beside this file."""

from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, Response, make_response, redirect, render_template, request

from qflow_gitops.base.printable import shown
from qflow_gitops.errors import UsageProblem
from qflow_gitops.sandbox import overview, steps
from qflow_gitops.sandbox.connectors import CLOUDS, Connectors
from qflow_gitops.sandbox.faults import FAULTS, TARGETS, Faults, parse, usual_target
from qflow_gitops.sandbox.guard import HEADERS, Forms
from qflow_gitops.sandbox.store import Store
from qflow_gitops.sandbox.wire import ahead

TEMPLATES = Path(__file__).parent / "templates"
SIZE = 50
"""Rows on a page."""
_REFRESH = 5  # seconds
_SHORT, _LONG = 160, 20_000  # characters of a text in a list, and by itself


def prepare(app: Flask) -> None:
    """Tell an application what its templates may use."""
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.template_filter("short")(short)
    app.template_filter("json_text")(json_text)
    app.template_filter("one_line")(one_line)
    app.template_filter("connector")(connector)
    app.template_filter("moment")(moment)


def short(text: Any, size: int = _SHORT) -> str:
    """Cut a text, so that no request makes a page long, and show what is invisible in it."""
    whole = str(text)
    words = "\n".join(map(shown, whole[:size].split("\n")))
    return words if len(whole) <= size else f"{words}… ({len(whole):,} characters)"


def json_text(value: Any) -> str:
    """Write JSON, cut where it is long."""
    return short(overview.told(value), _LONG)


def one_line(value: Any, size: int = _SHORT) -> str:
    """Write JSON on a line, cut where it is long; what isn't there is left out."""
    if isinstance(value, dict):
        value = {key: each for key, each in value.items() if each is not None}
    return short(overview.told(value, None), size)


def connector(item: Any) -> str:
    """Say which connector an item of a list is, as far as it is one."""
    inner = item
    if isinstance(item, dict) and len(item) == 1:  # Connector v3 names its kind around it
        (inner,) = item.values()
    if not isinstance(inner, dict):
        return one_line(item)
    names = ("name", "state", "connectorState", "connectorId", "cloudviewUuid")
    words = [short(inner[name], 60) for name in names if inner.get(name)]
    return " · ".join(words) or one_line(item)


def moment(milliseconds: Any) -> str:
    """Write a time, in UTC."""
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


class Pages:
    """One function a page."""

    def __init__(self, store: Store, faults: Faults, connectors: Connectors) -> None:
        """Take what there is to look at."""
        self._store = store
        self._faults = faults
        self._connectors = connectors
        self._forms = Forms()

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        now = self._faults.now()
        given = {
            "here": template,
            "now": [fault.text for fault in now],
            "on": sum(fault.left != 0 for fault in now),
            "refresh": _REFRESH if "refresh" in request.args else 0,
            "token": self._forms.token,
        }
        answer = make_response(render_template(f"{template}.html", **given, **values), status)
        answer.headers.update(HEADERS)
        return answer

    def style(self) -> Response:
        """Return the one style sheet."""
        text = (TEMPLATES / "style.css").read_text("utf-8")
        return Response(text, content_type="text/css; charset=utf-8", headers=HEADERS)

    def executions(self) -> Response:
        """Show what was executed, the newest first."""
        page = overview.newest(self._store, ahead(), SIZE, _number())
        return self._page("executions", page=page, url=request.host_url.rstrip("/"))

    def execution(self, execution_id: str) -> Response:
        """Show one: its request, and its steps with what they put out."""
        row = self._store.any_execution(execution_id)
        if row is None:
            return self._page("nothing", 404, what="execution")
        told = [
            step | {"output": steps.output(row, step)} for step in overview.steps_of(row, ahead())
        ]
        return self._page("execution", one=overview.execution(row, ahead()), steps=told)

    def workflows(self) -> Response:
        """Show the workflows that were run, and how often."""
        return self._page("workflows", page=overview.workflows(self._store, SIZE, _number()))

    def connectors(self) -> Response:
        """Show the connectors, as both APIs list them."""
        lists = [
            (title, cloud, self._connectors.of(cloud, v3=v3))
            for title, v3 in (("TotalCloud", False), ("Connector v3", True))
            for cloud in CLOUDS
        ]
        return self._page("connectors", lists=lists)

    def requests(self) -> Response:
        """Show what was requested lately, without secrets."""
        return self._page("requests", page=overview.requests(self._store, SIZE, _number()))

    # --- faults ----------------------------------------------------------------------

    def faults(self, problem: str = "", status: int = 200) -> Response:
        """Show the faults that are on, and those that there are."""
        known = [_described(name, about) for name, about in FAULTS.items()]
        return self._page("faults", status, known=known, targets=TARGETS, problem=problem)

    def change_faults(self) -> Response:
        """Do what a button of the page was for, and show it again."""
        form = request.form
        if not self._forms.is_ours(form.get("token")):
            problem = "This form was of an earlier start of the sandbox. Nothing was changed."
            return self.faults(problem, HTTPStatus.FORBIDDEN)
        if form.get("do") == "clear":
            self._faults.remove(form.get("fault", ""))
        elif form.get("do") == "clear all":
            self._faults.replace([])
        else:
            try:
                self._faults.add(parse(_asked(form)))
            except UsageProblem as refused:
                said = f"Nothing was changed. {refused.message} {refused.hint}"
                return self.faults(said, HTTPStatus.BAD_REQUEST)
        answer: Any = redirect("/faults", HTTPStatus.SEE_OTHER)
        return make_response(answer)


def _described(name: str, about: str) -> dict[str, Any]:
    """Take a fault's description apart: the form of its value, "" for none, and what it does."""
    said = about.rsplit(" (", 1)[0]
    form, colon, rest = said.partition(": ")
    takes = bool(colon) and form.startswith(("=", "[="))
    about = rest if takes else said
    usual, form = usual_target(name), form if takes else ""
    return {"name": name, "form": form, "about": about, "usual": usual}


def _asked(form: Any) -> str:
    """Put a fault's words together from the fields of its form."""
    text = str(form.get("name", ""))
    for mark, field in (("=", "value"), ("@", "target"), ("#", "count")):
        if given := str(form.get(field, "")).strip():
            text += mark + given
    return text


def _number() -> int:
    return min(max(1, request.args.get("page", 1, type=int)), 10**9)
