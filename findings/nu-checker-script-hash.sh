#!/usr/bin/env bash
# The Nu Html Checker takes an inline script's hash without the white space at the script's ends.
#
# A Content-Security-Policy may allow an inline script by the hash of its text, all of it: browsers
# run a script that ends with a line end if the policy has the hash with that line end. The checker
# warns of such a page that the script is blocked, and is content with the hash of the text without
# it, with which browsers don't run the script. A text without white space at its ends pleases both.
#
# Seen with vnu-jar 26.9.27 (npm) and a JDK 17 (java has to be installed). A browser: CSP Level 3,
# "Does element match source list for type and source?", hashes the element's whole text.
# Exits 0 while that is so, 1 when it changed, 2 where it can't be run.
set -euo pipefail
for one in java npm; do
  command -v "$one" >/dev/null || { echo "needs $one"; exit 2; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --prefix . --no-audit --no-fund --no-package-lock vnu-jar@26.9.27 >install.log 2>&1 ||
  { cat install.log; exit 2; }

python3 - <<'PY'
import base64
import hashlib

bare = 'document.title = "run";'
ended = bare + "\n"
for name, script, hashed in (
    ("bare", bare, bare), ("ended", ended, ended), ("ended-but-hashed-bare", ended, bare),
):
    digest = base64.b64encode(hashlib.sha256(hashed.encode()).digest()).decode()
    with open(f"{name}.html", "w") as page:
        page.write(
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'sha256-{digest}'\">"
            f"<title>t</title><script>{script}</script></head><body><p>t</p></body></html>\n"
        )
PY

for name in bare ended ended-but-hashed-bare; do
  java -jar node_modules/vnu-jar/build/dist/vnu.jar --format text --stdout "$name.html" >"$name.txt" || true
  echo "$name: $(grep -c 'violates Content Security Policy' "$name.txt" || true) warnings"
done
! grep -q violates bare.txt || exit 1
grep -q violates ended.txt || exit 1
! grep -q violates ended-but-hashed-bare.txt
