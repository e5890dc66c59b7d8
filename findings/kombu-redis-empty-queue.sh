#!/usr/bin/env bash
# On Redis a declared queue that is empty can't be declared passively.
#
# `queue_declare(name)` makes a queue and says how many messages wait in it: none.
# `queue_declare(name, passive=True)`, which AMQP has to ask the same of a queue that is there, then
# says NOT_FOUND (404); it does so again whenever the last message was taken. With the transport in memory
# the answer is 0. Redis keeps no empty list, and kombu takes the list for the queue. Who
# asks how many wait has to declare the queue anew, or to take the error for none.
#
# Seen with kombu 5.7.0, redis 8.1.0 (Python), Redis 7.0.15 (Debian 12).
# Exits 0 while that is so, 1 when it changed, 2 where it can't be run.
set -euo pipefail
command -v redis-server >/dev/null || exit 2
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv made >install.log 2>&1 &&
  made/bin/pip install 'kombu[redis]==5.7.0' redis==8.1.0 >>install.log 2>&1 || { cat install.log; exit 2; }
redis-server --port 0 --unixsocket "$folder/socket" --save '' --dir "$folder" >server.log &
server=$!
for _ in {1..100}; do [ -S socket ] && break; sleep 0.1; done

cat >ask.py <<'PY'
import sys

from kombu import Connection
from kombu.exceptions import ChannelError


def waiting(channel):
    try:
        return channel.queue_declare("tasks", passive=True).message_count
    except ChannelError as problem:
        return f"{type(problem).__name__} {problem.args[0].split(':')[0].split(' ')[0]}"


with Connection(sys.argv[1]) as connection:
    channel = connection.default_channel
    print("declared:", channel.queue_declare("tasks", durable=True).message_count)
    print("asked:", waiting(channel))
    producer = connection.Producer(channel)
    producer.publish("hello", routing_key="tasks", exchange="")
    print("asked with a message in it:", waiting(channel))
    channel.basic_get("tasks", no_ack=True)
    print("asked after it was taken:", waiting(channel))
PY
{
  echo memory
  made/bin/python ask.py memory://
  echo redis
  made/bin/python ask.py "redis+socket://$folder/socket"
} >found 2>errors || { cat found errors; exit 2; }

cat >expected <<'OUT'
memory
declared: 0
asked: 0
asked with a message in it: 1
asked after it was taken: 0
redis
declared: 0
asked: ChannelError 404
asked with a message in it: 1
asked after it was taken: ChannelError 404
OUT
cat found
diff expected found
