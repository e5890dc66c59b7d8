"""Write what is made from rules and cases anew: `python -m tests.cases.regenerate`.

That is every `expected.json`, from what the tool says now, and the README's table of rules.
Then read the diff: would you know what to do?
"""

import json
from pathlib import Path

from qflow_gitops.render.rules import table
from qflow_gitops.specs.rules import RULES
from tests.unit.test_cases import INVALID, VALID, findings

for case in (*VALID, *INVALID):
    found, file = findings(case), case / "expected.json"
    if found:
        file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        file.unlink(missing_ok=True)

readme = Path(__file__).parents[2] / "README.md"
before, begin, rest = readme.read_text(encoding="utf-8").partition("<!-- rules -->\n")
after = rest.partition("<!-- /rules -->")
readme.write_text(before + begin + table(RULES.values()) + "".join(after[1:]), encoding="utf-8")
