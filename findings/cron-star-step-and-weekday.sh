#!/usr/bin/env bash
# A day of month of "every second day" beside a weekday: cron libraries disagree on which days.
#
# In crontab(5), a field that begins with `*` is unrestricted, so `0 2 */2 * MON` needs both: a
# Monday that is also an odd day. cronsim and APScheduler read it so. croniter, and cron-parser
# and croner of npm, take `*/2` for a restriction, and a line with two restricted day fields for
# an "or": every odd day, and every Monday. A line that is moved from cron into a service that
# uses the others runs some four times as often.
#
# Seen with cronsim 2.7, APScheduler 3.11.0, croniter 6.0.0, cron-parser 5.4.0, croner 9.1.0.
# Exits 0 while that is so, 1 when it changed, 2 where it can't be run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{
  python3 -m venv venv
  venv/bin/pip install cronsim==2.7 APScheduler==3.11.0 croniter==6.0.0
  npm install --no-audit --no-fund cron-parser@5.4.0 croner@9.1.0
} >install.log 2>&1 || { cat install.log; exit 2; }

cat >days.py <<'PY'
from datetime import datetime, timezone

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

LINE, START, COUNT = "0 2 */2 * MON", datetime(2026, 6, 1, tzinfo=timezone.utc), 6


def show(name, days):
    print(name, " ".join(f"{one:%m-%d}" for one in days))


sim = CronSim(LINE, START)
show("cronsim", [next(sim) for _ in range(COUNT)])
trigger, last, days = CronTrigger.from_crontab(LINE, timezone="UTC"), None, []
for _ in range(COUNT):
    last = trigger.get_next_fire_time(last, last or START)
    days.append(last)
show("APScheduler", days)
steps = croniter(LINE, START)
show("croniter", [steps.get_next(datetime) for _ in range(COUNT)])
PY
cat >days.js <<'JS'
const { CronExpressionParser } = require('cron-parser');
const { Cron } = require('croner');
const line = '0 2 */2 * MON', start = '2026-06-01T00:00:00Z', count = 6;
const show = (name, days) =>
  console.log(name, days.map((one) => one.toISOString().slice(5, 10)).join(' '));
const parsed = CronExpressionParser.parse(line, { currentDate: start, tz: 'UTC' });
show('cron-parser', Array.from({ length: count }, () => parsed.next().toDate()));
show('croner', new Cron(line, { timezone: 'UTC' }).nextRuns(count, new Date(start)));
JS

cat >expected <<'OUT'
cronsim 06-01 06-15 06-29 07-13 07-27 08-03
APScheduler 06-01 06-15 06-29 07-13 07-27 08-03
croniter 06-01 06-03 06-05 06-07 06-08 06-09
cron-parser 06-01 06-03 06-05 06-07 06-08 06-09
croner 06-01 06-03 06-05 06-07 06-08 06-09
OUT
venv/bin/python days.py >seen
node days.js >>seen
cat seen
diff -u expected seen
