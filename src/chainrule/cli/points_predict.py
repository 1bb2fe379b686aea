"""`chainrule points evaluate` and `predict`: a trained network applied to points."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.output import JsonOption, print_json, print_table
from chainrule.cli.points_data import described, print_data
from chainrule.cli.points_options import DataOption, DataSeedOption, LabelOption

if TYPE_CHECKING:
    from chainrule.points.class_model import ClassEvaluation, ClassModel
    from chainrule.points.evaluation import Evaluation, Model

_ALL_NAMED = 3  # of more classes, a line names those that came up
_ROWS = 20  # points that are printed; --out and --json hold all

WeightsArgument = Annotated[Path, typer.Argument(help="weights.safetensors of a training.")]


def evaluate(
    weights: WeightsArgument,
    data: DataOption = "double-moon",
    label: LabelOption = None,
    data_seed: DataSeedOption = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="Write each point's output, probability and classes into this CSV."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Apply weights that `points train` wrote to labelled points, and count the wrong ones.

    A file's columns are matched by their names, in any order; its features are standardized as the
    training's were. Half-moons are 1000 new points.

    Example: chainrule points evaluate runs/points-train/weights.safetensors --data-seed 5
    """
    model = _model(weights)
    evaluation, label_name = _evaluation(model, weights, data, label, data_seed)
    if out is not None:
        evaluation.save(out)
    described_as = replace(model, label_name=label_name)
    document = described(described_as) | evaluation.document()
    if as_json:
        print_json(document)
        return
    print_data(described_as)
    print(f"points            {document['points']:,}")
    print(f"wrong             {document['wrong']:,} ({100 * document['error']:.2f} %)")
    for name, counts in document["confusion"].items():
        some = len(counts) <= _ALL_NAMED
        shown = {n: c for n, c in counts.items() if some or c or n == name}
        found = ", ".join(f"{count:,} as {other}" for other, count in shown.items())
        print(f"class {name}: {found}")


def predict(
    weights: WeightsArgument,
    data: Annotated[Path, typer.Argument(help="A file of points, with labels or without.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Write each point's class, output and probability into this CSV."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say the class of new points: the network's output and the probability of the second class.

    Of more than two classes it is the largest output, and the probability of its class.

    The columns are matched by their names, in any order, and others are left out; a file without
    names must have the training's features in their order. One point is enough.

    Example: chainrule points predict moons/weights.safetensors new.csv --out classes.csv
    """
    from chainrule.points.class_model import ClassModel, ClassPrediction
    from chainrule.points.evaluation import Prediction, features_of
    from chainrule.points.tables import read_table

    model = _model(weights)
    features = features_of(read_table(data, model.feature_names), model)
    prediction: Prediction | ClassPrediction
    if isinstance(model, ClassModel):
        prediction = ClassPrediction(model.class_names, model.outputs(features))
    else:
        prediction = Prediction(model.class_names, model.outputs(features))
    if out is not None:
        prediction.save(out)
    document = prediction.document()
    if as_json:
        print_json(document)
        return
    points = document["points"]
    # of two classes it is always the second's probability, of more the found one's
    of = f"P({model.class_names[1]})" if len(model.class_names) == 2 else "P(class)"
    rows = [
        (str(number), point["class"], f"{point['output']:.6g}", f"{point['probability']:.4f}")
        for number, point in enumerate(points[:_ROWS], 1)
    ]
    print_table(f"{len(points):,} point(s)", ("point", "class", "output", of), rows)
    if len(points) > _ROWS:
        print(f"and {len(points) - _ROWS:,} more: --out FILE and --json have all")


def _model(weights: Path) -> "Model | ClassModel":
    from chainrule.points.class_model import class_model_of
    from chainrule.points.evaluation import model_of
    from chainrule.points.files import load_networks

    parameters, settings = load_networks(weights)
    if parameters["b_out"].ndim:
        return class_model_of(parameters, settings, weights)
    return model_of(parameters, settings)


def _evaluation(
    model: "Model | ClassModel", weights: Path, data: str, label: str | None, data_seed: int
) -> "tuple[Evaluation | ClassEvaluation, str]":
    """The evaluation, and what the label column is called."""
    from chainrule.points.class_model import ClassEvaluation, ClassModel, ClassPrediction
    from chainrule.points.data import MOONS, SOURCES, check_no_label, draw_moons, load_points
    from chainrule.points.evaluation import (
        Evaluation,
        Prediction,
        codes_of,
        features_of,
        label_of,
        labels_of,
    )
    from chainrule.points.evaluation import evaluate as of_points
    from chainrule.points.files import load_weights
    from chainrule.points.tables import read_table

    name = data.replace("_", "-")
    if name in SOURCES:
        parameters, settings = load_weights(weights)
        check_no_label(name, label)
        points = draw_moons(name, data_seed) if name in MOONS else load_points(name)
        return of_points(points, parameters, settings), points.label_name
    table = read_table(data, model.feature_names)
    outputs = model.outputs(features_of(table, model))
    if isinstance(model, ClassModel):
        prediction = ClassPrediction(model.class_names, outputs)
        evaluation = ClassEvaluation(prediction, codes_of(table, model, label))
        return evaluation, label_of(table, model, label).name
    of_two = Evaluation(Prediction(model.class_names, outputs), labels_of(table, model, label))
    return of_two, label_of(table, model, label).name
