"""The example for Airflow, read and run by Airflow itself: `make airflow`, for `make test` needs no Airflow."""

import os
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from types import SimpleNamespace

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = PROJECT / "pipelines" / "airflow" / "engagement_nightly.py"
ZONE = "Asia/Kolkata"  # 02:15 there is a day earlier in UTC
ENGAGEMENT = """\
#!/bin/sh
echo "$@" > said
exit $(cat code)
"""


def parsed(folder):
    """Return the one DAG that Airflow finds where the example is linked into its folder."""
    from airflow.dag_processing.dagbag import DagBag

    dags = folder / "dags"
    dags.mkdir()
    (dags / EXAMPLE.name).symlink_to(EXAMPLE)
    found = DagBag(dags)
    assert found.import_errors == {}, found.import_errors
    assert list(found.dags) == ["engagement_nightly"]
    return found.dags["engagement_nightly"]


def check_when(dag):
    schedule = tomllib.loads((PROJECT / "pipelines" / "nightly.toml").read_text(encoding="utf-8"))["schedule"]
    assert (dag.schedule.expression, str(dag.schedule.timezone)) == (schedule, ZONE)
    assert str(dag.timezone) == ZONE
    assert (dag.catchup, dag.max_active_runs) == (False, 1)


def check_task(dag):
    assert dag.task_ids == ["run_nightly"]
    (task,) = dag.tasks
    assert (task.task_type, task.retries, task.cwd) == ("BashOperator", 1, str(PROJECT))


def executed(dag, project, code, run_type):
    """Run the task on a command that ends with that code; return how the task ended and what the command was told."""
    import pendulum
    from airflow.sdk.exceptions import AirflowException, AirflowSkipException
    from airflow.utils.types import DagRunType

    (project / "code").write_text(str(code))
    task = dag.task_dict["run_nightly"].prepare_for_execution()
    task.cwd = str(project)
    night = pendulum.datetime(2026, 11, 21, 20, 45)  # UTC
    context = {"dag": dag, "dag_run": SimpleNamespace(run_type=DagRunType(run_type)), "logical_date": night}
    task.render_template_fields(context)
    try:
        task.execute(context)
        ended = "success"
    except AirflowSkipException:
        ended = "skipped"
    except AirflowException:
        ended = "failed"
    return ended, (project / "said").read_text().strip()


def check_command(dag, folder):
    program = folder / "project" / ".venv" / "bin" / "engagement"
    program.parent.mkdir(parents=True)
    program.write_text(ENGAGEMENT)
    program.chmod(0o755)
    for code, ended in {
        0: "success",
        3: "success",
        1: "failed",
        2: "failed",
        75: "failed",
        99: "failed",
    }.items():
        assert executed(dag, folder / "project", code, "scheduled") == (ended, "run nightly"), code
    assert executed(dag, folder / "project", 0, "manual") == ("success", "run nightly")
    assert executed(dag, folder / "project", 0, "backfill") == ("success", "run nightly --as-of 2026-11-22")


def main():
    folder = Path(tempfile.mkdtemp(prefix="engagement-airflow-"))
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "ENGAGEMENT_TIMEZONE": ZONE,
    }
    try:
        dag = parsed(folder)
        check_when(dag)
        check_task(dag)
        check_command(dag, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{EXAMPLE.name}: Airflow reads it, and runs it as it says.")


if __name__ == "__main__":
    sys.exit(main())
