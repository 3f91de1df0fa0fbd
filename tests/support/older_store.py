"""Stores as earlier versions of the program made them, and a program that knows one file more."""

import duckdb

from engagement.store import upgrade


def make_older(path, version):
    """Make an empty store of that version."""
    with duckdb.connect(path) as db:
        db.execute("create table schema_version (version integer not null)")
        for number, file in enumerate(upgrade.FILES[:version], start=1):
            db.execute(file.read_text())
            db.execute("insert into schema_version values ($number)", {"number": number})


def with_one_more_file(monkeypatch, folder, sql):
    """Let the program know one file more than it does."""
    file = folder / f"{upgrade.SCHEMA_VERSION + 1:03}_more.sql"
    file.write_text(sql)
    monkeypatch.setattr(upgrade, "FILES", [*upgrade.FILES, file])
    monkeypatch.setattr(upgrade, "SCHEMA_VERSION", upgrade.SCHEMA_VERSION + 1)
