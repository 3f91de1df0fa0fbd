"""The line between a page and its kernel in a test's hands: what is said on it can wait, get lost, or be spoilt."""

# A socket like any other until `line` is told of a method: `keeps` what is asked, or answered, until `release`.
SCRIPT = """
window.line = {
  asked: new Map(), waiting: [], keptAsked: new Set(), keptAnswers: new Set(),
  lost: new Set(), spoilt: new Set(), seen: [],
  release() {
    line.keptAsked.clear();
    line.keptAnswers.clear();
    line.waiting.splice(0).forEach((go) => go());
  },
};
const reader = new TextDecoder();
window.WebSocket = class extends window.WebSocket {
  send(bytes) {
    const [, id, method] = /"id":(\\d+),"method":"(\\w+)"/.exec(reader.decode(bytes)) ?? [];
    line.asked.set(id, method);
    line.seen.push(method);
    if (line.lost.delete(method)) return;
    if (line.spoilt.delete(method)) bytes[reader.decode(bytes).indexOf(`"method":"${method}`) + 10] ^= 1;
    if (line.keptAsked.has(method)) line.waiting.push(() => super.send(bytes));
    else super.send(bytes);
  }
  set onmessage(hear) {
    super.onmessage = (event) => {
      const [, id] = /"id": ?(\\d+), ?"(?:result|error)"/.exec(reader.decode(event.data)) ?? [];
      if (line.keptAnswers.has(line.asked.get(id))) line.waiting.push(() => hear(event));
      else hear(event);
    };
  }
};
"""


class Line:
    """What a test does with the line of a page that was opened with `SCRIPT`."""

    def __init__(self, page):
        self.page = page

    def keep_asked(self, method):
        """Let what is asked by the method wait here, as on a slow network."""
        self.page.evaluate("method => { line.keptAsked.add(method); line.seen = []; }", method)

    def keep_answers(self, method):
        """Let the answers of the method wait here: the kernel has given them."""
        self.page.evaluate("method => { line.keptAnswers.add(method); line.seen = []; }", method)

    def lose(self, method):
        """Let the next that is asked by the method never arrive, as on a socket that is about to close."""
        self.page.evaluate("method => { line.lost.add(method) }", method)

    def spoil(self, method):
        """Let the next that is asked by the method be refused."""
        self.page.evaluate("method => { line.spoilt.add(method) }", method)

    def release(self):
        """Let everything go on that waits here."""
        self.page.evaluate("line.release()")

    def waits(self, count):
        """Wait until so much waits here."""
        self.page.wait_for_function("count => line.waiting.length === count", arg=count)

    def asked(self, method):
        """Return how often the method was asked since something was last kept."""
        return self.page.evaluate("method => line.seen.filter((one) => one === method).length", method)
