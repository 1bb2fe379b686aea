"""The check itself: is it right, does it say what it found, does it refuse what it cannot check."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from chainrule import blocks
from chainrule.checking import check_derivatives, check_projection
from chainrule.checking.slopes import Noise, slope
from chainrule.errors import InputError


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Scaled:
    """y = tanh(x), whose derivative is off by a factor."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def forward(self, x, params):
        y = torch.tanh(x)
        return y, y

    def backward(self, dy, params, saved):
        return self.factor * dy * (1 - saved**2), {}


class Square(torch.autograd.Function):
    """y = power of x, times a weight for each channel; what `fault` names is wrong."""

    @staticmethod
    def forward(ctx, x, weight, power, fault):
        ctx.save_for_backward(x, weight)
        ctx.power, ctx.fault = power, fault
        return weight * x**power

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        dx = dy * weight * ctx.power * x ** (ctx.power - 1)
        per_sample = dy * x**ctx.power
        dw = {
            None: per_sample.sum(0),
            "unsummed": per_sample,
            "sign": -per_sample.sum(0),
            "none": None,
            "shape": per_sample.sum(1),
            "batch kept twice": per_sample.unsqueeze(2).expand(-1, -1, 2) / 2,
        }[ctx.fault]
        return dx, dw, None, None


MODULES = {
    "linear": (nn.Linear(3, 4), (5, 3)),
    "convolution": (nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), (2, 2, 5, 4)),
    "transposed convolution": (nn.ConvTranspose2d(2, 3, 2, stride=2), (2, 2, 3, 3)),
    "batch normalisation": (nn.BatchNorm2d(3), (3, 3, 3, 2)),
    "group normalisation": (nn.GroupNorm(2, 4), (2, 4, 3, 3)),
    "layer normalisation": (nn.LayerNorm(4), (3, 4)),
    "in place": (nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(inplace=True)), (2, 1, 4, 4)),
    "PReLU": (nn.PReLU(3), (2, 3, 3, 3)),
    "GELU": (nn.GELU(), (2, 3)),
    "pooling": (nn.Sequential(nn.MaxPool2d(2, 1), nn.Flatten(), nn.Linear(12, 2)), (2, 3, 3, 3)),
}


@pytest.mark.parametrize("name", MODULES)
def test_the_library_s_own_layers_are_right(name):
    module, shape = MODULES[name]
    before = copy.deepcopy(module.state_dict())
    check = check_derivatives(
        module, torch.randn(shape, generator=torch.Generator().manual_seed(1))
    )
    assert check.right, str(check)
    assert [array.name for array in check.arrays] == ["x", *dict(module.named_parameters())]
    # the module is left as it was: float32, its running moments, no gradients
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])
        assert value.dtype == before[key].dtype
    assert all(parameter.grad is None for parameter in module.parameters())


@settings(max_examples=15)
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2),
    st.integers(0, 1000),
)  # fmt: skip
def test_a_convolution_of_any_shape_is_not_blamed(n, c, k, stride, padding, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, c, k + 1, k + 2, generator=generator)
    weight = torch.randn(2, c, k, k, generator=generator)
    layer = nn.Conv2d(c, 2, k, stride, padding)
    assert check_derivatives(layer, x, {"weight": weight}, seed=seed).right
    assert check_projection(layer, x, {"weight": weight}, seed=seed).right


@settings(max_examples=15)
@given(st.floats(-8, 8).filter(lambda c: abs(c - 1) > 1e-3 and abs(c) > 1e-3))
def test_a_constant_factor_is_named_with_its_number(factor):
    check = check_derivatives(Scaled(factor), draw(3, 2))
    (mistake,) = check.mistakes
    assert mistake.kind == ("sign" if factor < 0 else "factor")
    if abs(factor + 1) > 1e-4:
        assert float(mistake.hint.split()[2]) == pytest.approx(factor, rel=1e-4)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([(3, 2), (2, 3, 2, 3), (4, 1, 3, 3), (6,)]))
def test_no_kind_is_claimed_for_random_numbers(seed, shape):
    class Random(Scaled):
        def backward(self, dy, params, saved):
            return dy * draw(*shape, seed=seed), {}

    (mistake,) = check_derivatives(Random(), draw(*shape)).mistakes
    assert mistake.kind is None
    assert mistake.hint == ""


