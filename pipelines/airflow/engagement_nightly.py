"""The nightly pipeline under Apache Airflow 3, for who has it already; cron or systemd do as well.

Link this file into Airflow's dags folder; a copy would not find the project. The worker that runs it needs this
checkout (with `.venv`, as `make demo` makes it) and the store's folder, and is the user whose files they are.

The command reads the clock itself: a run that comes late scores for the day it runs on and takes what lies in the
inbox. Only a backfill says a day, its own, and takes nothing from the inbox: what came since was not known then.
"""

import os
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronTriggerTimetable

PROJECT = Path(__file__).resolve().parents[2]
NIGHTLY = tomllib.loads((PROJECT / "pipelines" / "nightly.toml").read_text(encoding="utf-8"))


def timezone() -> str:
    """Return ENGAGEMENT_TIMEZONE as the command reads it: from the environment, or from the project's .env."""
    file = PROJECT / ".env"
    said = file.read_text(encoding="utf-8") if file.is_file() else ""
    line = re.search(r"^\s*(?:export\s+)?ENGAGEMENT_TIMEZONE\s*=\s*[\"']?([\w/+-]+)", said, re.MULTILINE)
    return os.environ.get("ENGAGEMENT_TIMEZONE") or (line[1] if line else "UTC")


# Exit code 3: it is published, but a person should look; a second try would find it done and say nothing. Any other
# code is a failure, and is tried once more, from where it stopped; 75 says that another run works on the store.
COMMAND = """\
code=0
.venv/bin/engagement run nightly
{%- if dag_run.run_type == "backfill" %} --as-of {{ logical_date.in_timezone(dag.timezone).to_date_string() }}
{%- endif %} || code=$?
if [ $code -eq 3 ]; then
    echo "WARNING: it is published, but please look at what it says above."
    exit 0
fi
exit $code
"""

with DAG(
    "engagement_nightly",
    description="Load what is new, score everybody, draft nudges and quizzes, report.",
    schedule=CronTriggerTimetable(NIGHTLY["schedule"], timezone=timezone()),
    start_date=pendulum.datetime(2026, 1, 1, tz=timezone()),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
):
    BashOperator(
        task_id="run_nightly",
        bash_command=COMMAND,
        cwd=str(PROJECT),
        skip_on_exit_code=None,  # a skipped task would look as if nothing was wrong
        retries=1,
        retry_delay=timedelta(minutes=10),
    )
