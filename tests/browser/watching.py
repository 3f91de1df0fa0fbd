"""What no page may ever do: run a stranger's script, break its own policy, or speak to another host."""

from urllib.parse import urlsplit

INIT = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.broken.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
LOCAL = ("data", "blob", "about")


class Watch:
    """Everything that a page was seen to do and may not."""

    def __init__(self, page, address):
        self.host = urlsplit(address).netloc
        self.findings = []
        self.forgiven = ()
        page.add_init_script(INIT)
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
        if message.type == "error" or "Content Security Policy" in message.text:
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
        """Fail where there is anything."""
        left = [found for found in self.findings if not any(text in found for text in self.forgiven)]
        assert left == []