def test_a_derivative_where_the_function_is_flat_is_named():
    class ThenCentred(blocks.FullyConnected):
        """The mean over the batch taken off: the bias falls out."""

        def forward(self, x, params):
            y, saved = super().forward(x, params)
            return y - y.mean(0), saved

        def backward(self, dy, params, saved):
            dx, d = super().backward(dy - dy.mean(0), params, saved)
            return dx, {**d, "bias": dy.sum(0)}

    check = check_derivatives(
        ThenCentred(3, 2), draw(4, 3), {"weight": draw(2, 3), "bias": draw(2)}
    )
    assert [(m.parameter, m.kind) for m in check.mistakes] == [("bias", "mask")]


@pytest.mark.parametrize(
    ("method", "order", "steps"),
    [
        ("richardson", 4, np.logspace(-1, -2, 9)),
        ("central", 2, np.logspace(-2, -4, 9)),
        ("forward", 1, np.logspace(-3, -5, 9)),
    ],
)
def test_the_error_against_the_step_has_the_slope_of_its_method(method, order, steps):
    """Truncation alone is seen: the first neglected term of the Taylor series."""
    at, exact = 0.3, np.array([np.cos(0.3), 1 / np.cosh(0.3) ** 2])

    def line(t):
        return np.array([np.sin(t), np.tanh(t)])

    errors = [
        np.abs(slope(line, at, step, line(at), Noise(np.zeros(2), 0.0), method).value - exact)
        for step in steps
    ]
    slopes = np.diff(np.log10(errors), axis=0) / np.diff(np.log10(steps))[:, None]
    assert np.all(np.abs(slopes - order) < 0.1), slopes


@pytest.mark.parametrize("method", ["richardson", "central", "forward"])
def test_what_is_not_known_of_a_slope_covers_its_error(method):
    def line(t):
        return np.array([np.sin(3 * t), np.exp(t), t**3 + 1e6])

    for at in np.linspace(-1, 1, 21):
        exact = np.array([3 * np.cos(3 * at), np.exp(at), 3 * at**2])
        for step in 10.0 ** np.arange(-8, -1):
            rounding = np.finfo(float).eps * np.maximum(1, np.abs(line(at)))
            noise = Noise(rounding, np.finfo(float).eps)
            found = slope(line, at, step, line(at), noise, method)
            unknown = found.rounding + 1.05 * np.abs(found.truncation)
            assert np.all(np.abs(found.value - exact) <= unknown)


@pytest.mark.parametrize(("method", "slope"), [("central", 2), ("forward", 1)])
def test_the_projection_s_error_has_the_slope_of_its_method(method, slope):
    etas = np.logspace(-3, -4, 5)
    errors = [
        check_projection(
            Scaled(), draw(20, 30), eta=eta, method=method, tolerance=1e3
        ).worst_relative_error
        for eta in etas
    ]
    slopes = np.diff(np.log10(errors)) / np.diff(np.log10(etas))
    assert np.all(np.abs(slopes - slope) < 0.05), slopes


def test_a_step_that_is_too_small_for_the_rounding_is_made_larger():
    check = check_derivatives(Scaled(), draw(4, 3), step=1e-12)
    assert check.right
    assert check.arrays[0].step > 1e-12
    assert check.arrays[0].unknown < 1e-8


def test_every_entry_at_a_kink_is_moved_and_counted():
    x = torch.zeros(2, 3, 2, 2)
    x[0] = draw(3, 2, 2)
    before = x.clone()
    check = check_derivatives(nn.ReLU(), x)
    assert check.right
    assert check.moved_from_kinks == 12
    assert torch.equal(x, before)
    moved = check.point["x"] != x.double()
    assert int(moved.sum()) == 12
    assert not moved[0].any()
    assert (check.point["x"][1].abs() > 1e-5).all()


def test_ties_in_max_pooling_are_kinks():
    check = check_derivatives(nn.MaxPool2d(3, 1), torch.ones(1, 2, 5, 4))
    assert check.right
    assert check.moved_from_kinks == 40
    # a permutation of whole numbers has no ties
    numbers = torch.as_tensor(np.random.default_rng(0).permutation(40.0 * np.ones(40).cumsum()))
    assert check_derivatives(nn.MaxPool2d(3, 1), numbers.reshape(1, 2, 5, 4)).moved_from_kinks == 0


@pytest.mark.parametrize("distance", [0.0, 0.1, 1 / 3 + 1e-6, 0.49, 0.51, 0.99])
def test_a_kink_anywhere_within_the_step_is_seen(distance):
    step = 1e-5
    for side in (-1, 1):
        x = torch.full((3,), side * distance * step, dtype=torch.float64)
        check = check_derivatives(nn.ReLU(), x, step=step)
        assert check.right
        assert check.moved_from_kinks == 3


