"""`engagement sync`: a platform's web services, asked with a token that the environment has."""

import pytest

from tests.support.moodle_server import TOKEN, invented, serving


@pytest.fixture
def with_token(monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_MOODLE_TOKEN", TOKEN)


def test_a_sync_says_what_became_of_each_course(as_json, with_token):
    with serving(invented(3)) as (url, _):
        assert (
            as_json("sync", "moodle", "--url", url, "--course", "7", "--program", "Data 101")["accepted"] == 3
        )
        first, second = as_json("sync", "moodle", "--url", url, "--course", "7", "--course", "8")
    assert first["accepted"] == second["accepted"] == 3


def test_without_a_token_nothing_is_asked(refused):
    with serving(invented(3)) as (url, calls):
        code, said = refused("sync", "moodle", "--url", url, "--course", "7")
    assert code == 2
    assert said.startswith("engagement: ENGAGEMENT_MOODLE_TOKEN: is not set")
    assert calls == []


def test_a_token_that_is_not_known_is_told_without_it(refused, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_MOODLE_TOKEN", "not-known-there")
    with serving(invented(3)) as (url, _):
        code, said = refused("sync", "moodle", "--url", url, "--course", "7")
    assert code == 2
    assert "invalidtoken" in said
    assert "not-known-there" not in said
