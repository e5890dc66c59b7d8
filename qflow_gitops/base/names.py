"""What a run is called by."""

RunKey = tuple[str, str]
"""The environment and the name of a run: its identity (its place in a file is none)."""
