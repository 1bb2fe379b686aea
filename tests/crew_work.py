"""Work for the crew's tests; the workers import it by name."""

import os

from chainrule.errors import InputError


def do(name, report, *inputs):
    if name == "refuse":
        raise InputError("found nothing; expected something")
    if name == "die":
        os._exit(3)
    report(1, 2)
    return name, sum(inputs), os.getpid()
