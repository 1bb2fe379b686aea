"""What the tests share: array shapes are checked, the real command, hypothesis without a clock."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# one thread a process, as there is a test worker a core: threads that wait for a core spin
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_SOURCE = Path(__file__).parent.parent / "src"


def _checked_modules():
    """Every module whose annotations beartype can check: all but those that Numba compiles."""
    for path in (_SOURCE / "chainrule").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "@njit" not in text and "@compiled" not in text:
            parts = path.relative_to(_SOURCE).with_suffix("").parts
            if parts[-1] != "__init__":  # naming a package would take all that is in it
                yield ".".join(parts)


# before anything imports chainrule: every call then checks the arrays that are annotated
install_import_hook(list(_checked_modules()), "array_checks.check_arrays")

settings.register_profile("chainrule", deadline=None, derandomize=True, max_examples=50)
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
def command():
    """Run the real command line in a process of its own: `command("points", "check")`."""

    def run(*arguments, cwd=None, timeout=300):
        return subprocess.run(
            [sys.executable, "-m", "chainrule", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def refused(command):
    """Run the real command, hold that it refuses (exit code 2, one sentence), give the sentence."""

    def run(*arguments, cwd=None):
        result = command(*arguments, cwd=cwd)
        assert result.returncode == 2, result
        assert result.stdout == ""
        # a busy machine may take so long to find out that progress says what it is at
        said = re.sub(r"^[\w ]+: preparing\n", "", result.stderr, flags=re.MULTILINE)
        assert said.startswith("chainrule: ")
        assert said.count("\n") == 1, said
        return said

    return run
