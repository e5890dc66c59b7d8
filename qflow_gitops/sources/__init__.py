"""Reads the settings, specs and policies that count at a commit or in the work tree.

`place` finds the project and `settings` reads it, `specs` its specs (`narrowing`: only those that a
diff touches), `policies` and `branches` what may be applied from where; `inputs` is what a command
reads at once. What is missing: `lostsettings`, `folders`, `emptied` (an environment without specs),
`forgotten` (runs of environments that are gone). Reads git by `ports.git`, through `loader` where
`cache` may know something. Imports `plan` and below.
"""
