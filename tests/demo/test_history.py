import json
import logging
import re
import shutil
import sys
from functools import partial
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from engagement import dates, private, runs
from engagement.cli import app
from engagement.dates import utc_now
from engagement.demo import history, sample
from engagement.errors import InvalidInput, StoreBusy
from engagement.ingest import events
from engagement.pipeline import config, run_index, runner
from engagement.pipeline.incoming import inputs
from engagement.policy import DEFAULT_POLICY
from engagement.settings import read_settings
from engagement.store import Store, invented, upgrade
from engagement.views import overview
from tests.support.cohort import AS_OF, DAY, HOUR, learner, load, rows

UTC = ZoneInfo("UTC")
WEEK_6 = AS_OF - 14 * DAY
KNOWN = {"observed_at": AS_OF, "loaded_at": AS_OF}
AN_EVENT = pd.DataFrame({"learner_id": ["S-000001"], "type": ["login"], "timestamp": [AS_OF - HOUR]})
SIZE = 2000  # enough for the effect to stand out


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The store of a demo that was stopped half-way, and the day of the cohort it left there."""

    def stop(week):
        if week == 2:
            raise KeyboardInterrupt

    store = Store(tmp_path_factory.mktemp("demo") / "demo.duckdb")
    with pytest.raises(KeyboardInterrupt):
        history.make(store, size=10, seed=1, as_of=AS_OF, now=AS_OF, zone=UTC, watch=stop)
    return store, history.cohort_day(store)


@pytest.fixture(scope="module")
def made(stopped):
    """The store of a whole demo."""
    store, _ = stopped
    history.make(store, size=SIZE, seed=1, as_of=AS_OF, now=AS_OF, zone=UTC)
    return store


@pytest.fixture
def own(no_store, monkeypatch):
    """The store of somebody's own as the settings name it, which is not there yet."""
    monkeypatch.setenv("ENGAGEMENT_STORE", str(no_store.path))
    monkeypatch.setenv("ENGAGEMENT_REPORTS", str(no_store.path.with_name("reports")))
    return no_store


@pytest.fixture
def demo(own, made):
    """A copy of the demo's store, where the settings look for it."""
    return Store(shutil.copy(made.path, own.path.with_name("demo.duckdb")))


def run_demo(monkeypatch, now):
    """Run the command at another time; return its exit code."""
    return ended_with(monkeypatch, now, "demo")


def ended_with(monkeypatch, now, *arguments):
    log = logging.getLogger("engagement")
    before = list(log.handlers)
    monkeypatch.setattr(dates, "utc_now", lambda: now)
    monkeypatch.setattr(sys, "argv", ["engagement", *arguments])
    with pytest.raises(SystemExit) as ended:
        app.main()
    log.handlers[:] = before
    return ended.value.code


def everything(store):
    tables = ("learners", "learner_facts", "events", "nudges", "quizzes", "runs", "loads", "risk_history")
    return {table: rows(store, f"select count(*) from {table}") for table in tables}


def night_before(store):
    """Publish the demo's own nightly run, without its notebooks."""
    parameters = config.parameters_of(config.read_pipeline("nightly"), {"model": "none"})
    labels = dict.fromkeys(("high", "medium", "low", "unknown"), 0)
    counts = {"nudges": 0, "nudges_by_template": 0, "quizzes": 0, "quizzes_by_template": 0, "left_out": {}}
    with store.write() as db:
        fingerprint = inputs.fingerprint(db, AS_OF)
        run = runs.begin(
            db,
            "nightly",
            key=runs.run_key("nightly", AS_OF, parameters, fingerprint, DEFAULT_POLICY.policy_hash),
            as_of=AS_OF,
            day=AS_OF.date(),
            parameters=parameters,
            fingerprint=fingerprint,
            now=AS_OF,
            policy=DEFAULT_POLICY,
        )
        runs.mark(db, run.run_id, "published", now=AS_OF, counts=counts | {"labels": labels, "learners": 0})


@pytest.mark.parametrize(
    "later", [0 * DAY, DAY, 40 * DAY], ids=["the same day", "the next day", "next month"]
)
def test_a_second_demo_adds_nothing(demo, monkeypatch, capsys, later):
    night_before(demo)
    before = everything(demo)
    assert run_demo(monkeypatch, AS_OF - HOUR + later) == 0
    assert "nothing was added" in capsys.readouterr().out
    assert everything(demo) == before


def test_a_store_of_somebodys_own_that_has_the_name_of_the_demos_is_refused(own, monkeypatch, capsys):
    theirs = Store(own.path.with_name("demo.duckdb"))
    load(theirs, learner("mine"), at=AS_OF - DAY)
    before = everything(theirs)
    assert run_demo(monkeypatch, AS_OF) == 2
    assert "learners of your own" in capsys.readouterr().err
    assert everything(theirs) == before


