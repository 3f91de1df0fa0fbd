"""`engagement doctor`; the others of its module are tested where what they serve is."""

import json
import re

from engagement.settings import Settings
from tests.support.rights import ordinary_rights


def test_doctor_gives_its_checks_and_ends_with_them(engagement, as_json, path):
    found = as_json("doctor")
    assert set(found) == {"ok", "checks"}
    assert found["ok"] is True
    assert all(set(check) == {"name", "ok", "detail"} for check in found["checks"])


def test_doctor_fails_on_a_damaged_store(engagement, tmp_path):
    (tmp_path / "own.duckdb").write_bytes(b"no database" * 2_000)
    code, out, err = engagement("doctor", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["ok"] is False


def test_doctor_names_what_failed_to_a_person_and_shows_no_key(engagement, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    (tmp_path / "own.duckdb").unlink()
    code, out, err = engagement("doctor")
    assert code == 1
    assert re.search(r"FAILED +store ", out)
    assert "sk-test" not in out + err


def test_doctor_says_which_settings_may_not_be_read(engagement, open_folder, monkeypatch):
    engagement("doctor")  # which imports what is needed
    monkeypatch.setitem(Settings.model_config, "env_file", open_folder / ".env")
    (open_folder / ".env").touch(mode=0)
    with ordinary_rights():
        code, out, err = engagement("doctor", "--json")
    assert (code, err) == (1, "")
    (check,) = json.loads(out)["checks"]
    assert (check["name"], check["ok"]) == ("settings", False)
    assert check["detail"].startswith(f"settings: {open_folder}/.env: Permission denied; whoever owns it ")
