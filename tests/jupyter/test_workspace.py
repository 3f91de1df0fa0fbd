import json

import pytest

from engagement.jupyter import workspace
from engagement.settings import PROJECT


@pytest.fixture
def originals(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("explore_cohort", "effect", "dashboard"):
        (folder / f"{name}.ipynb").write_text(f"{name} 1")
    return folder


@pytest.fixture
def copies(originals):
    return originals / "explore"


def test_copies_are_made_of_all_but_the_dashboard(originals, copies):
    assert workspace.lay_out(originals, copies) == []
    assert {path.name: path.read_text() for path in copies.glob("*.ipynb")} == {
        "explore_cohort.ipynb": "explore_cohort 1",
        "effect.ipynb": "effect 1",
    }


def test_a_copy_that_was_not_changed_follows_its_original(originals, copies):
    workspace.lay_out(originals, copies)
    (originals / "effect.ipynb").write_text("effect 2")
    assert workspace.lay_out(originals, copies) == []
    assert (copies / "effect.ipynb").read_text() == "effect 2"


def test_a_copy_that_was_changed_is_kept_and_a_new_original_laid_beside_it_once(originals, copies):
    workspace.lay_out(originals, copies)
    (copies / "effect.ipynb").write_text("mine")
    assert workspace.lay_out(originals, copies) == []  # the original is the one it was made from
    (originals / "effect.ipynb").write_text("effect 2")
    assert workspace.lay_out(originals, copies) == ["effect.new.ipynb"]
    assert (copies / "effect.ipynb").read_text() == "mine"
    assert (copies / "effect.new.ipynb").read_text() == "effect 2"
    assert workspace.lay_out(originals, copies) == []
    (originals / "effect.ipynb").write_text("effect 3")
    assert workspace.lay_out(originals, copies) == ["effect.new.ipynb"]


def test_a_copy_that_was_removed_is_made_again(originals, copies):
    workspace.lay_out(originals, copies)
    (copies / "effect.ipynb").unlink()
    workspace.lay_out(originals, copies)
    assert (copies / "effect.ipynb").read_text() == "effect 1"


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"effect.ipynb": 3}'])
def test_where_it_is_not_known_what_a_copy_was_made_from_it_counts_as_changed(originals, copies, damage):
    workspace.lay_out(originals, copies)
    (copies / "effect.ipynb").write_text("mine")
    (copies / ".originals.json").write_text(damage)
    workspace.lay_out(originals, copies)
    assert (copies / "effect.ipynb").read_text() == "mine"


def test_copies_show_no_figures_of_other_learners_and_are_otherwise_the_originals(tmp_path):
    workspace.lay_out(PROJECT / "notebooks", tmp_path)
    copies = list(tmp_path.glob("*.ipynb"))
    assert len(copies) > 5
    for copy in copies:
        original = json.loads((PROJECT / "notebooks" / copy.name).read_text())
        for cell in original["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        assert json.loads(copy.read_text()) == original


def test_figures_that_were_copied_before_go_with_the_next_laying_out(originals, copies):
    shown = {"cell_type": "code", "source": "1", "execution_count": 1, "outputs": [{"name": "stdout"}]}
    text = json.dumps({"cells": [shown, {"cell_type": "markdown", "source": "# Title"}]})
    (originals / "effect.ipynb").write_text(text)
    copies.mkdir()
    (copies / "effect.ipynb").write_text(text)
    (copies / ".originals.json").write_text(json.dumps({"effect.ipynb": workspace._digest(text.encode())}))
    assert workspace.lay_out(originals, copies) == []
    assert json.loads((copies / "effect.ipynb").read_text())["cells"][0]["outputs"] == []
