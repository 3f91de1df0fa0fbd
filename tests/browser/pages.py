"""Pages of a dashboard in a browser, and what none of them may ever do.

That is: run a stranger's script, break its own policy, speak to another host, or report an error.
"""

from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit

from playwright.sync_api import expect

PATIENCE_MS = 20_000  # for what takes a moment on a quiet machine
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}

TELL = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
LOCAL = ("data", "blob", "about")
SIGNS = ("Content Security Policy", "Connection lost")  # a browser only warns of them


class Watch:
    """Everything that a page was seen to do and may not."""

    def __init__(self, page, address):
        self.host = urlsplit(address).netloc
        self.findings = []
        self.forgiven = ()
        page.add_init_script(TELL)
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("pageerror", lambda error: self.findings.append(f"error: {error}"))
        page.on("console", self._said)
        page.on("dialog", self._dialog)

    def _asked(self, url):
        parts = urlsplit(url)
        if parts.scheme not in LOCAL and parts.netloc != self.host:
            self.findings.append(f"another host: {url}")

    def _said(self, message):
        if message.type == "error" or any(sign in message.text for sign in SIGNS):
            self.findings.append(f"console: {message.text}")

    def _dialog(self, dialog):
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self.findings.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def forgive(self, *texts):
        """Let pass what a test brings about on purpose."""
        self.forgiven += texts

    def saw_nothing(self):
        """Fail where there is anything that was not told before."""
        found, self.findings = self.findings, []
        left = [one for one in found if not any(text in one for text in self.forgiven)]
        assert not left, "\n".join(left)


@contextmanager
def pages(browser):
    """Yield what opens pages; at the end no page may have done what none may do."""
    opened = []

    def visit(address, hash="#/learners", *, ready=True, viewport=WIDE, locale="en-GB", script="", **options):
        options = {"timezone_id": "UTC", "reduced_motion": "reduce", **options}
        context = browser.new_context(viewport=viewport, locale=locale, accept_downloads=True, **options)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.watch = Watch(page, address)
        page.add_init_script(script)
        opened.append(page)
        page.goto(f"{getattr(address, 'entrance', address + '/')}{hash}")
        if ready:
            expect(page.get_by_role("navigation", name="Views")).to_be_visible()
        return page

    yield SimpleNamespace(visit=visit, opened=opened)
    for page in opened:
        page.goto("about:blank")  # its kernel ends
        page.context.close()
    for page in opened:
        page.watch.saw_nothing()
