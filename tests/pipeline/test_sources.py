"""What is new in an inbox is loaded once, in order, whole, and by the run that found it."""

import logging
import os
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from engagement import runs
from engagement.errors import InvalidInput, RunFailed
from engagement.ingest import events, learners
from engagement.pipeline import publication
from engagement.pipeline.incoming import inbox as inboxes
from engagement.pipeline.incoming import sources
from engagement.pipeline.incoming.inbox import found, keep_plan, offers
from engagement.pipeline.incoming.source_config import Sources
from engagement.policy import DEFAULT_POLICY
from engagement.reporting import headlines
from engagement.store import Store
from engagement.views import run_tables
from tests.support.cohort import AS_OF, DAY, HOUR, rows

UTC = ZoneInfo("UTC")
HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"
EVENTS = "learner_id,type,timestamp"


def write(path, *lines, header=HEADER):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines, ""]))
    return path


def learner(learner_id, quiz=50, last_login="2026-02-20 10:00"):
    return f"{learner_id},Invented,{learner_id}@example.invalid,,Data,{last_login},40,{quiz},2"


def event(learner_id, at="2026-02-20 10:00"):
    return f"{learner_id},login,{at}"


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def of(inbox, **different):
    return Sources(**{"inbox": f"{inbox}/*.csv"} | different)


def begin(store, chosen, as_of=AS_OF, *, started_at=None):
    """Begin a run of these sources; return it and its files."""
    offer = offered(store, chosen, as_of)
    with store.write() as db:
        run = runs.begin(
            db,
            "nightly",
            key=f"{as_of} {offer.fingerprint}",
            as_of=as_of,
            day=as_of.date(),
            parameters={},
            fingerprint="",
            now=started_at or as_of,
            policy=DEFAULT_POLICY,
        )
        return run, keep_plan(db, run, chosen, offer)


def resumed(store, run, chosen):
    offer = offered(store, chosen)
    with store.write() as db:
        return keep_plan(db, run, chosen, offer)


def offered(store, chosen, as_of=AS_OF):
    """What a run that would begin in its day may load."""
    there = found(store, chosen, "UTC")
    with store.read() as db:
        (offer,) = offers(db, "nightly", there, as_of=as_of, now=as_of)
    return offer


def check_news(store, run, chosen, files):
    inboxes.check_news(store, run, chosen, files, now=run.started_at)


def load(store, run, files, zone=UTC):
    return sources.load(
        store,
        run,
        learner_files=[file.name for file in files if file.kind == "learners"],
        event_files=[file.name for file in files if file.kind == "events"],
        zone=zone,
    )


def night(store, chosen, as_of=AS_OF):
    """Load what is new; return the names of the files."""
    run, files = begin(store, chosen, as_of)
    load(store, run, files)
    return [file.name.rpartition("/")[2] for file in files]


def publish(store, run):
    with store.write() as db:
        runs.mark(db, run.run_id, "published", now=run.as_of)


def loaded(store):
    return [name for (name,) in rows(store, "select source from loads order by load_id")]


def quiz(store, learner_id="a"):
    sql = "select avg_quiz_score from newest_facts where learner_id = $id"
    ((score,),) = rows(store, sql, id=learner_id)
    return score


def test_new_files_are_loaded_in_order_of_name_and_a_later_one_corrects(store, inbox):
    for name, score in (("b.csv", 20), ("c.csv", 30), ("a.csv", 10)):
        write(inbox / name, learner("a", score))
    assert night(store, of(inbox)) == ["a.csv", "b.csv", "c.csv"]
    assert loaded(store) == ["a.csv", "b.csv", "c.csv"]
    assert quiz(store) == 30


def test_groups_come_with_the_files_of_learners_and_not_with_those_of_events(store, inbox, tmp_path):
    write(inbox / "a.csv", f"{learner('a')},w", header=f"{HEADER},Sex")
    write(tmp_path / "events" / "e.csv", event("a"), header=EVENTS)
    night(store, of(inbox, events_inbox=f"{tmp_path}/events/*.csv", groups={"sex": "Sex"}))
    assert rows(store, "select learner_id, name, value from learner_groups") == [("a", "sex", "w")]
    assert rows(store, "select learner_id from events where type = 'login'") == [("a",)]


