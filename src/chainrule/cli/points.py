"""`chainrule points`: the two-layer network on points."""

import typer

from chainrule.cli.points_derivatives import check, derive

app = typer.Typer(help="The two-layer network on points: derive, check, train, study.")
app.command("derive")(derive)
app.command("check")(check)
