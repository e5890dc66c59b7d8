"""What an auditor is told: the report's content, and what its sources differ in.

In come the lockfile, git's commits and what Qualys shows; out come the values of
`results.evidence`, all texts masked in one place (`masking`). Reads only. May import what is below
`apply`, never that. `time_stamps` gets time stamps, and holds them against a certificate.
"""
