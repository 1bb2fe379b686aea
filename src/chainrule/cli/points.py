"""`chainrule points`: the two-layer network on points."""

import typer

app = typer.Typer(help="The two-layer network on points: derive, check, train, study.")
