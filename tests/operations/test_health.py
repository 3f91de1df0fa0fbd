"""The doctor says what is wrong, who is in the way, and nothing that is secret; it changes nothing."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from engagement import private, runs
from engagement.llm import titles
from engagement.operations import health
from engagement.pipeline import config
from engagement.settings import PROJECT, Settings, read_settings
from engagement.store import open_store, upgrade
from engagement.store.locks import sole_runner
from tests.support.cohort import AS_OF, DAY, HOUR, begin, learner, load, night
from tests.support.model_server import SENTENCES, ModelServer, failing
from tests.support.older_store import make_older
from tests.support.rights import ordinary_rights

KEY = "sk-test-0123456789"


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(tmp_path / "own.duckdb"))
    monkeypatch.setenv("ENGAGEMENT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return read_settings()


@pytest.fixture
def store(settings, empty_file):
    """The store of these settings, with nothing in it."""
    shutil.copyfile(empty_file, settings.store)
    return open_store(settings.store)


def wrong(found):
    return [name for name, check in found.items() if not check.ok]


def examined(settings, now=AS_OF + 2 * HOUR):
    return {check.name: check for check in health.examine(settings, now=now)}


def failed(settings):
    return wrong(examined(settings))


def test_a_good_store_passes_every_check(settings, store):
    load(store, learner("a"), learner("b"), at=AS_OF - HOUR)
    night(store)
    found = examined(settings)
    assert wrong(found) == []
    assert "2 learners, facts up to 2026-03-01 22:59 UTC" in found["store"].detail
    assert found["last run"].detail == "nightly-2026-03-01-1: published, 2 hours ago"
    assert found["templates"].detail == "nudges in de, en; quizzes in de, en"
    assert "nightly" in found["pipelines"].detail
    assert found["lock"].detail == "nobody holds the store"
    assert re.match(r"[\d,]+ rows in \d\d tables read$", found["integrity"].detail)
    assert found["facts"].detail == "the newest are 0.1 days old"
    assert found["time zone"].detail == "UTC"
    assert re.search(r"engagement \S+, Python 3\.\d+\.\d+, duckdb 2\.", found["versions"].detail)


def test_no_check_shows_the_key(settings):
    found = examined(settings)
    assert found["model"].detail == (
        "gpt-4.1-mini at https://api.openai.com/v1; $0.4 and $1.6 for a million tokens; a key is set"
    )
    assert KEY not in str(found)


def test_the_address_of_the_model_is_shown_without_a_password(settings, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://user:secret@example.invalid/v1")
    monkeypatch.setenv("ENGAGEMENT_MODEL", "our-own")
    detail = examined(read_settings())["model"].detail
    assert detail == "our-own at https://example.invalid/v1; price not known; a key is set"


@pytest.mark.parametrize(
    ("said", "ok", "told"),
    [
        (
            None,
            True,
            r"gpt-4\.1-mini, asked by chat/completions, json_object with a schema, after \d+\.\d s: Hi \{first_name\}",
        ),
        (
            "See https://example.invalid",
            False,
            r"no text\. What the model wrote broke a rule, twice\. The last time: holds a link\.",
        ),
        (failing(401), False, r"no text\. The service refused the key\."),
    ],
    ids=["a text", "a rule broken", "no"],
)
def test_the_model_is_asked_one_question_where_somebody_wants_it(settings, monkeypatch, said, ok, told):
    def behave(_number, request):
        if callable(said):
            return said
        form = request.json.get("response_format", {})
        if form.get("type") != "json_object":
            return failing(400, "unsupported")
        return json.dumps({"body": said or SENTENCES["en"]})

    with ModelServer(behave) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        check = health.ask_model(read_settings())
    assert check.ok == ok
    assert re.search(told, check.detail), check.detail
    assert not any(b"example.invalid" in request.body for request in server.requests)


def test_without_a_key_nobody_is_asked(settings, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert health.ask_model(read_settings()) == (
        "model's answer",
        False,
        "nobody was asked: No key for a model is set.",
    )


def test_a_price_that_is_none_fails(settings, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_PRICE", "cheap")
    found = examined(read_settings())["model"]
    assert not found.ok
    assert "ENGAGEMENT_PRICE" in found.detail


def test_titles_that_wait_for_a_person_are_counted(settings, store):
    load(store, learner("a", program="Data", topic="loops"))
    assert examined(settings)["titles"].detail == (
        "0 of 2 programs and topics may go to a model; `engagement titles` shows the others"
    )
    titles.confirm(store, ["loops"], kind="topic", actor="c", now=AS_OF)
    titles.confirm(store, ["Data"], kind="program", actor="c", now=AS_OF)
    assert examined(settings)["titles"].detail == "2 of 2 programs and topics may go to a model"


def test_without_a_key_templates_stand_in(settings, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "templates" in examined(read_settings())["model"].detail


def test_a_missing_store_is_one_failure_and_is_not_made(settings):
    assert failed(settings) == ["store"]
    assert not settings.store.exists()


def test_a_store_without_a_run_is_fine(settings, store):
    load(store, learner("a"))
    found = examined(settings)
    assert wrong(found) == []
    assert found["last run"].detail == "no run yet"


def test_a_damaged_store_fails(settings):
    settings.store.write_bytes(os.urandom(20_000))
    assert failed(settings) == ["store", "integrity", "last run", "facts", "titles"]


def test_a_file_of_another_kind_in_the_place_of_the_reports_fails(settings, store):
    load(store, learner("a"))
    settings.reports.write_text("not a folder")
    assert failed(settings) == ["reports"]


def test_checks_change_nothing(settings, store):
    load(store, learner("a"))
    before = sorted(settings.store.parent.iterdir()), settings.store.read_bytes()
    examined(settings)
    assert (sorted(settings.store.parent.iterdir()), settings.store.read_bytes()) == before


def files_beside(store):
    return {path.name: path.read_bytes() for path in store.parent.iterdir() if path.is_file()}


def test_a_store_of_an_earlier_version_is_told_and_left_as_it_is(settings):
    make_older(settings.store, 1)
    assert open_store(settings.store).schema() == 1
    before = files_beside(settings.store)
    found = examined(settings)
    assert files_beside(settings.store) == before
    assert found["store"].detail == (
        f"{settings.store}: schema 1, this program brings it to {upgrade.SCHEMA_VERSION} at the next run"
    )
    for name in ("integrity", "last run", "facts", "titles"):
        assert found[name].detail == "not looked at: the store has an earlier schema"
    assert wrong(found) == []


def test_a_store_that_is_kept_as_it_was_is_told(settings):
    make_older(settings.store, 1)
    load(open_store(settings.store), learner("a"))
    said = examined(settings)["store"].detail
    assert said.endswith("; as it was before the last change of schema: own.duckdb.schema-1")


def test_a_broken_template_or_pipeline_fails(tmp_path):
    """In a copy of the checkout: templates and pipelines lie beside the package."""
    for folder in ("engagement", "fallbacks", "pipelines", "notebooks"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    (tmp_path / "fallbacks" / "nudges.en.json").write_text("{")
    (tmp_path / "pipelines" / "broken.toml").write_text("name = [")
    code = "from engagement import settings; from engagement.operations import health; from datetime import datetime; "
    code += "found = health.examine(settings.read_settings(), now=datetime(2026, 3, 1)); "
    code += "print(settings.PROJECT); print(*(check.name for check in found if not check.ok), sep=',')"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGEMENT")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [str(tmp_path), "store,templates,pipelines"]


HOLD_THE_FILE = (
    "import duckdb, sys; db = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
)
HOLD_THE_LOCK = """
import sys
from pathlib import Path
from engagement.store.locks import turnstile
with turnstile(Path(sys.argv[1]), exclusive=True, wait_s=1):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def process(code, store):
    """A process that has said that it holds something, until the block ends."""
    command = [sys.executable, "-c", code, str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.communicate("")


@pytest.mark.parametrize("code", [HOLD_THE_FILE, HOLD_THE_LOCK], ids=["another program", "one of ours"])
def test_who_holds_the_store_is_named_within_seconds(settings, store, code):
    load(store, learner("a"))
    with process(code, settings.store) as holder:
        started = time.monotonic()
        found = examined(settings)
        assert time.monotonic() - started < 10
    assert f"own.duckdb is held by process {holder.pid}" in found["lock"].detail
    assert wrong(found) == [
        *("lock", "store", "integrity", "last run", "facts", "titles"),
    ]
    assert found["integrity"].detail == "not looked at: somebody holds the store"
    assert failed(settings) == []


def test_a_run_that_works_is_named_and_is_no_failure(settings, store):
    load(store, learner("a"))
    begin(store)
    with sole_runner(settings.store):
        found = examined(settings)
    assert found["lock"].detail == f"a run is working (process {os.getpid()})"
    assert found["last run"].detail == "nightly-2026-03-01-1: running, 2 hours ago"
    assert wrong(found) == []


@pytest.mark.parametrize(
    "process_id",
    ["", "1", str(os.getpid()), "4194304999", "no number"],
    ids=["nothing", "the first process", "this process", "too large", "no number"],
)
def test_a_run_that_stopped_half_way_fails(settings, store, process_id):
    load(store, learner("a"))
    begin(store)
    settings.store.with_name("own.duckdb.run").write_text(process_id)
    found = examined(settings)
    assert found["lock"].detail == "nobody holds the store"
    assert wrong(found) == ["last run"]
    assert found["last run"].detail == (
        "nightly-2026-03-01-1: running, 2 hours ago (it stopped; the same command goes on)"
    )


LOOK_AGAIN_AND_AGAIN = """
import sys, threading
from pathlib import Path
from engagement.store.locks import runner
print("held", flush=True)
threading.Thread(target=sys.stdin.read, daemon=True).start()
while threading.active_count() > 1:
    runner(Path(sys.argv[1]))
"""


def test_who_looks_whether_a_run_works_keeps_none_from_beginning(settings):
    with sole_runner(settings.store):
        pass
    with process(LOOK_AGAIN_AND_AGAIN, settings.store):
        enough = time.monotonic() + 0.5
        while time.monotonic() < enough:
            with sole_runner(settings.store):
                pass


def test_a_failed_run_fails_until_a_later_one_is_published(settings, store):
    load(store, learner("a"))
    run = begin(store)
    with store.write() as db:
        runs.mark(db, run.run_id, "failed", now=AS_OF)
    assert failed(settings) == ["last run"]
    night(store, AS_OF + HOUR)
    assert failed(settings) == []


def test_a_run_that_nobody_schedules_any_more_is_not_complained_about(settings, store):
    load(store, learner("a"))
    run = begin(store, pipeline="given_up")
    with store.write() as db:
        runs.mark(db, run.run_id, "failed", now=AS_OF)
    assert examined(settings)["last run"].detail == "no run yet"


@pytest.fixture
def limited(settings, monkeypatch, tmp_path):
    """Settings with a nightly pipeline that wants facts of at most three days from an inbox."""
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (tmp_path / "inbox").mkdir()
    text = (config.PIPELINES / "nightly.toml").read_text()
    rules = f'[sources]\nmax_age_days = 3\ninbox = "{tmp_path}/inbox/*.csv"\n'
    (folder / "nightly.toml").write_text(text.replace("[sources]\n", rules))
    monkeypatch.setattr(config, "PIPELINES", folder)
    return settings


@pytest.mark.parametrize(
    ("days", "expected"),
    [(2, []), (3, ["facts"]), (3.5, ["last run", "facts"])],
    ids=["young", "facts", "both"],
)
def test_age_fails_where_a_pipeline_sets_a_limit(limited, store, days, expected):
    load(store, learner("a"), at=AS_OF - HOUR)
    night(store)
    found = examined(limited, now=AS_OF + days * DAY)
    assert wrong(found) == expected
    assert ("max_age_days is 3" in found["facts"].detail) == ("facts" in expected)


def test_age_alone_fails_nothing_where_no_pipeline_sets_a_limit(settings, store):
    load(store, learner("a"))
    night(store)
    found = examined(settings, now=AS_OF + 100 * DAY)
    assert wrong(found) == []
    assert "2400 hours ago" in found["last run"].detail


def test_no_facts_are_too_old_where_there_is_a_limit(limited, store):
    store.make()
    assert failed(limited) == ["facts"]


def test_an_inbox_whose_folder_is_gone_fails(limited, store, tmp_path):
    load(store, learner("a"), at=AS_OF)
    assert failed(limited) == []
    (tmp_path / "inbox").rmdir()
    found = examined(limited)
    assert wrong(found) == ["pipelines"]
    assert "nightly.toml: its inbox is no folder that can be read: " in found["pipelines"].detail


def blocks_of(store, *tables):
    """The numbers of the file's blocks that hold rows of these tables."""
    with store.read() as db:
        return {
            block
            for table in tables
            for held, more in db.execute(
                f"select block_id, additional_block_ids from pragma_storage_info('{table}')"
            ).fetchall()
            for block in (held, *(more or []))
            if block is not None and block >= 0
        }


def test_one_flipped_bit_in_the_rows_or_in_an_index_is_found(settings):
    store = open_store(settings.store)
    load(store, *(learner(f"learner-{number}") for number in range(3000)))
    night(store)
    with store.read() as db:
        tables = [name for (name,) in db.execute("select table_name from duckdb_tables()").fetchall()]
    sound = settings.store.read_bytes()

    def is_found(block):
        at = 3 * 4096 + block * 262_144 + 1000  # three headers, and then blocks of this size
        damaged = Path(f"{settings.store}-{block}")
        damaged.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        found = examined(settings.model_copy(update={"own_store": damaged}))["integrity"]
        damaged.unlink()
        assert found.ok or "is damaged; move it away or restore a backup" in found.detail
        return not found.ok

    of_rows = blocks_of(store, "learners", "nudges")
    assert len(of_rows) > 1
    assert all(map(is_found, of_rows))
    of_no_rows = sorted(set(range(1, len(sound) // 262_144)) - blocks_of(store, *tables))
    assert any(map(is_found, of_no_rows))  # the others are free


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "update loads set accepted = 1",
            "1 loads whose rows are not all accepted or quarantined, first L000001",
        ),
        (
            "insert into quarantine values ('L000001', 2, 'a', ['b'], null)",
            "1 loads with more in quarantine than they count, first L000001",
        ),
        ("delete from learners where id = 'a'", "1 learners that have facts and are not there, first a"),
        ("insert into learners from learners where id = 'b'", "1 learners that are there twice, first b"),
        (
            "insert into nudges from nudges where learner_id = 'b'",
            "1 nudges that are there twice, first {nudge}",
        ),
        (
            "insert into quizzes from quizzes where learner_id = 'b'",
            "1 quizzes that are there twice, first {quiz}",
        ),
        (
            "update learners set email = 'b@example.invalid'",
            "1 addresses that several persons have and nobody marked, first a",
        ),
        ("update runs set published_at = null", "2 current scores of a run that was not published, first a"),
    ],
)
def test_what_does_not_add_up_fails(settings, store, sql, said):
    load(store, learner("a"), learner("b"))
    night(store)
    with store.write() as db:
        (ids,) = db.execute(
            """
            select min(nudges.id), min(quizzes.id)
            from nudges
            inner join quizzes on nudges.learner_id = quizzes.learner_id
            where nudges.learner_id = 'b'
            """
        ).fetchall()
        db.execute(sql)
    found = examined(settings)["integrity"]
    assert found.detail == said.format(nudge=ids[0], quiz=ids[1])
    assert not found.ok


@pytest.mark.parametrize(
    "sql",
    [
        "update learners set email = 'b@example.invalid', person_id = 'p'",
        "update learners set email = 'b@example.invalid', active = id = 'a'",
        "update learners set email = null",
    ],
    ids=["one person", "one of them left", "no address"],
)
def test_enrolments_that_may_share_an_address_are_no_inconsistency(settings, store, sql):
    load(store, learner("a"), learner("b"))
    with store.write() as db:
        db.execute(sql)
    assert examined(settings)["integrity"].ok


def test_a_disk_without_room_for_the_store_once_more_fails(settings, store, monkeypatch):
    load(store, learner("a"))
    room = {"total": 10**12, "used": 0}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(**room, free=501 * 10**6))
    assert failed(settings) == []
    with settings.store.open("r+b") as file:
        file.truncate(502 * 10**6)
    found = examined(settings)["disk"]
    assert not found.ok
    assert "501 MB free at " in found.detail
    assert found.detail.endswith("; 502 are needed, the store has 502")


