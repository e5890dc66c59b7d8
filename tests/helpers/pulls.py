"""Pull requests of a GitHub that is served here: their branches, and their merges."""

from tests.helpers.git import Workspace
from tests.helpers.github_api import GitHubApi


class Pull:
    """A pull request with one run, and its merges."""

    def __init__(
        self, workspace: Workspace, api: GitHubApi, number: int, text: str, name: str = "new"
    ) -> None:
        self.workspace, self.api, self.number = workspace, api, number
        self.base = workspace.git("rev-parse", "main")
        workspace.git("switch", "--quiet", "--create", f"pull-{number}", "main")
        workspace.write(f"runs/{name}.yaml", text)
        self.head = workspace.commit(f"pull {number}")
        workspace.git("push", "--quiet", "origin", f"HEAD:refs/pull/{number}/head")
        workspace.git("switch", "--quiet", "main")
        api.open(number, self.head, self.base)

    def merge(self, how: str = "merge") -> str:
        git = self.workspace.git
        if how == "merge":
            git("merge", "--quiet", "--no-ff", "-m", "merge", self.head)
        elif how == "squash":
            git("merge", "--quiet", "--squash", self.head)
            git("commit", "--quiet", "-m", "squashed")
        else:
            git("commit", "--quiet", "--allow-empty", "-m", "moved on")
            git("cherry-pick", "--allow-empty", self.head)
        commit = git("rev-parse", "HEAD")
        self.api.merge(self.number, commit)
        git("push", "--quiet", "origin", "main")
        git("branch", "--quiet", "-D", f"pull-{self.number}")
        return commit
