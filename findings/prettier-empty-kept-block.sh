#!/usr/bin/env bash
# An empty block scalar that keeps its line breaks (`|+`), with a comment on the next line, is
# valid YAML. prettier writes both on one line, where the comment is none: its own output is
# refused by the next reader, and by prettier itself.
#
# Exits 0 while it is as described, 1 when it changed, 2 where it can't be run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --no-audit --no-fund --no-package-lock js-yaml@5.5.0 prettier@3.10.1 \
  >install.log 2>&1 || { cat install.log; exit 2; }

cat >look.mjs <<'SCRIPT'
import { load } from "js-yaml";
import { format } from "prettier";

const text = "a: |+\n#b\n";
const written = await format(text, { parser: "yaml" });
const refused = await format(written, { parser: "yaml" }).then(() => "", (problem) => problem.message.split("\n")[0]);
console.log(`read by js-yaml 5.5.0: ${JSON.stringify(load(text))}`);
console.log(`${JSON.stringify(text)} -> prettier 3.10.1 -> ${JSON.stringify(written)}`);
console.log(`prettier 3.10.1 on its own output: ${refused || "taken"}`);
process.exit(written.startsWith("a: |+#b") && refused ? 0 : 1);
SCRIPT
node look.mjs
