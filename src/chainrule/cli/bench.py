"""`chainrule bench`: the same work given to us and to the peers, in one run."""

import typer

from chainrule.cli.output import JsonOption, print_json, progress

app = typer.Typer(help="The same work given to chainrule and to its peers, in one run.")


@app.callback()
def _bench() -> None:
    """The same work given to chainrule and to its peers, in one run."""


@app.command()
def points(as_json: JsonOption = False) -> None:
    """Time SGD with both errors after every step: eager PyTorch, NumPy, plain Numba and ours.

    At h = 7, rate 0.02, 1000 + 1000 points; and how ours grows with h, points and trials. The time
    to compile is left out.

    Example: chainrule bench points --json
    """
    from chainrule.benchmarks.points import measure

    with progress("bench points", "measurements") as report:
        document = measure(report)
    if as_json:
        print_json(document)
        return
    for row in document["rows"]:
        print(f"{row['name']:36} {row['microseconds_per_iteration']:10.3f} us an iteration")
    for name, ratio in document["ratios"].items():
        print(f"{name}: {ratio:.2f} times our time")
