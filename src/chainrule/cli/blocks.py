"""`chainrule blocks`: the blocks of a network, checked and applied."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli import blocks_apply
from chainrule.cli.on import OnOption
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.io.checks import LARGEST_SEED
from chainrule.io.files import make_folder, write_json

if TYPE_CHECKING:
    from chainrule.checking import BlockCheck

app = typer.Typer(no_args_is_help=True)
app.command("apply")(blocks_apply.apply)
app.command("blobs")(blocks_apply.blobs)


@app.callback()
def _group() -> None:
    """The blocks of a network: check their derivatives, apply them to a picture, learn with them.

    Example: chainrule blocks check
    """


@app.command("check")
def check(
    cases: Annotated[
        int,
        typer.Option(
            min=1, max=10_000, help="How many random settings, shapes and points a block."
        ),
    ] = 20,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="The seed that the cases are drawn with.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option(help="A folder for the table, as blocks_check.json.")
    ] = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every block and a few chains: each derivative, over random shapes and settings.

    In float64, against two-sided differences of every entry (worst relative error below 1e-6) and
    against torch.autograd through the same function in other operations (worst error below
    1e-11). Points within reach of a kink are moved away from it, and counted. Exit code 0 if every
    block is below both bars, 1 if one is not; what is wrong is then said on standard error.

    Example: chainrule blocks check --cases 100 --seed 1
    """
    from chainrule.checking import check_blocks
    from chainrule.executors import Here, open_executor

    if out is not None:
        make_folder(out)
    with (
        progress("checking", "cases") as report,
        open_executor(on, here=lambda _: Here()) as executor,
    ):
        table = check_blocks(cases, seed, report, executor=executor)
    document = {
        "blocks": [
            {
                "name": row.name,
                "cases": row.cases,
                "worst_relative_error_numeric": _number(row.worst_relative_error_numeric),
                "worst_error_autograd": _number(row.worst_error_autograd),
                "moved_from_kinks": row.moved_from_kinks,
            }
            for row in table
        ]
    }
    if out is not None:
        write_json(out / "blocks_check.json", document)
    if as_json:
        print_json(document)
    else:
        print(_as_text(table))
    for row in table:
        for mistake in row.mistakes:
            print(f"{row.name}: {mistake}", file=sys.stderr)
    if not all(row.right for row in table):
        raise typer.Exit(1)


def _as_text(table: "list[BlockCheck]") -> str:
    from chainrule.checking.suite import AUTOGRAD_BAR, NUMERIC_BAR

    width = max(len(row.name) for row in table)
    lines = [
        f"{'':{width}}         worst relative error  worst error       moved from",
        f"{'block':{width}}  cases  against differences   against autograd  kinks",
    ]
    lines += [
        f"{row.name:{width}}  {row.cases:5}  {row.worst_relative_error_numeric:20.1e}  "
        f"{row.worst_error_autograd:16.1e}  {row.moved_from_kinks:10,}"
        f"{'' if row.right else '  WRONG'}"
        for row in table
    ]
    wrong = sum(not row.right for row in table)
    verdict = f"{wrong} of {len(table)} are wrong" if wrong else "all right"
    lines.append(f"bars: {NUMERIC_BAR:g} and {AUTOGRAD_BAR:g}; {verdict}")
    return "\n".join(lines)


def _number(error: float) -> float | None:
    """JSON has no infinity, which stands for a derivative that is missing or misshapen."""
    return error if math.isfinite(error) else None
