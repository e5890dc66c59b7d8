"""Tells others what happened: CloudEvents over HTTP, Slack, Teams; a courier carries it there.

In: notices of the lockfile. Out: requests to the addresses that the environment names, and to no
other. `telling` says a notice in words, a file each makes a receiver's bodies, `connect` reads the
environment. Imports `http` and below.
"""
