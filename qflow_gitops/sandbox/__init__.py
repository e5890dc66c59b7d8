"""A local Qualys Flow: documented shapes, executions that take a while, faults on demand.

It is not Qualys, and nothing that is sent to it leaves the machine. `server` starts it, `endpoints`
answer. `faults` names the faults; `app`, `wire` and `endpoints` carry them out.
"""
