"""`chainrule report`: the whole report, run again."""


def report() -> None:
    """Run every experiment of the original report again, and write it beside its figures."""