def test_a_disk_that_is_nearly_full_fails_whatever_the_store(settings, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=499 * 10**6))
    found = examined(settings)["disk"]
    assert found.detail.endswith("; 500 are needed, the store has 0")
    assert not found.ok


def test_a_time_zone_that_is_none_fails(settings):
    found = examined(settings.model_copy(update={"timezone": "Berlin"}))
    assert not found["time zone"].ok
    assert "'Berlin' is not known" in found["time zone"].detail


def test_the_json_form_of_a_check_is_documented():
    assert health.Check("disk", True, "fine")._asdict() == {"name": "disk", "ok": True, "detail": "fine"}


def test_the_settings_of_a_test_are_its_own():
    assert Settings.model_config["env_file"] is None


def test_what_may_not_be_looked_at_fails_with_what_to_do(settings, open_folder):
    denied = settings.model_copy(
        update={
            "own_store": open_folder / "store" / "own.duckdb",
            "own_reports": open_folder / "reports" / "all",
        }
    )
    examined(denied)  # which imports what is needed
    for folder in ("store", "reports"):
        (open_folder / folder).mkdir(mode=0)
    with ordinary_rights():
        found = examined(denied)
    for name in ("lock", "reports"):
        assert not found[name].ok
        assert str(open_folder) in found[name].detail
        assert "Permission denied; whoever owns it or its folder can let you in" in found[name].detail
    for name in ("store", "integrity", "last run", "facts", "titles"):
        assert not found[name].ok


