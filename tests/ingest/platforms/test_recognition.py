"""Which kind of export something is, and what is said of what is none."""

import zipfile

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest.platforms import recognition


def test_a_parquet_file_of_ours_is_no_export(tmp_path):
    file = tmp_path / "learners.parquet"
    pd.DataFrame({"id": ["1"], "program": ["Maths"]}).to_parquet(file)
    assert recognition.recognised(file) is None


def test_a_folder_or_archive_that_is_no_export_is_told_as_one(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("nothing")
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    for name in ("folder", "bundle.zip"):
        with pytest.raises(InvalidInput, match=f"{name}: none of the exports that are known"):
            recognition.recognised(tmp_path / name)


def test_a_platform_that_there_is_not_is_told_with_those_there_are(tmp_path):
    with pytest.raises(InvalidInput, match=r"no such platform; there are canvas"):
        recognition.recognised(tmp_path / "any.csv", platform="blackbored")