def test_commands_ask_the_demo_while_there_is_no_other_store_and_say_so(demo, own, monkeypatch, capsys):
    assert ended_with(monkeypatch, AS_OF, "learners", "--risk", "high") == 0
    shown = capsys.readouterr()
    assert "S-000004" in shown.out
    assert shown.err == (
        "The invented cohort (demo.duckdb): `engagement load` brings learners of your own.\n"
    )
    assert ended_with(monkeypatch, AS_OF, "learners", "--json") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert len(json.loads(shown.out)) > 0
    assert not own.is_there()


def test_the_first_load_makes_a_store_with_nothing_invented_in_it(demo, own, monkeypatch, capsys, tmp_path):
    before = everything(demo)
    (tmp_path / "mine.csv").write_text(
        "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions\n"
        "mine,Ida Example,,,Maths,2026-02-20,40,50,2\n"
    )
    assert ended_with(monkeypatch, AS_OF, "load", str(tmp_path / "mine.csv")) == 0
    assert rows(own, "select id from learners") == [("mine",)]
    assert everything(demo) == before
    capsys.readouterr()
    assert ended_with(monkeypatch, AS_OF, "score") == 0
    assert ended_with(monkeypatch, AS_OF, "learners") == 0
    shown = capsys.readouterr()
    assert "mine" in shown.out
    assert "nvented" not in shown.err


def test_nobodys_own_learners_come_among_the_invented(demo, own, monkeypatch, capsys):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(demo.path))
    before = everything(demo)
    for one in (
        partial(load, demo, learner("mine"), at=AS_OF),
        partial(events.load, demo, AN_EVENT, **KNOWN),
    ):
        with pytest.raises(InvalidInput, match="holds the invented learners of the demo"):
            one()
    assert everything(demo) == before


def test_what_the_demo_leaves_says_that_nobody_in_it_exists(demo, own, tmp_path):
    settings = read_settings()
    assert settings.reports == own.path.with_name("reports") / "demo"
    figures = overview.overview(demo, programs=None, program=None, now=AS_OF)
    assert figures["is_invented"]
    private.make_folder(settings.reports)
    run_index.write_index(settings.reports)
    assert invented.NOTE in (settings.reports / "index.html").read_text()
    own.make()
    assert read_settings().reports == own.path.with_name("reports")
    assert not overview.overview(own, programs=None, program=None, now=AS_OF)["is_invented"]


def test_a_demo_of_before_is_known_by_who_approves_in_it(made, tmp_path):
    """What the update of its schema asks; a store of somebody's own has no such person."""
    (update,) = [file for file in upgrade.FILES if file.stem.endswith("_invented")]
    (asked,) = re.findall(r"^from events\s+where (.+)$", update.read_text(), re.MULTILINE)
    assert rows(made, f"select count(*) > 0 from events where {asked}") == [(True,)]


def test_an_empty_place_has_no_cohort_yet(no_store):
    assert history.cohort_day(no_store) is None
    no_store.make()
    assert history.cohort_day(no_store) is None


def test_a_demo_that_is_stopped_leaves_no_store(stopped):
    assert stopped[1] is None


def test_a_demo_after_one_that_was_stopped_is_whole_and_leaves_nothing_beside_it(made):
    assert history.cohort_day(made) == AS_OF
    assert rows(made, "select count(distinct id) from learners") == [(SIZE,)]
    assert [file.name for file in made.path.parent.iterdir() if "begun" in file.name] == []


def test_the_cohort_is_known_up_to_the_day_of_the_demo(made):
    assert history.cohort_day(made) == AS_OF
    assert rows(made, "select count(*) from learners where not starts_with(id, 'S-')") == [(0,)]
    assert rows(
        made, "select max(timestamp) <= $as_of from events where source <> 'review'", as_of=AS_OF
    ) == [(True,)]


def test_the_cohort_has_a_history_of_two_published_nights(made):
    published = rows(made, "select as_of, status from runs order by as_of")
    assert published == [(WEEK_6, "published"), (AS_OF - 7 * DAY, "published")]
    assert rows(made, "select count(distinct as_of) from risk_history") == [(2,)]


def test_nudges_were_approved_before_they_were_sent_and_some_rejected(made):
    statuses = dict(rows(made, "select status, count(*) from nudges group by status"))
    assert statuses["sent"] > 100
    assert statuses["rejected"] > 1
    without = """
        select count(*) from nudges
        where status = 'sent' and not exists (
            from events where type = 'nudge_approved' and metadata ->> 'nudge_id' = nudges.id
        )
    """
    assert rows(made, without) == [(0,)]


def test_the_cohort_has_opt_outs_and_two_languages(made):
    opted_out, languages = rows(
        made, "select count_if(contact_opt_out), count(distinct locale) from learners"
    )[0]
    assert 20 < opted_out < 120  # about 3 %
    assert languages == 2
    nudged = (
        "select count(*) from nudges inner join learners on learner_id = learners.id where contact_opt_out"
    )
    assert rows(made, nudged) == [(0,)]
    assert rows(made, "select count(distinct split_part(fallback_id, '.', 4)) from nudges") == [(2,)]


