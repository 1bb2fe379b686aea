"""A classifier as one ONNX file, from the picture as it is to probabilities."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.chain import export_onnx
from chainrule.errors import InputError
from chainrule.images.classifier import Classifier, check_networks
from chainrule.images.familiarity import NEAREST
from chainrule.images.network import Network
from chainrule.images.preprocessing import Preprocessing
from chainrule.images.timm_models import PREFIX
from chainrule.io.files import make_folder, written_whole
from chainrule.io.names import shown
from chainrule.io.temporary import temporary_folder

# the weights of red, green and blue in Pillow's grey (ITU-R 601-2)
_GREY = (0.299, 0.587, 0.114)


def check_exportable(classifier: Classifier, path: Path) -> None:
    """Raise InputError before the work is done: for another suffix, or what ONNX cannot have."""
    if path.suffix.lower() != ".onnx" or path.is_dir():
        raise InputError(f"`--out` is {shown(path)}; expected a name that ends in .onnx")
    if len(classifier.networks) != 1 or classifier.networks[0].startswith(PREFIX):
        raise InputError(
            f"the classifier takes features of {' and '.join(classifier.networks)}; expected one "
            "network that is a chain of blocks"
        )
    make_folder(path.parent)


def export_classifier(classifier: Classifier, network: Network, path: Path) -> None:
    """Write the file: `picture` (height, width, 3) in 8 bits, upright and sRGB, of any size, to
    `scores` and `probabilities` (classes) and `familiarity`.

    Pictures are resized by ONNX's operator, with antialiasing, which rounds a little differently
    from Pillow. The metadata hold `classes` (JSON) and `unknown_below`.

    Raises InputError if the packages of the extra `onnx` are not there or `network` is another,
    FileError if the file cannot be written.
    """
    check_networks(classifier, [network.name], [network.key])
    with temporary_folder() as folder:
        body_path = folder / "body.onnx"
        # first, since it says what to install where ONNX is missing
        shapes = network.body.parameter_shapes()
        params = {name: network.params[name] for name in shapes}
        export_onnx(body_path, network.body, params, network.input_shape)
        import onnx
        from onnx import compose

        body = onnx.load(body_path)
        model = compose.merge_models(
            _parsed(_before(network.preprocessing), body, _constants(network.preprocessing)),
            compose.add_prefix(body, "body_", rename_inputs=True, rename_outputs=True),
            io_map=[("seen", "body_x")],
        )
        model = compose.merge_models(
            model, _parsed(_AFTER, body, _planes(classifier)), io_map=[("body_y", "features")]
        )
        onnx.helper.set_model_props(
            model,
            {
                "classes": json.dumps(classifier.classes),
                "unknown_below": repr(classifier.unknown_below),
            },
        )
        onnx.checker.check_model(model)
        with written_whole(path) as temporary:
            temporary.write_bytes(model.SerializeToString())


_AFTER = """
after (float[1, D] features) => (float[C] scores, float[C] probabilities, float familiarity)
{
  unit = LpNormalization <axis = 1, p = 2> (features)
  rows = Gemm <transB = 1> (unit, weight, bias)
  scores = Squeeze (rows, first)
  cooled = Div (scores, temperature)
  probabilities = Softmax <axis = 0> (cooled)
  cosine = Gemm <transB = 1> (unit, examples)
  best, place = TopK <axis = 1> (cosine, nearest)
  familiarity = ReduceMean <keepdims = 0> (best)
}
"""


def _before(look: Preprocessing) -> str:
    mode = {"bicubic": "cubic", "bilinear": "linear"}[look.filter]
    sizes = "sides = Identity (square)" if look.whole else "sides = Div (longer, shorter)"
    grey = (
        "weighed = Mul (whole, grey_weights)\n  grey_sum = ReduceSum (weighed, channel_axis)\n"
        "  seen_bytes = Round (grey_sum)"
        if look.grey
        else "seen_bytes = Identity (whole)"
    )
    return f"""
before (uint8[H, W, 3] picture) => (float[1, C, S, S] seen)
{{
  numbers = Cast <to = 1> (picture)
  channels = Transpose <perm = [2, 0, 1]> (numbers)
  batch = Unsqueeze (channels, first)
  all_sides = Shape <start = 0, end = 2> (picture)
  shorter = ReduceMin (all_sides)
  longer = Mul (all_sides, resize)
  {sizes}
  new_shape = Concat <axis = 0> (leading, sides)
  resized = Resize <mode = "{mode}", antialias = 1, cubic_coeff_a = -0.5, exclude_outside = 1>
    (batch, , , new_shape)
  free = Sub (sides, square_size)
  free_numbers = Cast <to = 1> (free)
  halves = Div (free_numbers, two)
  rounded_halves = Round (halves)
  start = Cast <to = 7> (rounded_halves)
  end = Add (start, square_size)
  cut = Slice (resized, start, end, plane_axes)
  rounded = Round (cut)
  whole = Clip (rounded, black, white)
  {grey}
  centred = Sub (seen_bytes, mean)
  seen = Div (centred, deviation)
}}
"""


def _constants(look: Preprocessing) -> dict[str, np.ndarray]:
    if look.resize < look.size:
        raise InputError(
            f"the network's pictures are resized to {look.resize} pixels and cut to {look.size}; "
            "expected a cut that is no larger"
        )
    channels = 1 if look.grey else 3
    mean = np.array(look.mean[:channels], np.float32).reshape(1, channels, 1, 1)
    if look.mean_image is not None:
        mean = look.mean_image.numpy()[None].astype(np.float32)
    constants = {
        "first": np.array([0]),
        "resize": np.array([look.resize]),
        "square": np.array([look.resize, look.resize]),
        "square_size": np.array([look.size, look.size]),
        "leading": np.array([1, 3]),
        "plane_axes": np.array([2, 3]),
        "two": np.array(2, np.float32),
        "black": np.array(0, np.float32),
        "white": np.array(255, np.float32),
        "mean": mean,
        "deviation": np.array(look.deviation[:channels], np.float32).reshape(1, channels, 1, 1),
    }
    if look.grey:
        constants["grey_weights"] = np.array(_GREY, np.float32).reshape(1, 3, 1, 1)
        constants["channel_axis"] = np.array([1])
    return constants


def _planes(classifier: Classifier) -> dict[str, np.ndarray]:
    examples = classifier.examples.astype(np.float32)
    return {
        "first": np.array([0]),
        "weight": classifier.weight.astype(np.float32),
        "bias": classifier.bias.astype(np.float32),
        "temperature": np.array(classifier.temperature, np.float32),
        "examples": examples,
        "nearest": np.array([min(NEAREST, len(examples))]),
    }


def _parsed(text: str, body: Any, constants: dict[str, np.ndarray]) -> Any:
    """A graph by its text and its constants, of the body's version of the operators."""
    import onnx

    graph = onnx.parser.parse_graph(text)
    prefix = f"{graph.name}_"
    used = {name for node in graph.node for name in node.input}
    for name, value in constants.items():
        if name in used:
            graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    opset = next(entry for entry in body.opset_import if entry.domain == "")
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=body.ir_version)
    return onnx.compose.add_prefix(model, prefix, rename_inputs=False, rename_outputs=False)
