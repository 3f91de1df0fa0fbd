"""The dashboard and the Streamlit page: served on the loopback address, looked at in Debian's Chromium, timed alike.

Times are taken inside the page, from the key or click as the browser stamped it to the frame in which the page shows
the result; what drives the browser adds nothing to them. A page shows a result when it has stopped working on it: the
dashboard's table is not busy, Streamlit's script has ended. Linux only.
"""

import asyncio
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError

from playwright.async_api import Browser, Locator, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from engagement.settings import PROJECT
from tests.benchmarks.footprint import _family, _text

STARTS_S = 120
LONGEST_S = 60  # whoever waits longer for a page has left
IDLE_TICKS = 3  # hundredths of a second, in each: a kernel that waits still looks around
LAST_WORD_S = 0.5  # what a page says as it is left is lost when the browser's window goes at once
WINDOW_S = 1.5  # the browser is busy with a new window of its own, whatever it will show
WATCH = """
window.bench = {
  kept: null,
  root() {
    if (!bench.kept?.host.isConnected) {
      bench.kept = [...document.querySelectorAll("div")].find((element) => element.shadowRoot)?.shadowRoot ?? null;
    }
    return bench.kept;
  },
  all: (selector) => [...(bench.root() ?? document).querySelectorAll(selector)],
  one: (selector) => bench.all(selector)[0] ?? null,
  number: (element) => Number(element.textContent.replace(/\\D/g, "")),
  until: (holds) => new Promise((done) => {
    const look = () => (holds() ? done(performance.now()) : requestAnimationFrame(look));
    look();
  }),
  after: (event, holds) => bench.until(() => bench[event] && holds()).then((at) => at - bench[event]),
  errors: new Set(),
};
for (const event of ["input", "keydown", "click"]) {
  addEventListener(event, (happened) => (bench[event] = happened.timeStamp), true);
}
setInterval(() => bench.all(bench.wrong).forEach((element) => bench.errors.add(element.textContent)), 200);
"""


@dataclass(frozen=True)
class Kind:
    """What a page looks like: `shown` is JavaScript for how many learners it says are found, null while it works."""

    shown: str
    wrong: str
    search: str
    begins: str  # the event from which a filter is timed: the last one a person has to make


OURS = Kind(
    shown="""() => {
  const list = bench.one("[data-ready] .list");
  if (list?.getAttribute("aria-busy") !== "false") return null;
  if (!bench.one("[data-testid=learner-row], [data-testid=empty]")) return null;
  return bench.number(bench.one("[data-testid=found]"));
}""",
    wrong="[data-testid=error], .toast-danger",
    search="[data-testid=search]",
    begins="input",
)
STREAMLIT = Kind(
    shown="""() => {
  const found = bench.one(".st-key-found p");
  const ended = bench.one("[data-testid=stApp][data-test-script-state=notRunning]");
  return ended && found && bench.one("[data-testid=stDataFrame] canvas") ? bench.number(found) : null;
}""",
    wrong="[data-testid=stException], [data-testid=stAlert]",
    search="[data-testid=stTextInput] input",
    begins="keydown",
)


