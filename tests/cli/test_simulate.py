"""`engagement simulate`."""

import json

import engagement as eg
from engagement.store import Store
from tests.support.cohort import AS_OF, DAY, HOUR, learner, load


def test_simulate_shows_what_other_numbers_would_change(engagement, as_json, tmp_path):
    (tmp_path / "policy.toml").write_text("[risk]\nhigh_above = 0.9\n")
    code, out, err = engagement("simulate", str(tmp_path / "policy.toml"))
    assert (code, err) == (0, "")
    assert "2 of 3 learners would get another label" in out
    found = as_json("simulate", str(tmp_path / "policy.toml"), "--program", "Welding")
    assert set(found) == {"finding", "workload", "moves", "discrimination"}
    assert found["moves"] == [{"label_now": "high", "label_then": "medium", "learners": 1}]


def test_simulate_refuses_a_policy_that_makes_no_sense(refused, tmp_path):
    (tmp_path / "policy.toml").write_text("[risk]\nhigh_above = 7\n")
    assert "medium_above, high_above" in refused("simulate", str(tmp_path / "policy.toml"))[1]


def test_simulate_without_a_date_asks_what_an_analyst_asks(engagement, refused, as_json, path, tmp_path):
    """The newest facts, a day before today: who was ten days away by then is at low risk, and today no more."""
    away = {"completed_percent": 100, "avg_quiz_score": 100, "consecutive_missed_sessions": 7}
    load(Store(path), learner("away", **away, last_login=AS_OF - 10 * DAY), at=AS_OF)
    policy = tmp_path / "policy.toml"
    policy.write_text("[risk]\nmedium_above = 0.235\n")
    found = as_json("simulate", policy)
    assert found == eg.simulate(policy).as_dict() == as_json("simulate", policy, "--as-of", AS_OF.isoformat())
    code, out, err = engagement("simulate", policy, "--json", "--as-of", (AS_OF + 9 * HOUR).isoformat())
    assert (code, json.loads(out) == found) == (0, False)
    assert f"the newest facts are from {AS_OF:%Y-%m-%d}" in err
    assert "lies after today" in refused("simulate", policy, "--as-of", "2126-03-01")[1]
