"""`chainrule points check` and `chainrule points derive`: one example's derivatives."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from chainrule.cli.output import JsonOption, print_json
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.checking.derivatives import Comparison
    from chainrule.points.derivation import Derivation, Step
    from chainrule.points.example import Example


class Method(StrEnum):
    """How a derivative is approximated."""

    FORWARD = "forward"
    CENTRAL = "central"


ExampleOption = Annotated[
    str,
    typer.Option(
        help="'report': the original's example with all its digits; 'printed': with the four "
        "decimals it prints; or a JSON file that holds x, y, W_in, b_in, w_out and b_out.",
    ),
]
WeightsOption = Annotated[
    Path | None, typer.Option(help="Other weights: a file that `chainrule points train` wrote.")
]
PointOption = Annotated[
    str | None, typer.Option("--x", help="Another point: its features, separated by commas.")
]
ClassOption = Annotated[
    str | None,
    typer.Option(
        "--class", help="Which network, where --weights has one for each class: its class is +1."
    ),
]
LabelOption = Annotated[float | None, typer.Option("--y", help="Another label: -1 or 1.")]


def check(
    example: ExampleOption = "report",
    weights: WeightsOption = None,
    x: PointOption = None,
    y: LabelOption = None,
    class_name: ClassOption = None,
    delta: Annotated[
        float | None,
        typer.Option(help="The step; 0.001 for forward (the original's) and 1e-5 for central."),
    ] = None,
    method: Annotated[
        Method, typer.Option(help="(f(a+delta) - f(a)) / delta, or the two-sided difference.")
    ] = Method.FORWARD,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A folder for the table (JSON) and a picture of the error against delta, for "
            "both methods (SVG and PNG)."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the derivatives of the two-layer network's loss with numerical ones.

    Prints for each parameter the true value, the approximation, and the absolute and relative
    error. Without options it is the original report's Table 1, to every printed digit. (The
    original states delta = 0.0001, but its errors are those of 0.001.)

    Example: chainrule points check --method central --delta 1e-5
    """
    from chainrule.checking.derivatives import DEFAULT_DELTA, check_delta
    from chainrule.points.gradient_table import REPORT_DELTA, gradient_table, units_near_kink

    chosen = _example(example, weights, x, y, class_name)
    if delta is None:
        delta = REPORT_DELTA if method is Method.FORWARD else DEFAULT_DELTA["central"]
    check_delta(delta)
    table = gradient_table(chosen, delta=delta, method=method.value)
    document = _check_document(table, delta, method.value) | _given(chosen)
    if out is not None:
        _write_check(out, document, chosen)
    near = units_near_kink(chosen, delta)
    if near:
        units = ", ".join(str(j + 1) for j in near)
        _note(
            f"hidden unit {units}: z is within a step of the ReLU's kink, where a difference mixes "
            "the slopes of both sides"
        )
    if as_json:
        print_json(document)
    else:
        _print_standardized(chosen)
        _print_table(table, delta, method.value)


def derive(
    example: ExampleOption = "report",
    weights: WeightsOption = None,
    x: PointOption = None,
    y: LabelOption = None,
    class_name: ClassOption = None,
    digits: Annotated[
        int, typer.Option(min=2, max=17, help="How many significant digits to print.")
    ] = 6,
    as_json: JsonOption = False,
) -> None:
    """Print the chain rule for one example with its numbers, step by step.

    Every intermediate value on the way to the loss; then, back from it, every local derivative
    and every product, down to each parameter: to be followed with a pencil.

    Example: chainrule points derive --x 0.5,-1 --y -1 --digits 4
    """
    from chainrule.points.derivation import derivation

    chosen = _example(example, weights, x, y, class_name)
    steps = derivation(chosen, digits)
    if as_json:
        print_json(_derive_document(chosen, steps))
    else:
        _print_derivation(chosen, steps, digits)


def _example(
    name: str, weights: Path | None, x: str | None, y: float | None, class_name: str | None
) -> "Example":
    from chainrule.points.example import printed_example, read_example, report_example

    named = {"report": report_example, "printed": printed_example}
    chosen = named[name]() if name in named else read_example(name)
    if weights is not None:
        chosen = _with_weights(chosen, weights, x, class_name)
    elif class_name is not None:
        raise InputError(f"--class: found {class_name!r}; expected --weights with it")
    elif x is not None:
        chosen = replace(chosen, x=_numbers(x))
    if y is not None:
        chosen = replace(chosen, y=y)
    return chosen


def _with_weights(
    chosen: "Example", weights: Path, x: str | None, class_name: str | None
) -> "Example":
    """The point of --x is in the units of the training's data: standardize it as that was."""
    from chainrule.points.class_model import class_model_of
    from chainrule.points.evaluation import model_of
    from chainrule.points.example import Standardization
    from chainrule.points.files import load_networks

    parameters, settings = load_networks(weights)
    given = chosen.x if x is None else _numbers(x)
    several = parameters["b_out"].ndim > 0
    if not several and class_name is not None:
        raise InputError(
            f"--class: found {class_name!r}; expected none, as {weights} is one network"
        )
    if several and class_name is None:
        names = ", ".join(settings["class_names"][:5])
        raise InputError(
            f"{weights} has {len(settings['class_names'])} networks, one a class; expected one of "
            f"them by --class: {names}"
        )
    if "mean" not in settings:
        return replace(chosen, x=given, parameters=parameters)
    if class_name is not None:
        model = class_model_of(parameters, settings, weights).one(class_name)
        parameters = dict(model.parameters)
    else:
        model = model_of(parameters, settings)
    if not model.mean.any() and (model.scale == 1).all():
        return replace(chosen, x=given, parameters=parameters)
    if x is None:
        raise InputError(
            f"--weights {weights}: found weights for standardized features; expected --x with the "
            f"point's features ({', '.join(model.feature_names[:5])}) in their own units"
        )
    if given.shape != model.mean.shape:
        raise InputError(
            f"--x: found {len(given)} number(s); expected {len(model.mean)}, the features that the "
            "weights were trained on"
        )
    standardization = Standardization(given, model.mean, model.scale)
    return replace(
        chosen,
        x=model.standardized(given),
        parameters=parameters,
        standardization=standardization,
    )


