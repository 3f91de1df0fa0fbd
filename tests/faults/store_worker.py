"""A process of its own for the tests of the store: it works on a file, or dies at a given step.

    store_worker.py work PATH SECONDS ROLE…    one thread per role (write, read); prints what it saw as JSON
    store_worker.py acknowledge PATH NAME      writes until it is killed; prints each number once it is kept
    store_worker.py die FOLDER STEP…           a process each kills itself at that step of a write
    store_worker.py fill PATH MEGABYTES        writes until files may not grow further, then with room again
    store_worker.py upgrade FOLDER STEP…       the same for steps of bringing an older store up to date
    store_worker.py cramped PATH BYTES         reads the store where no file may be larger; prints what it is told

`die` and `upgrade` work on FOLDER/STEP/store.duckdb and print how each of their processes ended. A write is always
a pair of rows, so that an odd count is half a write.
"""

import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from engagement.errors import EngagementError
from engagement.store import Store, first_row, upgrade
from engagement.store.locks import turnstile

COUNT = "select count(*) from tombstones"


def insert_half(db, name):
    db.execute("insert into tombstones values ($name, '2026-01-01')", {"name": name})


def insert_pair(db, name):
    insert_half(db, f"{name} a")
    insert_half(db, f"{name} b")


def kill_self(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def work(store, seconds, roles):
    results = []

    def one(role, number):
        seen = {"role": role, "kept": [], "longest_wait_s": 0.0, "errors": []}
        results.append(seen)
        deadline = time.monotonic() + seconds
        last = 0
        try:
            while time.monotonic() < deadline:
                asked = time.monotonic()
                with store.write() if role == "write" else store.read() as db:
                    seen["longest_wait_s"] = max(seen["longest_wait_s"], time.monotonic() - asked)
                    if role == "write":
                        name = f"{os.getpid()} {number} {len(seen['kept'])}"
                        insert_pair(db, name)
                    else:
                        count = first_row(db, COUNT)[0]
                        if count % 2 or count < last:
                            seen["errors"].append(f"{count} rows after {last}")
                        last = count
                if role == "write":
                    seen["kept"].append(name)
        except Exception as error:
            seen["errors"].append(repr(error))

    threads = [threading.Thread(target=one, args=(role, number)) for number, role in enumerate(roles)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(results))


def acknowledge(store, name):
    number = 0
    while True:
        with store.write() as db:
            insert_pair(db, f"{name} {number}")
        print(number, flush=True)
        number += 1


def one_by_one(act, folder, steps):
    """Let a process of its own do each step, which has loaded the program already; print how each ended."""
    ended = []
    for step in steps:
        child = os.fork()  # before any store is open: no thread of an engine is left behind
        if not child:
            act(Store(folder / step / "store.duckdb"), step)
            os._exit(0)
        ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(ended))


def die(store, step):
    if step == "lock":
        with turnstile(store.path, exclusive=True, wait_s=5):
            kill_self()
    if step == "begin":
        upgrade.bring_up_to_date = kill_self
    if step == "commit":
        Store._detach = kill_self
    with store.write() as db:
        insert_half(db, f"{step} a")
        if step == "half":
            kill_self()
        if step == "insert":
            threading.Timer(0.1, kill_self).start()
            db.execute("insert into tombstones select i, '2026-01-01' from range(50_000_000) as t (i)")
        insert_half(db, f"{step} b")
        if step == "pair":
            kill_self()


def fill(store, megabytes):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(float(megabytes) * 1_000_000), hard))
    kept, error = 0, None
    while error is None and kept < 1_000:
        try:
            with store.write() as db:
                db.execute(
                    """
                    insert into tombstones
                    select sha256(($block * 2000 + i)::text) || md5(i::text), '2026-01-01' from range(2000) as t (i)
                    """,
                    {"block": kept},
                )
            kept += 1
        except EngagementError as problem:
            error = problem
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    with store.write() as db:
        insert_pair(db, "with room again")
    print(json.dumps({"kept": kept, "kind": type(error).__name__, "message": str(error)}))


def upgraded(store, step):
    def in_the_middle(file, copy):
        copy.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        kill_self()

    def then_kill(work, times):
        left = iter(range(times))

        def worked(*given, **named):
            work(*given, **named)
            if next(left, None) is None:
                kill_self()

        return worked

    match step:
        case "copy":
            upgrade.duplicate = in_the_middle
        case "change":
            upgrade._change = kill_self
        case "file":
            upgrade._apply = then_kill(upgrade._apply, 4)
        case "swap":
            upgrade._swap = kill_self
        case "own":
            os.chown = kill_self
        case "link":
            os.link = kill_self
        case "flush":
            upgrade._flush = kill_self
        case "replace":
            Path.replace = kill_self
        case "flush folder":
            upgrade._flush = then_kill(upgrade._flush, 1)
        case "tell":
            upgrade._log.warning = kill_self
    with store.read():
        pass


def cramped(store, size):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        with store.read():
            pass
    except EngagementError as error:
        print(error)


if __name__ == "__main__":
    action, path, *rest = sys.argv[1:]
    store = Store(Path(path))
    match action:
        case "work":
            store.make()
            work(store, float(rest[0]), rest[1:])
        case "acknowledge":
            store.make()
            acknowledge(store, *rest)
        case "die":
            one_by_one(die, Path(path), rest)
        case "fill":
            fill(store, *rest)
        case "upgrade":
            one_by_one(upgraded, Path(path), rest)
        case "cramped":
            cramped(store, int(float(rest[0])))