def test_half_of_those_who_would_be_nudged_wait_each_in_one_arm(made):
    arms = dict(rows(made, "select arm, count(*) from published_assignments group by arm"))
    people = sum(arms.values())
    assert people == rows(made, "select count(distinct person_id) from assignments")[0][0]
    assert people > SIZE / 3
    assert abs(arms["control"] / people - 0.5) < 0.05


def test_nobody_held_out_was_nudged_in_that_week(made):
    held_out = """
        select count(*)
        from nudges
        inner join assignments using (person_id)
        where assignments.arm = 'control' and sent_at < ends_at
    """
    assert rows(made, held_out) == [(0,)]


def test_the_effect_that_was_put_in_can_be_found(made):
    """Of those who had stayed away in week 6 and were at risk, compare who came back within seven days."""
    returned = dict(
        rows(
            made,
            """
            with away as (
                select learners.id, assignments.arm,
                    exists (
                        from events
                        where events.learner_id = learners.id and type = 'login'
                            and timestamp > $week_6 and timestamp <= $week_6 + interval 7 days
                    ) as came_back
                from risk_history
                inner join learners on risk_history.learner_id = learners.id
                inner join assignments on learners.person_id = assignments.person_id
                where risk_history.as_of = $week_6 and risk_label in ('high', 'medium')
                    and not contact_opt_out
                    and not exists (
                        from events
                        where events.learner_id = learners.id and type = 'login'
                            and timestamp > $week_6 - interval 7 days and timestamp <= $week_6
                    )
                    and (
                        arm = 'control'
                        or exists (
                            from nudges
                            where nudges.learner_id = learners.id and sent_at < $week_6 + interval 1 day
                        )
                    )
            )
            select arm, avg(came_back::integer) from away group by arm
            """,
            week_6=WEEK_6,
        )
    )
    brought_back = (returned["nudge"] - returned["control"]) / (1 - returned["control"])
    assert brought_back == pytest.approx(sample.NUDGE_RETURN_EFFECT, abs=0.1)


def test_what_is_loaded_later_on_the_day_on_which_a_cohort_ends_replaces_it(no_store):
    noon = AS_OF - 12 * HOUR
    ends = (
        AS_OF + (sample.WEEKS - 1) * 7 * DAY
    )  # of eight weeks, of which one is loaded: the one that ends today
    history.fill(no_store, size=20, seed=1, as_of=ends, now=noon, zone=UTC, weeks=1)
    newest = "select max(observed_at), (select max(seen_at) from learners) from learner_facts"
    assert rows(no_store, newest) == [(noon, noon)]
    ((one,),) = rows(no_store, "select min(id) from learners")
    assert load(no_store, learner(one, completed_percent=77), at=noon + HOUR).known_later == 0
    found = "select name, completed_percent from learners inner join newest_facts on id = learner_id where id = $one"
    assert rows(no_store, found, one=one) == [(learner(one)["name"], 77)]


def test_the_size_of_a_demo_must_make_sense(no_store):
    with pytest.raises(InvalidInput, match="learners"):
        history.make(no_store, size=0, seed=1, as_of=AS_OF, now=AS_OF, zone=UTC)
    assert not no_store.path.exists()


def test_what_somebody_loads_while_the_demo_is_made_stays(no_store):
    def meanwhile(week):
        if week == sample.WEEKS:
            load(no_store, learner("mine"))

    with pytest.raises(StoreBusy, match="written to meanwhile"):
        history.make(no_store, size=10, seed=1, as_of=AS_OF, now=AS_OF, zone=UTC, watch=meanwhile)
    assert rows(no_store, "select id from learners") == [("mine",)]
    assert sorted(file.name for file in no_store.path.parent.iterdir() if "begun" in file.name) == []


def test_the_weekly_run_says_whether_the_nudges_helped_and_changes_no_score(demo, tmp_path):
    scores = "select * from risk_scores order by all"
    before, scored = everything(demo), rows(demo, scores)
    weekly = config.read_pipeline("weekly")
    on_screen = weekly.report.model_copy(update={"for_mail": False})
    made = runner.run(
        demo,
        weekly.model_copy(update={"report": on_screen}),
        as_of=AS_OF,
        day=AS_OF.date(),
        given={},
        folder=tmp_path / "reports",
        started_at=utc_now(),
    )
    assert made.status == "published"
    assert made.counts["answer"].startswith("It helped: of those nudged")
    assert "Did the nudges help?" in made.report.read_text()
    after = everything(demo)
    assert after["runs"] == [(before["runs"][0][0] + 1,)]
    for table in ("runs", "events"):  # old drafts expire with any run
        del before[table], after[table]
    assert (after, rows(demo, scores)) == (before, scored)
