"""The store that the examples in `engagement.api` are run on: 300 invented learners, made once."""

import pytest
from _pytest.doctest import DoctestItem

import engagement


@pytest.fixture(scope="session")
def store_of_examples(tmp_path_factory):
    from tests.support.notebooks import (
        shared_scratch_store,  # this module is a plugin, which every process loads
    )

    return shared_scratch_store(tmp_path_factory)


@pytest.fixture(autouse=True)
def _examples(request, monkeypatch):
    if not isinstance(request.node, DoctestItem) or request.node.dtest.globs["__name__"] != "engagement.api":
        return
    for name, value in request.getfixturevalue("store_of_examples").items():
        if name.startswith("ENGAGEMENT_"):
            monkeypatch.setenv(name, value)
    request.node.dtest.globs["eg"] = engagement
