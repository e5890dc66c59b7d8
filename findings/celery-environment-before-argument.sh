#!/usr/bin/env bash
# CELERY_BROKER_URL comes before the broker that a program names.
#
# `Celery(broker="redis://127.0.0.1:1/0")` names a broker, in the program; so does
# `app.conf.broker_url`. Where the environment has CELERY_BROKER_URL, connections go to that one
# instead, with nothing said; CELERY_BROKER_READ_URL and CELERY_BROKER_WRITE_URL come before both.
# The documentation of the setting `broker_url` says nothing of variables. Who takes the address from a
# variable of their own, so that it is the only one, has to remove these.
#
# Seen with celery 5.7.0, kombu 5.7.0.
# Exits 0 while that is so, 1 when it changed, 2 where it can't be run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv made >install.log 2>&1 &&
  made/bin/pip install celery==5.7.0 kombu==5.7.0 >>install.log 2>&1 || { cat install.log; exit 2; }

cat >ask.py <<'PY'
from celery import Celery

app = Celery(broker="amqp://named.example//")
app.conf.broker_url = "amqp://named.example//"
print("read", app.connection_for_read().hostname, "write", app.connection_for_write().hostname)
PY
{
  echo "without: $(made/bin/python ask.py)"
  echo "with: $(CELERY_BROKER_URL=amqp://other.example// made/bin/python ask.py)"
  echo "with one to read from: $(CELERY_BROKER_READ_URL=amqp://third.example// made/bin/python ask.py)"
} >found

cat >expected <<'OUT'
without: read named.example write named.example
with: read other.example write other.example
with one to read from: read third.example write named.example
OUT
cat found
diff expected found
