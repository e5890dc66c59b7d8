"""What started an execution, by Qualys' word for it (docs/api.md 1.8)."""

UNKNOWN = "unknown"
"""The source of an execution that doesn't show any."""
_MEANINGS = {
    "WORKFLOW_TRIGGER": "another workflow; who isn't told",
    "PUBLIC_API": "a call of the API; who made it isn't told",
}


def started_through(source: str) -> str:
    """Say through what it was started; only of a documented word also what that means."""
    if source in ("", UNKNOWN):
        return "started through something that isn't told"
    meaning = _MEANINGS.get(source, "")
    return f"started through {source}{f' ({meaning})' if meaning else ''}"
