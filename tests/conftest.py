"""What the tests share: checked array shapes, the real command, a server, hypothesis unclocked."""

import hashlib
import os
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

from command_process import Copies, run_anew

# one thread a process, as there is a test worker a core: threads that wait for a core spin
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_SOURCE = Path(__file__).parent.parent / "src"


def _checked_modules():
    """Every module that names an array's shape, but those that Numba compiles.

    In the others there is nothing to check, and a wrapper around each of their functions would
    take a third of the time of the tests.
    """
    for path in (_SOURCE / "chainrule").rglob("*.py"):
        if path.parts[-2:] in (("executors", "remote.py"), ("ranks", "process.py")):
            continue  # what is in them travels by its code, which a check would become a part of
        text = path.read_text(encoding="utf-8")
        if "jaxtyping" in text and "@njit" not in text and "@compiled" not in text:
            parts = path.relative_to(_SOURCE).with_suffix("").parts
            if parts[-1] != "__init__":  # naming a package would take all that is in it
                yield ".".join(parts)


# Folders whose shared fixtures take long. A worker of `--dist worksteal` begins with its half of
# the list and steals from the end of the other's, so what begins a half is never in both.
_TOGETHER = ({"report", "test_docs_commands.py"}, {"images", "lab", "executors"})


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put them where each half of the tests begins."""
    folders = [item.path.relative_to(Path(__file__).parent).parts[0] for item in items]
    first, second = (
        [item for item, folder in zip(items, folders, strict=True) if folder in together]
        for together in _TOGETHER
    )
    others = [
        item
        for item, folder in zip(items, folders, strict=True)
        if not any(folder in together for together in _TOGETHER)
    ]
    before = max(0, len(items) // 2 - len(first))
    items[:] = first + others[:before] + second + others[before:]


# before anything imports chainrule: every call then checks the arrays that are annotated
install_import_hook(list(_checked_modules()), "array_checks.check_arrays")

settings.register_profile(
    "chainrule",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],  # by the clock: a busy machine is no fault
)
settings.load_profile("chainrule")


@pytest.fixture
def arrays_unchecked():
    """Let arrays through as in a user's program, where our own messages answer for them."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def fonts_folder():
    """The fonts that Matplotlib brings."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture(scope="session")
def letters():
    """The data set of letters in the package."""
    from chainrule.glyphs.letters import load_letters

    return load_letters()


@pytest.fixture(scope="session")
def few_letters(fonts_folder):
    """a to d in the DejaVu and STIX fonts that Matplotlib brings, some families held out."""
    from chainrule.glyphs.fonts import find_fonts, open_font
    from chainrule.glyphs.letters import build_letters

    found = find_fonts([fonts_folder])
    fonts = [open_font(p) for p in found if p.stem.startswith(("DejaVu", "STIXGen"))]
    return build_letters(fonts, "abcd", validation_families={"DejaVu Serif"})[0]


@pytest.fixture(scope="session")
def few_letters_file(few_letters, tmp_path_factory):
    from chainrule.glyphs.letters import save_letters

    path = tmp_path_factory.mktemp("letters") / "few.safetensors"
    save_letters(path, few_letters)
    return path


@pytest.fixture(scope="session", autouse=True)  # before any test changes the environment
def command():
    """Run the real command line in a process of its own: `command("points", "check")`."""
    copies = Copies()
    yield copies.run
    copies.close()


@pytest.fixture(scope="session")
def command_anew():
    """As `command`, in an interpreter that shares nothing with others, its hash seed neither."""
    return run_anew


@pytest.fixture(scope="session")
def browser():
    """Chromium, one for all tests of a process: Playwright's loop runs once in it."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (on Debian: the package chromium)")
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    with sync_playwright() as playwright:
        # no sandbox: containers run tests as root
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def refused(command):
    """Run the real command, hold that it refuses (exit code 2, one sentence), give the sentence."""

    def run(*arguments, cwd=None):
        result = command(*arguments, cwd=cwd)
        assert result.returncode == 2, result
        assert result.stdout == ""
        # a busy machine may take so long to find out that progress says what it is at
        said = re.sub(r"^[\w ,]+: preparing\n", "", result.stderr, flags=re.MULTILINE)
        assert said.startswith("chainrule: ")
        assert said.count("\n") == 1, said
        return said

    return run


class _Server:
    """Sends `files[path]`, as the Hugging Face hub does; after `stop_after` bytes it hangs up."""

    def __init__(self):
        self.files = {}
        self.checksums = {}
        self.stop_after = None
        self.stop_once = False
        self.ranges = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                content = outer.files.get(self.path.split("?")[0])
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("ETag", f'"{outer.checksum(self.path, content)}"')
                self.send_header("X-Repo-Commit", "c" * 40)
                self.end_headers()

            def do_GET(self):
                content = outer.files.get(self.path.split("?")[0])
                if content is None:
                    self.send_error(404)
                    return
                asked = self.headers.get("Range")
                outer.ranges.append(asked)
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
                if start >= len(content) and asked:
                    self.send_error(416)
                    return
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                end = len(content) if outer.stop_after is None else start + outer.stop_after
                outer.stop_after = None if outer.stop_once else outer.stop_after
                self.wfile.write(content[start:end])

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    def checksum(self, path, content):
        return self.checksums.get(path, hashlib.sha256(content).hexdigest())

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server():
    server = _Server()
    yield server
    server.close()
