"""The files of a repository that the program itself names."""

PROJECT_FILE = "qflow.yaml"
LOCK_FILE = "qflow.lock"
RESCUE_FILE = f"{LOCK_FILE}.rescue"
