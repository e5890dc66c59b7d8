#!/usr/bin/env bash
# Chromium prints a button of a table's repeated heading on the first page alone.
#
# A `thead` is printed again on each page that its table goes on. Of plain text in it that holds; a
# `button`, as tables that can be sorted have in their headings, leaves its room empty from the second
# page on: the columns there have no names. `th button { display: contents }` in the styles for print
# brings the words back, on each page.
#
# Seen with Debian's chromium 156.0.8078.108 and poppler-utils 22.12.0 (which have to be installed).
# Exits 0 while that is so, 1 when it changed, 2 where it can't be run.
set -euo pipefail
for one in chromium pdftotext; do
  command -v "$one" >/dev/null || { echo "needs $one"; exit 2; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

page() { # NAME STYLE
  {
    echo "<!doctype html><html lang=en><title>t</title><style>$2</style>"
    echo "<table><thead><tr><th>PLAIN<th><button>PRESSED</button></thead><tbody>"
    for number in $(seq 200); do echo "<tr><td>$number<td>x"; done
    echo "</table>"
  } >"$1.html"
  chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --user-data-dir="$folder/profile" --print-to-pdf="$1.pdf" "$1.html" >"$1.log" 2>&1 ||
    { cat "$1.log"; exit 2; }
  pdftotext -layout "$1.pdf" "$1.txt"
  echo "$1: PLAIN $(grep -c PLAIN "$1.txt") times, PRESSED $(grep -c PRESSED "$1.txt") times"
}

chromium --version 2>/dev/null
page usual ""
page contents "@media print { th button { display: contents } }"
[ "$(grep -c PLAIN usual.txt)" -gt 1 ] || exit 1
[ "$(grep -c PRESSED usual.txt)" = 1 ] || exit 1
[ "$(grep -c PRESSED contents.txt)" = "$(grep -c PLAIN contents.txt)" ]
