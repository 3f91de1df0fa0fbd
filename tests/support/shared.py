"""What tests of several processes begin with: the first that asks makes it, the others wait for it and copy it."""

import fcntl
import os


def shared(tmp_path_factory, name, make):
    """Return the file of that name, which nobody changes; whoever asks first has it made, where `make` is told."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    path = folder / name
    with (folder / f"{name}.making").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        if not path.exists():
            begun = folder / f"{name}.begun"
            make(begun)
            begun.replace(path)
    return path
