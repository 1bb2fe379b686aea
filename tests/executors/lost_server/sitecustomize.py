"""On the path of the cluster's first node: the first process that Ray's proxy starts there for a
client from outside is lost at once, as one was on a busy machine. All else is left alone."""

import os
import subprocess
import sys


class _FirstIsLost(subprocess.Popen):
    lost = False

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        if "--mode=specific-server" in self.args and not _FirstIsLost.lost:
            _FirstIsLost.lost = True
            self.kill()
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)  # who started it finds out


if "--mode=proxy" in sys.orig_argv:
    subprocess.Popen = _FirstIsLost
