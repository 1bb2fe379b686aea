"""The real `chainrule lab` in a process of its own, and its page in a real browser."""

import os
import shutil
import signal
import subprocess
import sys
from urllib.parse import urlsplit

LATE = 300_000  # milliseconds: kernels may have to be compiled first, on a slow, busy machine
READY = "room.iteration !== undefined"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Server:
    """`chainrule lab` on a free port."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chainrule", "lab", "--port", "0", "--no-browser",
             "--out", str(folder), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONWARNINGS": "error"},
            # what runs in a background takes no Ctrl-C, and its children would take none either
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )  # fmt: skip
        self.address = self.process.stdout.readline().strip()
        parts = urlsplit(self.address)
        self.host, self.port = parts.hostname, parts.port
        self.origin = f"http://{parts.netloc}"
        self.token = parts.query.removeprefix("token=")

    def stop(self, number=signal.SIGINT, timeout=120):
        """End it; give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout)
        self.process.stdout.close()
        self.said = self.process.stderr.read()
        self.process.stderr.close()
        return code


def fetched(context, address):
    """What the lab answers a browser outside of its page. It may just have closed the connection
    that would be used again."""
    return context.request.get(address, max_retries=5)


class Tabs:
    """Tabs that note all that must not be: console errors, refused code, failed or far requests."""

    def __init__(self, browser):
        self._browser, self._contexts, self.wrong = browser, [], []
        self._refusals = []
        self.allowed = set()  # the statuses of refusals that a test is about
        self.listening = True  # False where a test ends the lab that a tab is of

    def context(self, width=1440, scheme="light", moving=False, **options):
        """A browser of its own. It asks for less motion, so that runs wait, unless `moving`."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="no-preference" if moving else "reduce",
            **options,
        )
        context.set_default_timeout(LATE)
        self._contexts.append(context)
        return context

    def open(self, server, path="/", context=None, **options):
        """Enter with the token, then go to a place of the lab."""
        context = context or self.context(**options)
        tab = context.new_page()
        tab.on("console", self._said)
        tab.on("pageerror", lambda error: self._note(str(error)))
        tab.on("requestfailed", self._failed)
        tab.on("response", self._answered)
        tab.on("request", lambda r: self._far(server, r.url))
        if not context.cookies():
            fetched(context, server.address)
        tab.goto(server.origin + path)
        return tab

    def _note(self, text):
        if self.listening:
            self.wrong.append(text)

    def _said(self, message):
        expected = any(f"status of {status}" in message.text for status in self.allowed)
        if message.type in ("error", "warning") and not expected:
            self._note(message.text)

    def _answered(self, response):
        if response.status >= 400 and response.status not in self.allowed and self.listening:
            self._refusals.append(response)

    def _failed(self, request):
        # a request that the page itself gave up as it closed is none that failed
        if "ERR_ABORTED" not in (request.failure or ""):
            self._note(f"{request.failure} {request.url}")

    def _far(self, server, url):
        if not url.startswith((server.origin, "data:", "blob:")):
            self._note(f"far away: {url}")

    def close(self):
        for refusal in self._refusals:  # not as they come: Playwright reads nothing as it tells
            self.wrong.append(f"{refusal.status} {refusal.url} {_said(refusal)}")
        for context in self._contexts:
            context.close()


def _said(response):
    """What a refusal says, if its tab still knows."""
    try:
        return response.text()
    except Exception as error:  # Playwright's, which is not there without a browser
        return f"({error})"


_UNTIL = """() => new Promise((done, fail) => {
  const look = () => {
    const room = document.querySelector("[data-room]")?.dataset ?? {};
    const found = CONDITION;
    if (found) { stop(); done(found); }
  };
  const stop = () => { observer.disconnect(); clearTimeout(late); clearInterval(again); };
  const observer = new MutationObserver(look);
  observer.observe(
    document, {subtree: true, childList: true, attributes: true, characterData: true}
  );
  const again = setInterval(look, 100); // a picture that is loaded changes no element
  const late = setTimeout(() => {
    stop();
    const now = document.querySelector("[data-room]")?.dataset;
    fail(new Error("never: CONDITION; " + JSON.stringify(now)));
  }, LATE);
  look();
})"""


def press_as_soon_as(tab, condition, name):
    """Press a button in the moment in which a condition holds: what it ends may be over soon."""
    button = f"[...document.querySelectorAll('button')].find((b) => b.textContent === '{name}')"
    until(tab, f"({condition}) && {button} && ({button}.click(), true)")


def until(tab, condition):
    """Wait until a condition in JavaScript holds, looking whenever the page changes; `room` is the
    room's data attributes. (Playwright's own wait needs what the page's policy forbids.)"""
    script = _UNTIL.replace("CONDITION", condition.replace('"', "'")).replace("LATE", str(LATE))
    for _ in range(5):
        try:
            return tab.evaluate(script)
        except Exception as error:  # Playwright's, which is not there without a browser
            if "promise was garbage collected" not in str(error):
                raise
    raise AssertionError(f"the browser loses every promise of {condition}")
