"""Stores as earlier versions of the program made them, and a program that knows one file more."""

import zlib

import duckdb

from engagement.store import upgrade

_made = {}


def make_older(path, version):
    """Make an empty store of that version, of the nearest one before it that was made in this process."""
    nearest = max((made for made in _made if made <= version), default=0)
    if nearest:
        path.write_bytes(zlib.decompress(_made[nearest]))
    with duckdb.connect(path) as db:
        if not nearest:
            db.execute("create table schema_version (version integer not null)")
        for number, file in enumerate(upgrade.FILES[nearest:version], start=nearest + 1):
            db.execute(file.read_text())
            db.execute("insert into schema_version values ($number)", {"number": number})
    _made[version] = zlib.compress(path.read_bytes(), 1)


def with_one_more_file(monkeypatch, folder, sql):
    """Let the program know one file more than it does."""
    file = folder / f"{upgrade.SCHEMA_VERSION + 1:03}_more.sql"
    file.write_text(sql)
    monkeypatch.setattr(upgrade, "FILES", [*upgrade.FILES, file])
    monkeypatch.setattr(upgrade, "SCHEMA_VERSION", upgrade.SCHEMA_VERSION + 1)
