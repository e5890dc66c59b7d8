"""The GitHub API, as far as pull requests need it, one file a resource. `connect` builds it.

Facts: docs.github.com, "REST API", version 2022-11-28. Imports `http` and below.
"""
