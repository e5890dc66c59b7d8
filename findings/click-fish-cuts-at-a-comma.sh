#!/usr/bin/env bash
# click's completion for fish shows of a description what comes before its first comma.
#
# The script that click prints for fish splits each line of an answer, `plain,value<TAB>text`, at
# every comma and shows the second part. bash's and zsh's get the value and the text apart, so the
# same program is described in full there. A value with a comma, as a label or a list is, loses its
# end as well, and what fish then puts on the command line isn't what was offered.
#
# Seen with click 8.5.1 and fish 3.6.0 (which has to be installed).
# Exits 0 while that is so, 1 when it changed, 2 where it can't be run.
set -euo pipefail
command -v fish >/dev/null || { echo "needs fish"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{
  python3 -m venv venv
  venv/bin/pip install click==8.5.1
} >install.log 2>&1 || { cat install.log; exit 2; }

cat >shown.py <<'PY'
import click
from click.shell_completion import CompletionItem


def some(ctx, param, incomplete):
    return [CompletionItem("one", help="first, and best"), CompletionItem("a,b", help="two of them")]


@click.command()
@click.argument("name", shell_complete=some)
def main(name):
    print(name)


main(prog_name="shown")
PY
mkdir bin
printf '#!/bin/sh\nexec "%s/venv/bin/python" "%s/shown.py" "$@"\n' "$folder" "$folder" >bin/shown
chmod +x bin/shown
export PATH="$folder/bin:$PATH"

answer=$(_SHOWN_COMPLETE=fish_complete COMP_WORDS="shown " COMP_CWORD="" shown)
shown=$(fish --no-config -c '_SHOWN_COMPLETE=fish_source shown | source; complete -C "shown "')
echo "click answers:"
printf '%s\n' "$answer"
echo "fish shows:"
printf '%s\n' "$shown"
[ "$answer" = $'plain,one\tfirst, and best\nplain,a,b\ttwo of them' ] || exit 1
[ "$shown" = $'a\none\tfirst' ] || [ "$shown" = $'one\tfirst\na' ]