def test_the_order_goes_by_folders_of_days_and_over_several_patterns(store, inbox):
    write(inbox / "2026-02-10" / "1.csv", learner("a", 10))
    write(inbox / "2026-02-09" / "2.csv", learner("a", 20))
    chosen = Sources(inbox=[f"{inbox}/*-10/*.csv", f"{inbox}/*-09/*.csv"])
    assert night(store, chosen) == ["2.csv", "1.csv"]


def test_a_file_is_new_by_its_content_and_not_by_its_name(store, inbox):
    first = write(inbox / "a.csv", learner("a", 10))
    assert night(store, of(inbox)) == ["a.csv"]
    first.rename(inbox / "renamed.csv")
    assert night(store, of(inbox), AS_OF + DAY) == []
    write(inbox / "a.csv", learner("a", 20))
    assert night(store, of(inbox), AS_OF + 2 * DAY) == ["a.csv"]
    assert quiz(store) == 20


def test_an_export_that_comes_again_does_not_take_back_what_followed(store, inbox):
    for number, score in enumerate((10, 20, 10)):
        write(inbox / f"{number}.csv", learner("a", score))
        night(store, of(inbox), AS_OF + number * DAY)
    assert loaded(store) == ["0.csv", "1.csv"]
    assert quiz(store) == 20


def test_what_was_loaded_by_hand_is_not_new(store, inbox):
    file = write(inbox / "a.csv", learner("a"))
    learners.load(store, file, observed_at=AS_OF, loaded_at=AS_OF)
    assert night(store, of(inbox)) == []


def test_the_same_content_twice_in_one_night_is_loaded_once(store, inbox):
    for name in ("b.csv", "a.csv"):
        write(inbox / name, learner("a"))
    named = write(inbox / "z.csv", learner("z"))
    assert night(store, of(inbox, learners=[str(named)])) == ["a.csv", "z.csv"]


def test_learners_come_before_their_events(store, inbox):
    write(inbox / "a_events.csv", event("a"), event("z"), header=EVENTS)
    write(inbox / "learners.csv", learner("a"))
    named = write(inbox.parent / "named.csv", learner("z"))
    chosen = Sources(inbox=f"{inbox}/l*.csv", events_inbox=f"{inbox}/*_events.csv", learners=[str(named)])
    assert night(store, chosen) == ["learners.csv", "named.csv", "a_events.csv"]
    assert rows(store, "select accepted, quarantined from loads where kind = 'events'") == [(2, 0)]


def test_hidden_files_and_folders_are_left_alone_and_links_are_followed(store, inbox):
    write(inbox / ".half.csv", learner("a"))
    (inbox / "folder.csv").mkdir()
    (inbox / "link.csv").symlink_to(write(inbox.parent / "elsewhere.csv", learner("b")))
    assert night(store, of(inbox)) == ["link.csv"]


@pytest.mark.parametrize("kind", ["broken link", "pipe", "loop"])
def test_what_cannot_be_read_in_an_inbox_is_refused_by_name(store, inbox, kind):
    bad = inbox / "bad.csv"
    if kind == "pipe":
        os.mkfifo(bad)
    else:
        bad.symlink_to(bad if kind == "loop" else inbox / "gone")
    with pytest.raises(InvalidInput, match=r"bad\.csv: there is no such file"):
        found(store, of(inbox), "UTC")


def test_a_name_that_is_no_text_is_refused(store, inbox):
    (inbox / os.fsdecode(b"\xff.csv")).write_text(f"{HEADER}\n{learner('b')}\n")
    with pytest.raises(InvalidInput, match="rename it; a name is UTF-8") as caught:
        found(store, of(inbox), "UTC")
    assert str(caught.value).encode()


HOSTILE = (
    "a[1].csv",
    "a*.csv",
    "a?.csv",
    "[a-z]*.csv",
    "'; drop table loads; --.csv",
    "<img src=x onerror=alert(1)>.csv",
    " \n.csv",
    "$(reboot) {x}.csv",
)


