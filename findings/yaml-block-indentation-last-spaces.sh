#!/usr/bin/env bash
# A block scalar that gives its own indentation (`|-1`) and ends in a line of nothing but spaces.
# YAML 1.2.2, 8.1.2: what stands beyond the indentation is content, spaces as well; js-yaml and
# PyYAML keep it. npm's yaml drops the line, and prettier, which reads with it, so changes the
# value of a file that it formats.
#
# Exits 0 while it is as described, 1 when it changed, 2 where it can't be run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --no-audit --no-fund --no-package-lock \
  yaml@2.9.1 js-yaml@5.5.0 prettier@3.10.1 \
  >install.log 2>&1 || { cat install.log; exit 2; }

cat >look.mjs <<'SCRIPT'
import { load } from "js-yaml";
import { format } from "prettier";
import { parse } from "yaml";

const text = "a: |-1\n  b\n  \n";
const written = await format(text, { parser: "yaml" });
const found = {
  "js-yaml 5.5.0": load(text).a,
  "yaml 2.9.1": parse(text).a,
  "js-yaml 5.5.0, after prettier 3.10.1": load(written).a,
};
const described = {
  "js-yaml 5.5.0": " b\n ",
  "yaml 2.9.1": " b",
  "js-yaml 5.5.0, after prettier 3.10.1": " b",
};
console.log(JSON.stringify(text));
for (const [reader, value] of Object.entries(found)) console.log(`${reader}: ${JSON.stringify(value)}`);
process.exit(JSON.stringify(found) === JSON.stringify(described) ? 0 : 1);
SCRIPT
node look.mjs
