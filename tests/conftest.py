"""What the tests share: the real command, and hypothesis without a clock."""

import subprocess
import sys

import pytest
from hypothesis import settings

settings.register_profile("chainrule", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("chainrule")


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
        assert result.stderr.startswith("chainrule: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr

    return run