def test_a_hostile_name_is_only_a_name(store, inbox):
    for number, name in enumerate(HOSTILE):
        write(inbox / name, *(learner(f"{number}-{other}") for other in range(number + 1)))
    write(inbox / "a1.txt", learner("b"))
    assert night(store, of(inbox)) == sorted(HOSTILE)
    found = rows(store, "select source, rows from loads order by load_id")
    assert found == sorted((name, number + 1) for number, name in enumerate(HOSTILE))


def test_the_name_of_a_file_is_no_pattern_for_others(store, inbox):
    write(inbox / "a1.csv", learner("a"), learner("b"))
    write(inbox / "a[1].csv", learner("c"))
    assert night(store, of(inbox)) == ["a1.csv", "a[1].csv"]
    assert rows(store, "select rows from loads order by load_id") == [(2,), (1,)]


def test_a_folder_in_place_of_a_pattern_is_refused(store, inbox):
    with pytest.raises(InvalidInput, match=r"is a folder; .*/inbox/\*\.csv means the files in it"):
        found(store, Sources(inbox=f"{inbox}/"), "UTC")


def test_an_empty_file_is_refused_and_not_taken_for_nothing(store, inbox):
    (inbox / "a.csv").touch()
    run, files = begin(store, of(inbox))
    with pytest.raises(InvalidInput, match=r"a\.csv: the file is empty"):
        load(store, run, files)


def test_a_file_that_grows_after_the_run_began_is_refused_unread(store, inbox):
    file = write(inbox / "a.csv", learner("a"))
    run, files = begin(store, of(inbox))
    write(file, learner("a"), learner("b"))
    with pytest.raises(InvalidInput, match=r"a\.csv: has changed since the run began"):
        load(store, run, files)
    assert loaded(store) == []
    assert night(store, of(inbox)) == ["a.csv"]
    assert learners.count(store) == 2


def test_a_file_that_changed_while_it_was_read_does_not_pass_when_tried_again(store, inbox):
    file = write(inbox / "a.csv", learner("a"))
    run, files = begin(store, of(inbox))
    load(store, run, files)
    write(file, learner("a"), learner("b"))
    with pytest.raises(InvalidInput, match=r"a\.csv: has changed since the run began"):
        load(store, run, files)


