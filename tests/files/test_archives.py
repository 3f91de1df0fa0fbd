"""Files in a zip archive: read where they lie, never unpacked to where a name in it says, never without an end."""

import zipfile

import pytest

from engagement.errors import InvalidInput
from engagement.files import archives, bombs


def archive(folder, **members):
    path = folder / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name, text)
    return path


def test_a_member_is_read_whatever_its_name_says(tmp_path):
    path = archive(tmp_path, **{"../../escaped.csv": "id\n1\n", "/users.csv": "id\n2\n"})
    texts = []
    for member in archives.members_of(path):
        with archives.unpacked(path, member) as place:
            texts.append(place.read_text(encoding="utf-8"))
    assert texts == ["id\n1\n", "id\n2\n"]
    assert [each.name for each in tmp_path.iterdir()] == ["bundle.zip"]
    assert not (tmp_path.parent.parent / "escaped.csv").exists()


def test_a_member_that_never_ends_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "most_unpacked", lambda _: 10_000)
    path = archive(tmp_path, **{"users.csv": "0" * 20_000})
    with (
        pytest.raises(InvalidInput, match="unpacks to more than"),
        archives.unpacked(path, "users.csv"),
    ):
        pass
    assert bombs.most_unpacked(path) > 20_000


@pytest.mark.parametrize("kept", [5, 60, -30, -1])
def test_a_cut_archive_is_told_as_one(tmp_path, kept):
    path = archive(tmp_path, **{"users.csv": "id\n1\n" * 100})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InvalidInput, match="truncated or damaged"):
        archives.members_of(path)


def test_a_workbook_is_no_archive(tmp_path):
    path = archive(tmp_path, **{"xl/workbook.xml": "<workbook/>"})
    assert not archives.is_archive(path)
    assert archives.is_archive(archive(tmp_path, **{"users.csv": "id\n1\n"}))
