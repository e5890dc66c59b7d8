"""The GitLab API, as far as its settings of a project are looked at; `connect` builds it.

Facts: docs.gitlab.com, "REST API", version 4. Imports `http` and below.
"""
