"""Systems of tickets, one file each: ServiceNow, Jira, a program. `connect` builds one.

Implements `ports.tickets`; facts cite docs/tickets.md. Imports `http` and below.
"""