def test_a_kink_beyond_the_step_is_left_alone():
    x = torch.tensor([-1.2e-5, 1.2e-5, 2e-5], dtype=torch.float64)
    assert check_derivatives(nn.ReLU(), x, step=1e-5).moved_from_kinks == 0


def test_the_claimed_derivative_has_no_say_in_what_is_moved():
    class Wrong(blocks.ReLU):
        def backward(self, dy, params, saved):
            return dy, {}

    x = torch.round(4 * draw(3, 2, 4, 4)) / 4
    right, wrong = check_derivatives(blocks.ReLU(), x), check_derivatives(Wrong(), x)
    assert right.right
    assert not wrong.right
    assert right.moved_from_kinks == wrong.moved_from_kinks > 0


def test_a_function_of_the_library_s_autograd_is_checked_with_its_settings():
    params = {"weight": draw(3, seed=1), "power": 3, "fault": None}
    assert check_derivatives(Square, draw(4, 3), params).right
    assert check_projection(Square, draw(4, 3), params).right


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("sign", "sign"), ("none", "missing"), ("shape", "shape"), ("batch kept twice", "batch sum")],
)
def test_a_wrong_autograd_function_is_reported(fault, kind):
    params = {"weight": draw(3, seed=1), "power": 2, "fault": fault}
    check = check_derivatives(Square, draw(4, 3), params)
    assert [(mistake.parameter, mistake.kind) for mistake in check.mistakes] == [("weight", kind)]
    assert not check_projection(Square, draw(4, 3), params).right


def test_what_autograd_sums_by_itself_is_no_mistake():
    """It reduces a gradient that broadcasts, so such a Function trains as it should."""
    params = {"weight": draw(3, seed=1), "power": 2, "fault": "unsummed"}
    assert check_derivatives(Square, draw(4, 3), params).right


def test_a_module_that_cuts_its_graph_is_reported():
    class Detached(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))
            self.unused = nn.Parameter(torch.ones(2))

        def forward(self, x):
            return x * self.weight.detach()

    check = check_derivatives(Detached(), draw(4, 3))
    # the unused one has no derivative either, and rightly so
    assert [(m.parameter, m.kind, m.ours) for m in check.mistakes] == [("weight", "missing", None)]


def test_a_frozen_parameter_is_not_checked():
    layer = nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    assert [array.name for array in check_derivatives(layer, draw(2, 3)).arrays] == ["x", "weight"]
    check = check_derivatives(nn.Linear(3, 2), draw(2, 3), fixed=["weight"])
    assert [array.name for array in check.arrays] == ["x", "bias"]


def test_any_order_in_memory_will_do():
    x = draw(2, 3, 4, 4).to(memory_format=torch.channels_last)
    repeated = draw(1, 3, 1, 1).expand(2, 3, 4, 4)
    for layer in (nn.MaxPool2d(2), nn.Conv2d(3, 2, 3), nn.ReLU(inplace=True)):
        for point in (x, x.transpose(2, 3), repeated):
            assert check_derivatives(layer, point).right


def test_fixed_parameters_are_not_differentiated():
    block = blocks.BatchNormalization(2, training=False)
    params = {
        "weight": draw(2), "bias": draw(2), "mean": draw(2), "variance": draw(2) ** 2 + 1
    }  # fmt: skip
    x = draw(3, 2, 2, 2)
    blamed = {m.parameter for m in check_derivatives(block, x, params).mistakes}
    assert blamed == {"mean", "variance"}
    assert check_derivatives(block, x, params, fixed=["mean", "variance"]).right


def test_a_loss_is_checked_with_its_target():
    scores, classes = draw(4, 3), torch.tensor([0, 2, 1, 1])
    assert check_derivatives(blocks.SoftmaxLogLoss(), scores, target=classes).right
    assert check_projection(blocks.SoftmaxLogLoss(), scores, target=classes).right


