"""A local Qualys Flow: documented shapes, executions that take a while, faults on demand.

It is not Qualys, and nothing that is sent to it leaves the machine. `server` starts it.
"""