class Replacing(Store):
    """A store whose file of learners is replaced, by one of the same size and time, just before it is read."""

    def __init__(self, path, file, text):
        super().__init__(path)
        self.file, self.text = file, text

    def staging(self):
        kept = self.file.stat()
        assert len(self.text) == kept.st_size
        self.file.write_text(self.text)
        os.utime(self.file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
        return super().staging()


def test_a_file_that_is_replaced_by_its_like_while_it_is_read_fails_the_run(store, inbox):
    file = write(inbox / "a.csv", learner("a", 10))
    run, files = begin(store, of(inbox))
    replacing = Replacing(store.path, file, file.read_text().replace("40,10,2", "40,20,2"))
    with pytest.raises(InvalidInput, match=r"a\.csv: has changed since the run began"):
        load(replacing, run, files)


def test_files_before_a_bad_one_stay_and_those_after_it_wait(store, inbox):
    write(inbox / "1.csv", learner("a"))
    bad = write(inbox / "2.csv", learner("b"), header="id,name")
    write(inbox / "3.csv", learner("c"))
    run, files = begin(store, of(inbox))
    with pytest.raises(InvalidInput, match=r"2\.csv: "):
        load(store, run, files)
    assert loaded(store) == ["1.csv"]
    write(bad, learner("b"))
    assert night(store, of(inbox)) == ["2.csv", "3.csv"]


def test_a_resumed_run_loads_the_rest_and_shows_all(store, inbox):
    write(inbox / "1.csv", learner("a"))
    write(inbox / "2.csv", learner("b"))
    run, files = begin(store, of(inbox))
    load(store, run, files[:1])
    assert (again := resumed(store, run, of(inbox))) == files
    assert list(load(store, run, again)["source"]) == ["1.csv", "2.csv"]
    assert loaded(store) == ["1.csv", "2.csv"]


def test_a_resumed_run_knows_what_it_loaded_when_the_files_have_been_put_away(store, inbox):
    file = write(inbox / "1.csv", learner("a"))
    run, files = begin(store, of(inbox))
    load(store, run, files)
    file.unlink()
    again = resumed(store, run, of(inbox))
    assert list(load(store, run, again)["accepted"]) == [1]


def test_files_of_the_same_name_in_two_folders_are_both_known_after_a_stop(store, inbox):
    for folder, score in (("x", 10), ("y", 20)):
        write(inbox / folder / "a.csv", learner("a", score))
    chosen = Sources(inbox=f"{inbox}/*/a.csv")
    run, files = begin(store, chosen)
    load(store, run, files)
    load(store, run, resumed(store, run, chosen))
    assert loaded(store) == ["a.csv", "a.csv"]
    assert quiz(store) == 20


def test_the_input_of_a_run_is_the_same_before_between_and_after_its_loads(store, inbox):
    write(inbox / "l1.csv", learner("a"))
    write(inbox / "l2.csv", learner("b"))
    write(inbox / "e1.csv", event("a"), header=EVENTS)
    named = write(inbox.parent / "named.csv", learner("z"))
    named_events = write(inbox.parent / "named_events.csv", event("z"), header=EVENTS)
    chosen = Sources(
        inbox=f"{inbox}/l*.csv",
        events_inbox=f"{inbox}/e*.csv",
        learners=[str(named)],
        events=[str(named_events)],
    )
    run, files = begin(store, chosen)
    seen = set()
    for count in range(len(files) + 1):
        load(store, run, files[:count])
        seen.add(offered(store, chosen).fingerprint)
    assert len(loaded(store)) == len(files) == 5
    assert len(seen) == 1
    write(inbox / "l3.csv", learner("c"))
    assert offered(store, chosen).fingerprint not in seen


def test_times_without_a_zone_are_those_of_the_sources(store, inbox):
    write(inbox / "a.csv", learner("a", last_login="2026-02-20 10:00"))
    run, files = begin(store, of(inbox, timezone="America/New_York"))
    load(store, run, files, zone=ZoneInfo("Asia/Tokyo"))
    assert [str(at) for (at,) in rows(store, "select last_login from learner_facts")] == [
        "2026-02-20 15:00:00"
    ]


def test_times_without_a_zone_are_the_institutions_where_sources_say_nothing(store, inbox):
    write(inbox / "a.csv", learner("a", last_login="2026-02-20 10:00"))
    run, files = begin(store, of(inbox))
    load(store, run, files, zone=ZoneInfo("Asia/Tokyo"))
    assert [str(at) for (at,) in rows(store, "select last_login from learner_facts")] == [
        "2026-02-20 01:00:00"
    ]


def test_files_are_read_as_the_sources_say_they_are_written(store, inbox):
    theirs = HEADER.replace("id,", "Student ID,", 1)
    write(inbox / "a.csv", "a,Invented,,,Data,20.02.2026,0.4,50,2", header=theirs)
    written = {
        "columns": {"id": "Student ID"},
        "date_formats": ["%d.%m.%Y"],
        "percent_scale": {"completed_percent": 1},
    }
    run, files = begin(store, of(inbox, **written))
    load(store, run, files)
    ((learner_id, at, percent),) = rows(
        store, "select learner_id, last_login, completed_percent from learner_facts"
    )
    assert (learner_id, str(at), percent) == ("a", "2026-02-20 00:00:00", 40)


@pytest.mark.parametrize(("share", "accepted"), [(0.5, [1]), (0.49, [])])
def test_a_file_with_too_many_refused_rows_is_bad(store, inbox, share, accepted):
    write(inbox / "a.csv", learner("a"), learner("b", quiz=140))
    run, files = begin(store, of(inbox, max_quarantine=share))
    if accepted:
        load(store, run, files)
    else:
        with pytest.raises(InvalidInput, match=r"a\.csv: 1 of 2 rows refused, more than the share of 0\.49"):
            load(store, run, files)
    assert [number for (number,) in rows(store, "select accepted from loads")] == accepted


def test_only_what_differs_from_the_documentation_is_part_of_a_key():
    assert Sources(inbox="a/*.csv", max_age_days=3, if_nothing_new="fail").rules == {}
    assert Sources(columns={"id": "Nr"}, max_quarantine=0.1).rules == {
        "columns": {"id": "Nr"},
        "max_quarantine": 0.1,
    }


def test_nothing_new_is_said(store, inbox, caplog):
    run, files = begin(store, of(inbox))
    with caplog.at_level(logging.WARNING, logger="engagement"):
        check_news(store, run, of(inbox), files)
    assert [record.getMessage() for record in caplog.records] == [f"nothing new in the inbox {inbox}/*.csv"]
    assert caplog.records[0].run_id == run.run_id


def test_nothing_new_fails_the_run_where_it_shall_and_names_a_folder_that_is_gone(store, inbox):
    chosen = of(inbox / "gone", if_nothing_new="fail")
    run, files = begin(store, chosen)
    with pytest.raises(RunFailed, match=r"nothing new in the inbox .*; no folder .*/gone that can be read"):
        check_news(store, run, chosen, files)


@pytest.mark.parametrize("chosen", [Sources(), Sources(learners=[])])
def test_without_an_inbox_nothing_new_is_nothing_special(store, chosen, caplog):
    run, files = begin(store, chosen)
    check_news(store, run, chosen, files)
    assert caplog.records == []


def test_new_events_alone_are_news(store, inbox):
    write(inbox / "e.csv", event("a"), header=EVENTS)
    chosen = Sources(inbox=f"{inbox}/l*.csv", events_inbox=f"{inbox}/e*.csv", if_nothing_new="fail")
    run, files = begin(store, chosen)
    assert [file.kind for file in files] == ["events"]
    check_news(store, run, chosen, files)


def test_a_day_that_was_published_had_its_news(store, inbox):
    chosen = of(inbox, if_nothing_new="fail")
    publish(store, begin(store, Sources(), started_at=AS_OF - 2 * HOUR)[0])
    run, files = begin(store, chosen, started_at=AS_OF - HOUR)
    check_news(store, run, chosen, files)
    tomorrow, none = begin(store, chosen, AS_OF + DAY)
    with pytest.raises(RunFailed):
        check_news(store, tomorrow, chosen, none)


def test_what_an_unpublished_attempt_took_from_the_inbox_is_news_until_a_run_is_published(store, inbox):
    chosen = of(inbox, if_nothing_new="fail")
    write(inbox / "a.csv", learner("a"))
    night(store, chosen)  # and then it failed
    run, files = begin(store, chosen, AS_OF + DAY)
    assert files == []
    check_news(store, run, chosen, files)
    publish(store, run)
    later, none = begin(store, chosen, AS_OF + 2 * DAY)
    with pytest.raises(RunFailed):
        check_news(store, later, chosen, none)


def test_a_run_for_a_day_in_the_past_uses_up_no_news(store, inbox):
    chosen = of(inbox, if_nothing_new="fail")
    write(inbox / "a.csv", learner("a"))
    night(store, chosen)  # and then it failed
    publish(store, begin(store, Sources(), AS_OF - 9 * DAY, started_at=AS_OF + HOUR)[0])
    run, files = begin(store, chosen, AS_OF + DAY)
    assert files == []
    check_news(store, run, chosen, files)


@pytest.mark.parametrize(("days", "fails"), [(3, False), (3 + 1 / 24, True)])
def test_facts_older_than_the_limit_fail_the_run(store, inbox, days, fails):
    file = write(inbox / "a.csv", learner("a"))
    learners.load(store, file, observed_at=AS_OF - timedelta(days=days), loaded_at=AS_OF)
    run, _ = begin(store, Sources())
    limit = Sources(max_age_days=3)
    if not fails:
        sources.check_age(store, run, limit)
        return
    with pytest.raises(RunFailed, match=r"newest facts are 3\.0 days old, and max_age_days is 3;"):
        sources.check_age(store, run, limit)


def test_facts_are_as_old_as_they_were_at_the_day_of_a_back_fill(store, inbox):
    for number, at in enumerate((AS_OF - 10 * DAY, AS_OF)):
        file = write(inbox / "a.csv", learner("a", 40 + number))
        learners.load(store, file, observed_at=at, loaded_at=at)
    limit = Sources(max_age_days=2)
    sources.check_age(store, begin(store, Sources(), AS_OF - 9 * DAY, started_at=AS_OF)[0], limit)
    with pytest.raises(RunFailed, match=r"newest facts are 7\.0 days old"):
        sources.check_age(store, begin(store, Sources(), AS_OF - 3 * DAY, started_at=AS_OF)[0], limit)


def test_the_rest_of_a_day_that_is_not_over_makes_no_fact_older(store, inbox):
    file = write(inbox / "a.csv", learner("a"))
    learners.load(store, file, observed_at=AS_OF - 30 * HOUR, loaded_at=AS_OF)
    run, _ = begin(store, Sources(), started_at=AS_OF - 22 * HOUR)
    sources.check_age(store, run, Sources(max_age_days=1))
    with pytest.raises(RunFailed, match=r"newest facts are 0\.3 days old"):
        sources.check_age(store, run, Sources(max_age_days=0.3))


def test_a_store_without_facts_has_none_that_are_young_enough(store):
    run, _ = begin(store, Sources())
    with pytest.raises(RunFailed, match="there are no facts, and max_age_days is 3"):
        sources.check_age(store, run, Sources(max_age_days=3))


def test_a_limit_that_no_facts_can_meet_is_refused():
    for value in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="max_age_days"):
            Sources(max_age_days=value)


