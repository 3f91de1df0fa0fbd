import os
import shutil
import subprocess
import sys

import pytest

from engagement import doctor
from engagement.settings import PROJECT, Settings, read_settings
from engagement.store import open_store
from tests.cohort import AS_OF, HOUR, learner, load, night

KEY = "sk-test-0123456789"


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.setenv("ENGAGEMENT_STORE", str(tmp_path / "own.duckdb"))
    monkeypatch.setenv("ENGAGEMENT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return read_settings()


def examined(settings, now=AS_OF + 2 * HOUR):
    return {check.name: check for check in doctor.examine(settings, now=now)}


def failed(settings):
    return [name for name, check in examined(settings).items() if not check.ok]


def test_a_good_store_passes_every_check(settings):
    store = open_store(settings.store)
    load(store, learner("a"), learner("b"), at=AS_OF - HOUR)
    night(store)
    found = examined(settings)
    assert [name for name, check in found.items() if not check.ok] == []
    assert "2 learners, facts up to 2026-03-01 22:59 UTC" in found["store"].detail
    assert found["last run"].detail == "nightly-2026-03-01-1: published, 2 hours ago"
    assert found["templates"].detail == "nudges in de, en; quizzes in de, en"
    assert "nightly" in found["pipelines"].detail


def test_no_check_shows_the_key(settings):
    found = examined(settings)
    assert found["model"].detail == "a key is set"
    assert KEY not in str(found)


def test_without_a_key_templates_stand_in(settings, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "templates" in examined(read_settings())["model"].detail


def test_a_missing_store_is_one_failure_and_is_not_made(settings):
    assert failed(settings) == ["store"]
    assert not settings.store.exists()


def test_a_store_without_a_run_is_fine(settings):
    load(open_store(settings.store), learner("a"))
    assert failed(settings) == []
    assert examined(settings)["last run"].detail == "no run yet"


def test_a_damaged_store_fails(settings):
    settings.store.write_bytes(os.urandom(20_000))
    assert failed(settings) == ["store", "last run"]


def test_a_file_of_another_kind_in_the_place_of_the_reports_fails(settings):
    load(open_store(settings.store), learner("a"))
    settings.reports.write_text("not a folder")
    assert failed(settings) == ["reports"]


def test_checks_change_nothing(settings):
    load(open_store(settings.store), learner("a"))
    before = sorted(settings.store.parent.iterdir()), settings.store.read_bytes()
    examined(settings)
    assert (sorted(settings.store.parent.iterdir()), settings.store.read_bytes()) == before


def test_a_broken_template_or_pipeline_fails(tmp_path):
    """In a copy of the checkout: templates and pipelines lie beside the package."""
    for folder in ("engagement", "fallbacks", "pipelines", "notebooks"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    (tmp_path / "fallbacks" / "nudges.en.json").write_text("{")
    (tmp_path / "pipelines" / "broken.toml").write_text("name = [")
    code = "from engagement import doctor, settings; from datetime import datetime; "
    code += "found = doctor.examine(settings.read_settings(), now=datetime(2026, 3, 1)); "
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


def test_the_json_form_of_a_check_is_documented():
    assert doctor.Check("disk", True, "fine").as_dict() == {"name": "disk", "ok": True, "detail": "fine"}


def test_the_settings_of_a_test_are_its_own():
    assert Settings.model_config["env_file"] is None
