"""`engagement simulate`."""


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