def test_events_count_by_their_own_content(store, inbox):
    """The same bytes are another file where they mean something else."""
    both = "learner_id,type,timestamp," + HEADER
    file = write(inbox / "a.csv", f"a,login,2026-02-20 10:00,{learner('a')}", header=both)
    learners.load(store, file, observed_at=AS_OF, loaded_at=AS_OF)
    assert night(store, Sources(events_inbox=f"{inbox}/*.csv")) == ["a.csv"]
    assert night(store, Sources(events_inbox=f"{inbox}/*.csv"), AS_OF + DAY) == []
    events_known = rows(store, "select count(*) from events")
    events.load(store, file, observed_at=AS_OF, loaded_at=AS_OF)
    assert rows(store, "select count(*) from events") == events_known


def test_a_list_of_everybody_says_night_after_night_who_has_left(store, inbox):
    full = of(inbox, full=True)
    write(inbox / "1.csv", *map(learner, "abcdef"))
    assert night(store, full) == ["1.csv"]
    write(inbox / "2.csv", *map(learner, "abcde"))
    assert night(store, full, AS_OF + DAY) == ["2.csv"]
    assert rows(store, "select id from learners where not active") == [("f",)]
    write(inbox / "3.csv", *map(learner, "abcd"))
    rows_alone = full.model_copy(update={"full": False})
    assert offered(store, full).fingerprint != offered(store, rows_alone).fingerprint  # another run


@pytest.mark.parametrize("if_unlike", ["warn", "fail"])
def test_a_file_that_is_half_of_what_it_was_is_said_or_fails_the_run(store, inbox, if_unlike, caplog):
    names = [f"x{number}" for number in range(40)]
    chosen = of(inbox, if_unlike=if_unlike)
    write(inbox / "1.csv", *map(learner, names))
    night(store, chosen)
    write(inbox / "2.csv", *map(learner, names[:20]))
    run, files = begin(store, chosen, AS_OF + DAY)
    if if_unlike == "fail":
        with pytest.raises(InvalidInput, match="20 rows, where 40 were usual"):
            load(store, run, files)
        return
    load(store, run, files)
    assert "2.csv: 20 rows, where 40 were usual" in caplog.text
    assert publication.unlike_loads(store, run) == [
        "2.csv is unlike the loads before it: 20 rows, where 40 were usual"
    ]
    told = headlines.unlike(run_tables.unlike(store, run))
    assert told == "2.csv is unlike the loads before it: 20 rows, where 40 were usual."