def test_a_mistake_says_parameter_entry_both_numbers_and_kind():
    class Halved(blocks.FullyConnected):
        def backward(self, dy, params, saved):
            dx, d = super().backward(dy, params, saved)
            d["weight"] = d["weight"].clone()
            d["weight"][1, 2] = 7.0
            return dx, {**d, "bias": d["bias"] / len(dy)}

    params = {"weight": draw(2, 3), "bias": draw(2)}
    check = check_derivatives(Halved(3, 2), draw(4, 3), params)
    weight, bias = check.mistakes
    assert (weight.parameter, weight.entry, weight.ours) == ("weight", (1, 2), 7.0)
    assert (weight.wrong, weight.entries, weight.kind) == (1, 6, None)
    assert str(weight).startswith(f"weight[1, 2]: 7, but {weight.numeric:.9g} by differences")
    assert bias.kind == "factor"
    assert "one over the batch N = 4" in str(bias)
    assert bias.numeric == pytest.approx(4 * bias.ours)
    assert "WRONG weight[1, 2]" in str(check)


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 0), (1, 1, 1, 1)])
def test_the_smallest_arrays(shape):
    assert check_derivatives(Scaled(), draw(*shape)).right
    assert check_projection(Scaled(), draw(*shape)).right
    if draw(*shape).numel():
        assert check_derivatives(Scaled(2.0), draw(*shape)).mistakes[0].kind == "factor"
        assert not check_projection(Scaled(2.0), draw(*shape)).right


def test_a_derivative_that_vanishes_everywhere_is_not_tested_and_not_blamed():
    one_class = check_derivatives(nn.Softmax(1), draw(3, 1))
    assert one_class.verdict == "not tested"
    assert one_class.not_tested == ("x",)
    layer = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2))
    check = check_derivatives(layer, draw(3, 1, 4, 4))  # the moments take the bias off again
    assert check.mistakes == ()
    assert check.not_tested == ("0.bias",)
    assert not check.right
    assert "NOT TESTED 0.bias" in str(check)


def test_the_projection_works_at_image_size():
    x = draw(1, 3, 224, 224)
    layer = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    check = check_projection(layer, x)
    assert check.right, str(check)
    assert all(array.left_out < 0.01 * 8 * 112 * 112 for array in check.arrays)


@pytest.mark.parametrize("method", ["central", "forward"])
def test_the_projection_sees_one_wrong_pixel_in_a_hundred_thousand(method):
    class OneWrong(blocks.Tanh):
        def backward(self, dy, params, saved):
            dx, _ = super().backward(dy, params, saved)
            dx[0, 1, 100, 50] += 1.0
            return dx, {}

    x = draw(1, 3, 224, 224)
    assert check_projection(blocks.Tanh(), x, method=method).right
    assert not check_projection(OneWrong(), x, method=method).right


def test_outputs_near_a_kink_are_left_out_of_the_projection():
    x = draw(1, 3, 40, 40)
    x[0, 0] = 0.0
    check = check_projection(nn.ReLU(), x)
    assert check.right
    assert check.arrays[0].left_out == 1600


def test_the_projection_takes_a_smaller_eta_where_every_output_is_near_a_kink():
    x = torch.full((3, 4), 1e-7, dtype=torch.float64)
    x[0, 0] = 1.0
    total = nn.Sequential(nn.ReLU(), nn.Linear(4, 1))
    check = check_projection(total, x)
    assert check.right, str(check)
    by_name = {array.name: array for array in check.arrays}
    assert by_name["x"].eta in (pytest.approx(1e-7), pytest.approx(1e-8))
    assert by_name["1.weight"].eta == 1e-6
    with pytest.raises(InputError, match="every output is within reach of a kink along x"):
        check_projection(total, torch.zeros(3, 4))


def test_the_projection_s_table_names_the_wrong_array():
    class NoBias(blocks.FullyConnected):
        def backward(self, dy, params, saved):
            dx, d = super().backward(dy, params, saved)
            return dx, {"weight": d["weight"]}

    check = check_projection(NoBias(3, 2), draw(4, 3), {"weight": draw(2, 3), "bias": draw(2)})
    assert not check.right
    wrong = [a.name for a in check.arrays if a.relative_error > check.tolerance]
    assert wrong == ["bias"]
    assert str(check).splitlines()[-1].endswith("WRONG")


class Complex:
    def forward(self, x, params):
        return x.to(torch.complex128), None

    def backward(self, dy, params, saved):
        raise AssertionError


class OnlyForward:
    def forward(self, x, params):
        return x, None


class Forgetful:
    def forward(self, x, params):
        return torch.tanh(x)

    def backward(self, dy, params, saved):
        return dy * (1 - saved**2), {}


class Logarithm:
    def forward(self, x, params):
        return torch.log(x), None

    def backward(self, dy, params, saved):
        raise AssertionError


class Rough:
    """Smooth, but far below the step."""

    def forward(self, x, params):
        return torch.sin(1e9 * x), None

    def backward(self, dy, params, saved):
        raise AssertionError


