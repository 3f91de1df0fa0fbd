"""Any text as UTF-8 with one kind of line end, and nothing left behind."""

import gzip
import shutil
import sys
import tempfile
import tracemalloc

import pytest

from engagement.errors import EngagementError, InvalidInput
from engagement.files import encoding as encodings
from engagement.files.encoding import plain_text, start_of_text

TEXT = "id,name\n1,Zoë “Invented” €\n2,x\n"
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]


def write(folder, content):
    path = folder / "some.csv"
    path.write_bytes(content)
    return path


def read(folder, content):
    path = write(folder, content)
    with plain_text(path) as plain:
        return plain.path.read_bytes().decode("utf-8-sig")


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """The only folder for temporary files; nothing may be left in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_is_the_same_however_it_was_written(tmp_path, encoding, packed, newline):
    content = packed(TEXT.replace("\n", newline).encode(encoding))
    assert read(tmp_path, content).replace("\r\n", "\n") == TEXT


def test_utf_16_from_a_big_endian_machine_is_known_by_its_mark(tmp_path):
    assert read(tmp_path, b"\xfe\xff" + TEXT.encode("utf-16-be")) == TEXT


@pytest.mark.parametrize(
    ("content", "same"),
    [
        (b"", True),
        (b"a\nb", True),
        (b"a\r\nb\r\n", True),
        ("é\n".encode(), True),
        (b"a\r\nb", True),
        (b"a\nb\r\n", False),
        (b"a\r\nb\n", False),
        (b"a\rb\r", False),
        (b"a\r\r\nb\r\n", False),
        (b"a\r\nb\r", False),
        (b"\r\n\n", False),
        (b"\xe9\n", False),
    ],
)
def test_only_what_the_reader_cannot_take_is_written_once_more(tmp_path, monkeypatch, content, same):
    path = write(tmp_path, content)
    for size in range(1, len(content) + 2):
        monkeypatch.setattr(encodings, "_CHUNK", size)
        with plain_text(path) as plain:
            assert (plain.path == path) is same
            assert plain.path.read_bytes() == (
                content if same else plain.path.read_bytes().replace(b"\r", b"")
            )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_chunk_may_end_within_a_character_or_a_line_end(tmp_path, monkeypatch, encoding):
    text = "é€x\r\n𝄞y\rz\n" if encoding.startswith("utf") else "é €\r\ny\rz\n"
    content = text.encode(encoding)
    for size in range(2, len(content) + 1):
        monkeypatch.setattr(encodings, "_CHUNK", size)
        assert read(tmp_path, content) == text.replace("\r\n", "\n").replace("\r", "\n")


def test_lines_keep_their_numbers_where_line_ends_are_mixed(tmp_path):
    assert read(tmp_path, b'1\r\n2\r3\n\n"5\r6\r\n7"') == '1\n2\n3\n\n"5\n6\n7"'


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("shift_jis", "山田太郎 佐藤花子 鈴木一郎"),
        ("euc_jp", "山田太郎 佐藤花子 鈴木一郎"),
        ("euc_kr", "김철수 이영희 박민수"),
    ],
)
def test_a_few_names_of_two_bytes_a_letter_are_no_broken_utf_8(tmp_path, encoding, names):
    with pytest.raises(InvalidInput, match=f"`--encoding {encoding}`"):
        read(tmp_path, f"id,name\n1,{names}\n".encode(encoding))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id\n\x81\n", "bytes that are no text in UTF-8, UTF-16 or Windows-1252"),
        ("id\nZoë\n".encode() + b"\xff\n", "UTF-8 with broken bytes"),
        ("id\nx\n".encode("utf-16") + b"x", "not all of it is UTF-16-LE"),
        ("id\n".encode("utf-16") + b"\x00\xd8x\x00", "not all of it is UTF-16-LE"),
        (b"\xfe\xff\x00i\xdc\x00", "not all of it is UTF-16-BE"),
        (b"PK\x03\x04 and so on", "a workbook or a zip archive that is damaged"),
        (b"\xd0\xcf\x11\xe0 and so on", "an old workbook"),
    ],
    ids=["no text", "broken UTF-8", "half a unit", "lone high", "lone low", "xlsx", "xls"],
)
def test_what_is_no_text_is_refused_by_name(tmp_path, content, message):
    with pytest.raises(InvalidInput, match=rf"some\.csv: {message}"):
        read(tmp_path, content)


def test_no_length_of_a_truncated_archive_is_a_file(tmp_path):
    whole = gzip.compress(TEXT.encode() * 50, mtime=0)
    for length in range(2, len(whole)):
        with pytest.raises(InvalidInput, match="the gzip archive is truncated or damaged"):
            read(tmp_path, whole[:length])


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-8] + bytes(8),
        lambda whole: whole[:12] + bytes([whole[12] ^ 0xFF]) + whole[13:],
        lambda whole: whole + b"something else",
    ],
    ids=["checksum", "content", "tail"],
)
def test_a_damaged_archive_is_refused(tmp_path, damage):
    with pytest.raises(InvalidInput, match="the gzip archive is truncated or damaged"):
        read(tmp_path, damage(gzip.compress(TEXT.encode(), mtime=0)))


def test_archives_that_were_joined_are_one_text(tmp_path):
    assert read(tmp_path, gzip.compress(b"a\n") + gzip.compress(b"b\n")) == "a\nb\n"


@pytest.mark.parametrize("content", [b"\0", b"x", b"\0\0", b"\0x", b"x\0", b"\xff", b"\x1f"])
def test_the_shortest_files_are_read_or_refused(tmp_path, content):
    try:
        assert len(read(tmp_path, content)) in (1, 2)
    except InvalidInput as error:
        assert "some.csv" in str(error)  # noqa: PT017 (either may come)


def test_a_copy_has_no_name_and_goes_with_what_was_wrong_with_it(tmp_path, scratch):
    with pytest.raises(ZeroDivisionError), plain_text(write(tmp_path, b"a\rb")) as plain:
        assert plain.path.read_bytes() == b"a\nb"
        if sys.platform == "linux":
            assert list(scratch.iterdir()) == []  # which is what a kill would leave
        raise ZeroDivisionError
    assert not plain.path.exists()


@pytest.mark.parametrize(
    ("head", "piece", "times", "said"),
    [
        (b"id\n", b"S-1,A,,,X,,1,1,1\n" * 1000, 5_000, "some.csv: unpacks to more than 200 times its size"),
        (b"id\n", b"A" * 1_000_000, 40, "some.csv: a line is longer than 16 MB"),
        ("id\n\xe9".encode("cp1252"), b"A" * 1_000_000, 40, "some.csv: a line is longer than 16 MB"),
        (
            "id\n".encode("utf-16"),
            "A".encode("utf-16-le") * 500_000,
            40,
            "some.csv: a line is longer than 16 MB",
        ),
    ],
    ids=["rows", "a line", "a line in Windows-1252", "a line in UTF-16"],
)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, head, piece, times, said):
    tracemalloc.start()
    with gzip.open(tmp_path / "some.csv", "wb", compresslevel=6) as file:
        file.write(head)
        for _ in range(times):
            file.write(piece)
    tracemalloc.reset_peak()
    with pytest.raises(InvalidInput, match=said), plain_text(tmp_path / "some.csv"):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000_000


def test_a_line_without_an_end_is_refused_in_a_plain_file_too(tmp_path):
    with pytest.raises(InvalidInput, match="a line is longer than 16 MB"):
        read(tmp_path, b"id\n" + b"A" * 17 * 1024 * 1024)


def test_what_does_not_fit_says_where_and_what_else_there_is(tmp_path, scratch, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(EngagementError, match=f"does not fit into {scratch} .*TMPDIR"):
        read(tmp_path, gzip.compress(b"a\n" * 100))


# --- which encoding ----------------------------------------------------------------------------------------------


def told(folder, content, encoding):
    with plain_text(write(folder, content), encoding) as plain:
        return plain.path.read_bytes().decode("utf-8-sig"), plain.guess


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "id,name\r1,Zdeněk\r"),
        ("windows-1251", "id,name\n1,Иван\n"),
        ("mac_roman", "id,name\r1,Zoë Niño\r"),
        ("shift_jis", "id,name\n1,山田 太郎\n"),
        ("gb18030", "id,name\r\n1,王伟𠀀\r\n"),
        ("utf-32", "id,name\n1,Zoë\n"),
        ("utf-16", "id,name\n1,Zoë\n"),
        ("utf-8", "id,name\n1,Zoë\n"),
        ("cp037", "id,name\n1,Zoe\n"),
    ],
)
@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_what_is_said_of_a_text_is_how_it_is_read(tmp_path, encoding, text, packed):
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert told(tmp_path, packed(text.encode(encoding)), encoding) == (plain, "")


def test_a_text_of_ascii_is_one_in_nearly_any_encoding(tmp_path):
    with plain_text(write(tmp_path, b"id\n1\n"), "shift_jis") as plain:
        assert (plain.path, plain.encoding) == (tmp_path / "some.csv", "utf-8")


def test_a_guess_is_told_with_its_letters_and_the_first_line(tmp_path):
    text = "id,name\n1,Mei\n2,Zoë Müller\n3,Françoise\n"
    with plain_text(write(tmp_path, text.encode("cp1252"))) as plain:
        assert plain.encoding == "cp1252"
        assert "its letters beyond ASCII are ç, ë, ü, first in line 3" in plain.guess
        assert "`--encoding`" in plain.guess
        assert "Zo" not in plain.guess
    with plain_text(write(tmp_path, text.encode())) as plain:
        assert (plain.encoding, plain.guess) == ("utf-8", "")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_guess_of_which_no_words_come_is_refused_with_what_to_try(tmp_path, newline):
    content = "id,name\n1,Mei\n2,Paweł Wałęsa\n".replace("\n", newline).encode("cp1250")
    message = r"no words come of it \(line 3: ³, ê\); try `--encoding cp1250` \(its letters are ę, ł\)"
    with pytest.raises(InvalidInput, match=message):
        read(tmp_path, content)
    assert told(tmp_path, content, "cp1252")[0].startswith(
        "id,name\n1,Mei\n2,Pawe³"
    )  # as it is, where one insists


def test_bytes_that_are_no_windows_1252_are_refused_with_what_to_try(tmp_path):
    with pytest.raises(
        InvalidInput, match="no text in UTF-8, UTF-16 or Windows-1252; try `--encoding mac_roman`"
    ):
        read(tmp_path, "id,name\n1,François Müller\n".encode("mac_roman"))


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ("id\nZdeněk\n".encode(), "cp1250", r"is UTF-8, and no words come of it as cp1250 \(line 2\)"),
        ("id\nИван\n".encode("utf-8-sig"), "cp1251", "begins with the mark of UTF-8, so it is not cp1251"),
        ("id\nИван\n".encode("utf-16"), "utf-8", "begins with the mark of UTF-16, so it is not utf-8"),
        ("id\nZdeněk\n".encode("cp1250"), "utf-8", "not all of it is UTF-8; try `--encoding cp1250`"),
        ("id\nZdeněk\n".encode("cp1250"), "shift_jis", "not all of it is CP932"),
        (b"<html>", "cp1250", "an HTML page"),
    ],
    ids=["UTF-8", "mark", "UTF-16", "not UTF-8", "not Japanese", "a page"],
)
def test_what_is_said_of_a_text_and_cannot_be_is_refused(tmp_path, content, encoding, message):
    with pytest.raises(InvalidInput, match=message):
        told(tmp_path, content, encoding)


@pytest.mark.parametrize(
    "text", ["id,name\n1,Zoë Müller\n2,Mei\n", "id,name\n1,Zdeněk\n", "id,name\n1,Иван\n"]
)
def test_letters_that_were_encoded_twice_are_refused(tmp_path, text):
    twice = text.encode().decode("cp1252", "surrogateescape").encode("utf-8", "surrogateescape")
    with pytest.raises(InvalidInput, match="its letters were encoded twice"):
        read(tmp_path, twice)
    assert told(tmp_path, twice, "utf-8")[0] == twice.decode()
    assert read(tmp_path, "id,name\n1,Â Ã\n2,Zoë\n".encode())


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_start_of_a_text_is_what_is_read_of_it(tmp_path, encoding, packed):
    path = tmp_path / "some.csv"
    text = "id;name\r\n1;Zoë\r\n" + "2;Änne\r\n" * 200_000
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    start = start_of_text(path)
    assert len(start) > 100_000
    with plain_text(path) as plain:
        assert plain.path.read_text("utf-8-sig").startswith(start[:100_000])


def test_a_damaged_archive_has_no_start(tmp_path):
    path = tmp_path / "some.csv.gz"
    path.write_bytes(gzip.compress(b"id\n1\n")[:-9])
    assert start_of_text(path) == ""
