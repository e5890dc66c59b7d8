#!/usr/bin/env bash
# A list whose last item is empty (null), and a key after the list. sourcemeta's `jsonschema` reads
# the key as part of that item, so it judges another document than other readers see: here a schema
# that wants `b` at the root refuses a file that has it.
#
# Exits 0 while it is as described, 1 when it changed, 2 where it can't be run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{
  python3 -m venv venv
  venv/bin/pip install sourcemeta-jsonschema==17.3.0 PyYAML==6.0.3
} >install.log 2>&1 || { cat install.log; exit 2; }

printf 'a:\n  - x\n  -\nb: 1\n' >a.yaml
cat >schema.json <<'JSON'
{"$schema": "https://json-schema.org/draft/2020-12/schema", "const": {"a": ["x", null], "b": 1}}
JSON
{
  echo "PyYAML 6.0.3: $(venv/bin/python -c 'import json, yaml; print(json.dumps(yaml.safe_load(open("a.yaml"))))')"
  echo "jsonschema 17.3.0: $(venv/bin/jsonschema validate schema.json a.yaml 2>&1 | sed -n 's/^  The object value \(.*\) was expected .*/\1/p')"
} >seen
cat >expected <<'OUT'
PyYAML 6.0.3: {"a": ["x", null], "b": 1}
jsonschema 17.3.0: {"a":["x",{"b":1}]}
OUT
cat a.yaml seen
diff -u expected seen