@pytest.mark.parametrize("check", [check_derivatives, check_projection])
@pytest.mark.parametrize(
    ("function", "x", "options", "words"),
    [
        ("tanh", draw(2), {}, "expected a block with forward and backward"),
        (nn.ReLU, draw(2), {}, r"found the class ReLU; expected an object of it: ReLU\(...\)"),
        (OnlyForward(), draw(2), {}, "found OnlyForward, which has no backward"),
        (nn.Tanh(), [1.0], {}, r"x\[0\]: found float; expected a tensor of real numbers"),
        (nn.Tanh(), torch.arange(3), {}, "found x of torch.int64 and no parameter"),
        (nn.Tanh(), draw(2).to(torch.complex128), {}, "x: found torch.complex128"),
        (nn.LazyLinear(2), draw(2, 3), {}, "was called once before"),
        (nn.BCELoss(), draw(2), {}, "missing 1 required positional argument: 'target'"),
        (Complex(), draw(2), {}, "the output holds no real number"),
        (Forgetful(), draw(2), {}, "forward gave one tensor .* expected two things"),
        (blocks.FullyConnected(3, 2), draw(4, 3), {"params": {"weight": draw(2, 3)}},
         "params: found weight; expected 'bias', too"),
        (Logarithm(), -torch.ones(2), {}, "the output holds NaN or infinity"),
        (Rough(), draw(2), {}, "smooth apart from separate kinks"),
        (Scaled(), draw(2), {"params": {"x": draw(1)}}, "named 'x'"),
        (Scaled(), draw(2), {"fixed": ["mean"]}, "fixed: found mean; expected names of parameters"),
        (nn.Linear(2, 1), draw(1, 2), {"fixed": ["wieght"]}, "which are weight, bias"),
        (nn.Tanh(), draw(2), {"target": draw(2)}, "forward failed: TypeError"),
        (nn.Linear(2, 1), draw(1, 2), {"params": {"wieght": draw(1, 2)}}, "found wieght"),
        (blocks.HingeLoss(), draw(2), {"target": torch.ones(2), "params": {"w": draw(1)}},
         "expected none for a loss"),
        (Scaled(), draw(2), {"tolerance": 0.0}, "tolerance: found 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_refused(check, function, x, options, words):
    with pytest.raises(InputError, match=words):
        check(function, x, **options)


@pytest.mark.parametrize("fails", [False, True])
def test_a_rough_function_is_refused_wherever_it_is_not_defined(fails):
    class RoughAboveOne(Rough):
        def forward(self, x, params):
            if (x < 1).any():
                if fails:
                    raise ValueError("below 1")
                return torch.full_like(x, torch.nan), x
            return super().forward(x, params)

        def backward(self, dy, params, saved):
            return dy, {}

    with pytest.raises(InputError, match="smooth apart from separate kinks"):
        check_derivatives(RoughAboveOne(), torch.tensor([1.2, 1.21], dtype=torch.float64))


def test_options_out_of_range_are_refused():
    for step in (0.0, -1e-5, np.nan, np.inf):
        with pytest.raises(InputError, match="expected a finite number above 0"):
            check_derivatives(Scaled(), draw(2), step=step)
        with pytest.raises(InputError, match="expected a finite number above 0"):
            check_projection(Scaled(), draw(2), eta=step)
    with pytest.raises(InputError, match="expected one of central, forward"):
        check_projection(Scaled(), draw(2), method="backward")


def test_the_same_seed_gives_the_same_numbers():
    a, b, c = (check_projection(nn.Tanh(), draw(5, 4), seed=seed) for seed in (3, 3, 4))
    assert a == b
    assert a != c


def test_a_step_that_is_too_large_for_the_curve_is_made_smaller():
    """Else the difference's own error would be blamed on the layer."""

    class Steep:
        def forward(self, x, params):
            y = torch.tanh(1e3 * x)
            return y, y

        def backward(self, dy, params, saved):
            return 1e3 * dy * (1 - saved**2), {}

    check = check_derivatives(Steep(), 1e-3 * draw(3, 2))
    assert check.right, str(check)
    assert check.arrays[0].step < 1e-5


def test_half_precision_and_float32_are_checked_in_float64():
    x = draw(2, 3)
    for dtype in (torch.float32, torch.bfloat16):
        assert check_derivatives(nn.Tanh(), x.to(dtype)).right
    assert F.tanh(x).dtype == torch.float64