def test_what_other_accounts_may_read_is_named_with_the_command_that_closes_it(
    settings, store, tmp_path, monkeypatch
):
    load(store, learner("a"))
    assert "other accounts" not in failed(settings)
    report = settings.reports / "nightly" / "nightly-2026-03-01-1" / "report.html"
    report.parent.mkdir(parents=True)
    for folder in (report.parent, report.parent.parent):
        folder.chmod(0o711)
    report.write_text("Ann Example")
    secrets = tmp_path / "a folder" / ".env"
    secrets.parent.mkdir()
    secrets.write_text("OPENAI_API_KEY=x")
    monkeypatch.setitem(Settings.model_config, "env_file", secrets)
    for path in (settings.store, report, secrets):
        path.chmod(0o604)
    found = examined(settings)["other accounts"]
    assert not found.ok
    assert found.detail.startswith(
        "others on this machine may read 3 of the files and folders here: chmod -R go= "
    )
    subprocess.run(found.detail.partition(": ")[2], shell=True, check=True)
    assert "other accounts" not in failed(settings)


def test_a_group_that_shares_may_read_once_its_folders_are_the_groups(settings, store, tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_GROUP", str(os.getegid()))
    monkeypatch.setattr(private, "_group", None)
    shared = read_settings()
    settings.store.chmod(0o660)
    said = examined(shared)["other accounts"].detail
    assert "what is made there is not the group's: chgrp" in said
    for command in said.partition("group's: ")[2].split("; "):
        subprocess.run(command, shell=True, check=True)
    assert "other accounts" not in failed(shared)
    settings.store.chmod(0o664)
    assert "chmod -R o= " in examined(shared)["other accounts"].detail


def test_a_folder_in_which_anybody_could_replace_the_store_is_named(settings, store):
    settings.store.parent.chmod(0o757)
    assert "others could replace the store: chmod o-w" in examined(settings)["other accounts"].detail