@dataclass
class Viewer:
    """Somebody who has a page open."""

    page: Page
    kind: Kind
    thrown: list[str] = field(default_factory=list)

    async def loaded(self) -> float:
        """Return the seconds from asking for the page to a table that can be used."""
        return await self.until("bench.shown() !== null")

    async def until(self, holds: str) -> float:
        """Return the seconds from asking for the page to where the JavaScript expression holds."""
        return await self._within(self.page.evaluate(f"bench.until(() => {holds})"))

    async def filter(self, word: str, found: int) -> float:
        """Return the seconds from the last key of a search to the table that shows so many learners."""
        box = self.page.locator(self.kind.search)
        await box.focus()
        await self.page.keyboard.press("Control+A")

        async def typed() -> None:
            await (self.page.keyboard.insert_text(word) if word else self.page.keyboard.press("Backspace"))
            if self.kind.begins == "keydown":
                await self.page.keyboard.press("Enter")

        return await self.timed(typed(), self.kind.begins, f"bench.shown() === {found}")

    async def click(self, target: Locator, holds: str) -> float:
        """Return the seconds from a click to a page for which the JavaScript expression holds."""
        return await self.timed(target.click(), "click", holds)

    async def timed(self, act: Awaitable[Any], event: str, holds: str) -> float:
        """Return the seconds from the event that the act makes to a page for which the expression holds."""
        await self.page.evaluate(f"bench.{event} = 0")
        waiting = asyncio.ensure_future(self.page.evaluate(f"bench.after('{event}', () => {holds})"))
        await asyncio.sleep(0)  # it is on its way before the act
        await act
        return await self._within(waiting)

    async def _within(self, waiting: Awaitable[Any]) -> float:
        try:
            return float(await asyncio.wait_for(waiting, LONGEST_S)) / 1000
        except TimeoutError:
            shown = await self.page.evaluate("bench.shown()")
            raise TimeoutError(f"{self.page.url} shows {shown}, and says {await self.errors()}") from None

    async def errors(self) -> list[str]:
        """Return what went wrong on the page until now, as it was shown or thrown."""
        shown: list[str] = await self.page.evaluate("[...bench.errors]")
        return self.thrown + shown

    async def vanish(self) -> None:
        """End the page as a crash does, which tells the server nothing."""
        with suppress(PlaywrightError):
            await self.page.goto("chrome://crash", timeout=5_000)
        await self.page.context.close()

    async def leave(self) -> None:
        """Close the page as a person does, and forget all that the browser kept for it."""
        await self.page.goto("about:blank")
        await asyncio.sleep(LAST_WORD_S)
        await self.page.context.close()


@asynccontextmanager
async def browser(path: str) -> Any:
    """Yield a browser that reaches this machine and no other."""
    async with async_playwright() as playwright:
        words = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        opened = await playwright.chromium.launch(executable_path=path, args=words)
        try:
            yield opened
        finally:
            await opened.close()


async def come(opened: Browser, url: str, kind: Kind) -> Viewer:
    """Return a viewer with an empty cache who has just asked for the page."""
    context = await opened.new_context(viewport={"width": 1440, "height": 1000}, locale="en-GB")
    page = await context.new_page()
    await page.add_init_script(f"{WATCH} bench.shown = {kind.shown}; bench.wrong = {kind.wrong!r};")
    viewer = Viewer(page, kind)
    page.on("pageerror", lambda error: viewer.thrown.append(str(error)))
    await asyncio.sleep(WINDOW_S)
    await page.goto(url, wait_until="commit")
    return viewer


@contextmanager
def served(
    words: Sequence[str | Path], *, port: int, ready: str, env: Mapping[str, str], log: Path
) -> Iterator[int]:
    """Yield the process id of a server that answers at `ready`; it is ended with the block."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with log.open("ab") as said:
        process = subprocess.Popen(
            [str(word) for word in words],
            env=inherited | dict(env),
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}", log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + STARTS_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"no answer from {url}:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kernels(server: int) -> list[int]:
    """Return the process ids of the dashboard's kernels: forks of its template, which is the first of them."""
    return [
        pid for pid in _family(server) if "engagement.jupyter.kernels" in _text(Path(f"/proc/{pid}/cmdline"))
    ][1:]


async def preheated(server: int) -> None:
    """Return when only the kernel of the next viewer is there, and has nothing left to do."""
    end, before = time.monotonic() + STARTS_S, 0.0
    while time.monotonic() < end:
        now = kernels(server)
        used = _used_s(now[0]) if len(now) == 1 else 0.0
        if used and used - before <= IDLE_TICKS:
            return
        before = used
        await asyncio.sleep(1)
    raise RuntimeError(f"{len(kernels(server))} kernels where one should wait for the next viewer")


def _used_s(pid: int) -> float:
    words = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return float(words[11]) + float(words[12]) if words else 0.0


def unique_mb(pid: int) -> float:
    """Return the memory that would be free if only this process ended (USS)."""
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    kib = sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))
    return kib * 1024 / 1e6
