import threading
import time

import pytest

from engagement.errors import InvalidInput, NotFound
from engagement.store import Store, sandbox
from tests.support.cohort import LOW, learner, load, night, rows


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("asked") / "store.duckdb")
    load(store, learner("a"), learner("b", **LOW))
    night(store)
    return store


def test_tables_and_views_are_answered_with_their_types(known):
    frame = sandbox.answer(
        known,
        "select id, last_login, login_is_unknown, whatsapp_opt_in, risk_label from learner_risk join learners "
        "using (id) order by id",
    )
    assert frame["id"].tolist() == ["a", "b"]
    assert frame["risk_label"].tolist() == ["high", "low"]
    assert frame["last_login"].dtype.kind == "M"
    assert frame["whatsapp_opt_in"].dtype == bool
    assert frame["login_is_unknown"].tolist() == [False, False]


def test_names_are_filled_in_and_text_in_quotes_is_not(known):
    sql = "select id from learners where id = $id and 'x' <> '$id' and $nothing is null"
    assert sandbox.answer(known, sql, {"id": "b", "nothing": None})["id"].tolist() == ["b"]


def test_a_query_may_have_parts_and_may_begin_with_from(known):
    sql = "with high as (select learner_id from risk_scores where risk_label = 'high') select count(*) as n from high"
    assert sandbox.answer(known, sql)["n"].tolist() == [1]
    assert len(sandbox.answer(known, "from learners")) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select content from read_blob('{store}')",
        "attach '{store}' as other",
        "copy learners to '{folder}/out.csv'",
        "install httpfs",
        "load json",
        "set enable_external_access = true",
        "reset lock_configuration",
        "pragma database_list; select * from read_text('/etc/passwd')",
        "select getenv('HOME')",
        "export database '{folder}/out'",
        "select * from glob('/*')",
    ],
)
def test_nothing_but_the_tables_can_be_reached(known, tmp_path, sql):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidInput, match="sql: "):
        sandbox.answer(known, sql.format(store=known.path, folder=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "sql",
    ["from enable_logging(storage = 'stdout')", "select * from disable_logging()", "from enable_profiling()"],
)
def test_how_the_engine_works_is_not_for_a_query_to_change(known, sql):
    with pytest.raises(InvalidInput, match="the configuration has been locked"):
        sandbox.answer(known, sql)


@pytest.mark.parametrize(
    "sql",
    ["delete from learners", "update learners set name = 'x'", "drop table learners", "truncate learners"],
)
def test_the_store_stays_as_it_is_whatever_is_asked(known, sql):
    before = rows(known, "select * from learners order by id")
    with pytest.raises(InvalidInput, match="one query is needed"):
        sandbox.answer(known, sql)
    assert rows(known, "select * from learners order by id") == before


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select * from learner", "learner does not exist"),
        ("select nam from learners", "nam"),
        ("selec 1", "syntax error"),
        ("", "one query is needed"),
        ("select 1; select 2", "one query is needed"),
    ],
)
def test_what_is_wrong_is_said(known, sql, says):
    with pytest.raises(InvalidInput, match=says):
        sandbox.answer(known, sql)


def test_an_error_about_a_value_does_not_name_it(known):
    with pytest.raises(InvalidInput) as error:
        sandbox.answer(known, "select name::integer from learners")
    assert "Example" not in str(error.value)


def test_a_query_that_never_ends_is_ended(known):
    begin = time.monotonic()
    with pytest.raises(InvalidInput, match="too long"):
        sandbox.answer(
            known, "select count(*) from range(100000000000) as a(x) where x % 7 = 3", longest_s=0.3
        )
    assert time.monotonic() - begin < 10


def test_a_writer_need_not_wait_for_a_query(known):
    def ask():
        with pytest.raises(InvalidInput):
            sandbox.answer(
                known,
                "select count(*) from learners, range(100000000000) as a(x) where x % 7 = 3",
                longest_s=3,
            )

    slow = threading.Thread(target=ask)
    slow.start()
    time.sleep(0.5)
    with known.write() as db:
        db.execute("update learners set topic = 'x'")
    assert slow.is_alive()
    slow.join()


def test_what_there_is_to_ask_for_is_listed_with_what_is_personal(known):
    found = sandbox.tables(known)
    scores = found[found["table"] == "risk_scores"].set_index("column")
    assert scores.loc["risk_score", "comment"].startswith("(P)")
    assert "learner_risk" in set(found["table"])


def test_without_a_store_there_is_nothing_to_ask(no_store):
    with pytest.raises(NotFound):
        sandbox.answer(no_store, "from learners")
