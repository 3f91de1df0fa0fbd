"""The files of the page: each reached, in its place and short; none makes code or HTML of a text."""

import re
from graphlib import TopologicalSorter
from itertools import chain

from engagement.settings import PROJECT

STATIC = PROJECT / "engagement" / "dashboard" / "static"
LONGEST = 300  # lines
FOLDERS = [("vendor",), ("shared",), ("drafts", "learners"), ("panel", "review"), ("frame",)]
OURS = sorted(file for file in STATIC.glob("*/*.[jc]s*") if file.parent.name != "vendor")
SCRIPTS = {file: file.read_text(encoding="utf-8") for file in OURS if file.suffix == ".js"}


def test_every_file_of_the_page_is_short_enough_to_read():
    assert len(OURS) > len(SCRIPTS) > 0
    assert [file.name for file in OURS if len(file.read_text(encoding="utf-8").splitlines()) > LONGEST] == []


def test_nothing_in_the_page_makes_html_of_text_or_code_of_it():
    for file, text in SCRIPTS.items():
        assert not re.search(r"(inner|outer)HTML|insertAdjacentHTML|dangerouslySetInner", text), file.name
        assert not re.search(r"document\.write|\beval\(|new Function", text), file.name


def imported(file):
    """Return the files that a script imports, at once or when it needs them."""
    names = re.findall(
        r'(?:\bfrom |\bimport\(|^import )"(\.[^"]+)"', SCRIPTS.get(file, ""), flags=re.MULTILINE
    )
    return {(file.parent / name).resolve() for name in names}


def test_no_script_imports_itself_by_way_of_others():
    graph = {file: imported(file) for file in SCRIPTS}
    assert sum(map(len, graph.values())) > len(SCRIPTS)
    TopologicalSorter(graph).prepare()  # raises, and names the circle


def test_a_folder_imports_only_from_those_below():
    below = {name: FOLDERS[:row] for row, names in enumerate(FOLDERS) for name in names}
    assert {file.parent.name for file in SCRIPTS} == below.keys() - {"vendor"}
    for file in SCRIPTS:
        allowed = {file.parent.name, *chain.from_iterable(below[file.parent.name])}
        assert {other.parent.name for other in imported(file)} <= allowed, file.name


def test_every_script_is_there_and_reached_from_the_first():
    reached, ahead = set(), {STATIC / "frame" / "kernel.js"}
    while ahead:
        reached |= ahead
        ahead = set(chain.from_iterable(map(imported, ahead))) - reached
    assert reached == {*SCRIPTS, *STATIC.glob("vendor/*.js")}