def _numbers(text: str) -> np.ndarray:
    try:
        numbers = np.array([float(part) for part in text.split(",")])
    except ValueError:
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise InputError(f"--x: found {text!r}; expected finite numbers separated by commas")
    return numbers


def _check_document(table: "Mapping[str, Comparison]", delta: float, method: str) -> dict[str, Any]:
    return {
        "delta": delta,
        "method": method,
        "arrays": {
            name: {
                "true": row.true.tolist(),
                "approximate": row.approximate.tolist(),
                "absolute_error": row.absolute_error.tolist(),
                "relative_error": _null_for_infinity(row.relative_error.tolist()),
            }
            for name, row in table.items()
        },
    }


def _null_for_infinity(value: Any) -> Any:
    """JSON has no infinity: null is the relative error of a true value that is 0."""
    if isinstance(value, list):
        return [_null_for_infinity(entry) for entry in value]
    return value if np.isfinite(value) else None


def _write_check(out: Path, document: dict[str, Any], example: "Example") -> None:
    from chainrule.io.figures import write_figure
    from chainrule.io.files import make_folder, write_json
    from chainrule.points.derivative_figures import error_against_delta
    from chainrule.points.gradient_table import deltas_for, error_curves

    folder = make_folder(out)
    deltas = deltas_for(example)
    figure = error_against_delta(deltas, error_curves(example, deltas))
    write_json(folder / "gradient_table.json", document)
    for kind in ("svg", "png"):
        write_figure(folder / f"error_against_delta.{kind}", figure)
    _note(f"wrote gradient_table.json and error_against_delta.svg and .png in {folder}")


def _print_standardized(example: "Example") -> None:
    """Say what the network sees of a point that was given in its own units."""
    if (given := example.standardization) is None:
        return
    for i, seen in enumerate(example.x):
        print(
            f"x[{i + 1}] = ({given.given[i]:g} - {given.mean[i]:g}) / {given.scale[i]:g} = {seen:g}"
        )
    print()


def _print_table(table: "Mapping[str, Comparison]", delta: float, method: str) -> None:
    from chainrule.points.derivation import entry_name

    print(f"{method} difference, delta = {delta:g}\n")
    print(f"{'':12}{'true':>15}{'approximation':>15}{'absolute':>13}{'relative':>13}")
    for name, row in table.items():
        for i in np.ndindex(row.true.shape):
            print(
                f"{entry_name(name, i):12}{row.true[i]:15.8f}{row.approximate[i]:15.8f}"
                f"{row.absolute_error[i]:13.4e}{row.relative_error[i]:13.4e}"
            )
    worst = max(float(row.relative_error.max()) for row in table.values())
    print(f"\nworst relative error {worst:.1e}")


def _derive_document(example: "Example", steps: "Derivation") -> dict[str, Any]:
    return {
        "x": example.x.tolist(),
        **_given(example),
        "y": example.y,
        "parameters": {name: array.tolist() for name, array in example.parameters.items()},
        "forward": [_step_document(step) for step in steps.forward],
        "backward": [_step_document(step) for step in steps.backward],
    }


def _given(example: "Example") -> dict[str, list[float]]:
    given = example.standardization
    return {"given": given.given.tolist()} if given else {}


def _step_document(step: "Step") -> dict[str, Any]:
    document = {
        "name": step.name,
        "formula": step.formula,
        "value": step.value.tolist(),
        "lines": list(step.lines),
    }
    if step.local_value is not None:
        document |= {"local": step.local, "local_value": step.local_value.tolist()}
    return document


def _print_derivation(example: "Example", steps: "Derivation", digits: int) -> None:
    h, d = example.parameters["W_in"].shape
    given = example.standardization.given if example.standardization else example.x
    point = ", ".join(f"{value:.{digits}g}" for value in given)
    name = "x, given as" if example.standardization else "x ="
    sizes = f"d = {d} features, h = {h} hidden units"
    print(f"One example {name} ({point}), y = {example.y:g}; {sizes}.")
    print(f"Computed in float64, printed with {digits} digits; entries count from 1.")
    print("\nForward: from x to the loss s")
    for number, step in enumerate(steps.forward, start=1):
        _print_step(number, step)
    print("\nBackward: from the loss to each parameter")
    for number, step in enumerate(steps.backward, start=1 + len(steps.forward)):
        _print_step(number, step)


def _print_step(number: int, step: "Step") -> None:
    shape = f"   shape {step.value.shape}" if step.value.ndim else ""
    print(f"\n{number:3}. {step.name} = {step.formula}{shape}")
    if step.local is not None:
        print(f"     local derivative: {step.local}")
    for line in step.lines:
        print(f"       {line}")


def _note(sentence: str) -> None:
    typer.echo(sentence, err=True)
