"""`chainrule points`: the two-layer network on points."""

import typer

from chainrule.cli.points_derivatives import check, derive
from chainrule.cli.points_infer import infer
from chainrule.cli.points_predict import evaluate, predict
from chainrule.cli.points_study import study
from chainrule.cli.points_training import history, train

app = typer.Typer(
    help="""The two-layer network on points: derive, check, train, study, infer.

    Example: chainrule points train --learning-rate 0.2 --out runs/moons
    """,
    no_args_is_help=True,
)
app.command("derive")(derive)
app.command("check")(check)
app.command("train")(train)
app.command("history")(history)
app.command("evaluate")(evaluate)
app.command("predict")(predict)
app.command("study")(study)
app.command("infer")(infer)
