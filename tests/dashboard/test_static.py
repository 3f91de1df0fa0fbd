"""The files of the page: each is reached and short enough to read, none makes code or HTML of a text."""

import re

from engagement.settings import PROJECT

STATIC = PROJECT / "engagement" / "dashboard" / "static"
LONGEST = 300  # lines
OURS = sorted(file for file in STATIC.glob("*/*.[jc]s*") if file.parent.name != "vendor")
SCRIPTS = {file: file.read_text(encoding="utf-8") for file in OURS if file.suffix == ".js"}


def test_every_file_of_the_page_is_short_enough_to_read():
    assert len(OURS) > len(SCRIPTS) > 0
    assert [file.name for file in OURS if len(file.read_text(encoding="utf-8").splitlines()) > LONGEST] == []


def test_nothing_in_the_page_makes_html_of_text_or_code_of_it():
    for file, text in SCRIPTS.items():
        assert not re.search(r"(inner|outer)HTML|insertAdjacentHTML|dangerouslySetInner", text), file.name
        assert not re.search(r"document\.write|\beval\(|new Function", text), file.name
