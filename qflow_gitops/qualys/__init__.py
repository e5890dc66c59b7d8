"""The Qualys Flow API, one file a resource. `connect` builds the client.

Implements `ports.qualys`; facts cite the API's documentation. Imports `http` and below.
"""
