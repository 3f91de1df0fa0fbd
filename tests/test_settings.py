import os
import socket
import tempfile
from datetime import UTC, datetime

import pytest

from engagement.errors import InvalidInput
from engagement.settings import PROJECT, Settings, folder_for_sockets, read_settings, zone
from tests.support.rights import ordinary_rights

KEY = "sk-test-0123456789"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


def test_without_an_environment_the_documented_defaults_hold():
    settings = read_settings()
    assert settings.own_store == PROJECT / "data" / "engagement.duckdb"  # whether a demo was made here or not
    assert settings.own_reports == PROJECT / "reports"
    assert settings.timezone == "UTC"
    assert (settings.model, settings.openai_api_key, settings.openai_base_url) == (None, None, None)
    assert (settings.users, settings.data, settings.memory_mb) == (None, None, None)


def test_a_relative_path_is_relative_to_the_project_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ENGAGEMENT_STORE", "elsewhere/x.duckdb")
    monkeypatch.setenv("ENGAGEMENT_DATA", "../shared/data")
    monkeypatch.chdir(tmp_path)
    assert read_settings().store == PROJECT / "elsewhere" / "x.duckdb"
    assert read_settings().data == PROJECT / "../shared/data"


def test_an_absolute_path_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("ENGAGEMENT_REPORTS", str(tmp_path))
    assert read_settings().own_reports == tmp_path


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_STORE", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert read_settings().own_store == PROJECT / "data" / "engagement.duckdb"
    assert read_settings().openai_api_key is None


@pytest.mark.parametrize("text", ["63", "-1", "half", "1.5GB"])
def test_memory_is_a_number_of_megabytes_that_something_can_be_done_with(monkeypatch, text):
    monkeypatch.setenv("ENGAGEMENT_MEMORY", text)
    with pytest.raises(InvalidInput, match="ENGAGEMENT_MEMORY"):
        read_settings()


def test_a_time_zone_is_known_by_its_name(monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "Europe/London")
    summer = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert summer.astimezone(read_settings().zone).hour == 13


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "", "Europe", "a\0b"])
def test_an_unknown_time_zone_is_refused(name):
    with pytest.raises(InvalidInput, match="Europe/London is"):
        zone(name)


def test_an_unknown_time_zone_in_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "Mars/Olympus")
    with pytest.raises(InvalidInput, match="time zone 'Mars/Olympus'"):
        read_settings()


def test_a_key_is_in_no_text_of_the_settings(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    settings = read_settings()
    assert settings.openai_api_key.get_secret_value() == KEY
    for text in (repr(settings), str(settings), settings.model_dump_json(), f"{settings.openai_api_key}"):
        assert KEY not in text


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        read_settings().timezone = "Europe/London"


def test_a_setting_can_stand_in_an_env_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("ENGAGEMENT_TIMEZONE=Asia/Kolkata\nUNRELATED=1\n")
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    assert read_settings().timezone == "Asia/Kolkata"
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "UTC")
    assert read_settings().timezone == "UTC"


@pytest.mark.parametrize("denied", ["the file", "its folder"])
def test_a_file_of_settings_that_may_not_be_read_is_named_with_what_to_do(monkeypatch, open_folder, denied):
    file = open_folder / ".env"
    file.write_text(f"OPENAI_API_KEY={KEY}\n")
    (file if denied == "the file" else open_folder).chmod(0)
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    with ordinary_rights(), pytest.raises(InvalidInput) as refused:
        read_settings()
    assert str(refused.value) == (
        f"settings: {file}: Permission denied; "
        "whoever owns it or its folder can let you in (chmod), or run this for you"
    )


@pytest.mark.parametrize("name", ["k-5", "x" * 60])
@pytest.mark.parametrize("length", [1, 40, 60, 95, 110, 200])
def test_a_socket_fits_into_its_folder_however_long_that_of_temporary_files_is(
    monkeypatch, tmp_path, name, length
):
    long = tmp_path
    while len(os.fsencode(long)) < length:
        long /= "ä" * 20
    long.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    folder = folder_for_sockets(f"{name}/k-5")
    assert (folder == long) is (len(os.fsencode(long / name / "k-5")) <= 103)
    with (
        tempfile.TemporaryDirectory(dir=folder_for_sockets("egabcdefgh/k-5")) as own,
        socket.socket(socket.AF_UNIX) as made,
    ):
        made.bind(f"{own}/k-5")
