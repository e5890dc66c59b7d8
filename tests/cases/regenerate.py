"""Write what is made from cases anew: `python -m tests.cases.regenerate`.

That is every `expected.json`, from what the tool says now.
Then read the diff: would you know what to do?
"""

import json

from tests.unit.test_cases import INVALID, VALID, findings

for case in (*VALID, *INVALID):
    found, file = findings(case), case / "expected.json"
    if found:
        file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        file.unlink(missing_ok=True)
