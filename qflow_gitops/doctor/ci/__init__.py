"""What a code host and its CI have to guard, one file a topic; `checks` is the list.

In comes `ports.governance`, beside what the files of the repository count on (`expected`). What a
host doesn't tell is unknown, never in order and never failed.
"""
