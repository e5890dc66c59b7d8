#!/usr/bin/env bash
# Material's navigation.indexes takes any `index.md` in a section for the section's own page.
#
# With it, a section of `nav` shows one of its pages when its title is clicked. The page is the first
# one whose file is called index.md, also where that lies in a folder below, has a title of its own in
# `nav`, and other pages come before it. Its own entry then isn't in the menu any more: only whoever
# thinks of clicking the section's title gets there. MkDocs builds without a warning, --strict too.
# Without the feature each page has its entry.
#
# Seen with mkdocs 1.6.1 and mkdocs-material 9.8.2. Exits 0 while that is so, 1 when it changed, 2
# where it can't be run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{
  python3 -m venv venv
  venv/bin/pip install mkdocs==1.6.1 mkdocs-material==9.8.2
} >install.log 2>&1 || { cat install.log; exit 2; }
export NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true

mkdir -p docs/words
echo "# Start" >docs/index.md
echo "# Commands" >docs/commands.md
echo "# All words" >docs/words/index.md
settings() {
  cat <<END
site_name: shown
strict: true
theme: {name: material, font: false, features: [$1]}
plugins: []
nav:
  - Start: index.md
  - Reference:
      - Commands: commands.md
      - Words: words/index.md
END
}
menu() { # the entries of the menu, as the start page shows them
  settings "$1" >mkdocs.yml
  venv/bin/mkdocs build --quiet --site-dir "$2"
  venv/bin/python - "$2/index.html" <<'PY'
import html, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
page = page[page.index('class="md-nav md-nav--primary"'):]
found = re.findall(r'<span class="md-ellipsis">\s*(.*?)\s*</span>', page, re.DOTALL)
print(" | ".join(dict.fromkeys(re.sub(r"<[^>]+>|\s+", " ", html.unescape(one)).strip() for one in found)))
PY
}
without=$(menu "" without)
with=$(menu navigation.indexes with)
echo "without: $without"
echo "with navigation.indexes: $with"
[ "$without" = "Start | Reference | Commands | Words" ] && [ "$with" = "Start | Reference | Commands" ]
