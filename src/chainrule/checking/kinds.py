"""The kinds of mistake that a check can name."""

from typing import Literal

Kind = Literal[
    # of a derivative, told from its numbers
    "missing",  # there is no derivative
    "shape",  # it has another shape than its parameter
    "dtype",  # it has another type, or is wrong in one type alone
    "batch sum",  # not summed over the batch (or over other axes)
    "not finite",
    "zero",
    "sign",
    "factor",  # a constant factor, for the whole array or by channel
    "identity",  # dy is passed on as if the function were the identity
    "term",  # dy is missing from it, or added to it
    "swapped",  # it is the derivative by another array
    "transpose",
    "flip",  # turned round along an axis
    "offset",  # a mean is not taken off
    "mask",  # not zero where the function is flat
    "dropped",  # zero where the function is not flat
    "shift",  # moved by some entries: an offset or padding is off
    "border",  # right inside, wrong along the border
    "precision",  # right to the digits of float32 (or of half precision) alone
    "small",  # wrong in entries that are small beside the others
    # of a layer, told from what it does
    "overwrites",  # forward or backward writes into what it was given
    "saved",  # right at the first backward only: what was saved is overwritten
    "state",  # it depends on the calls before, or is right at the first one only
    "cache",  # it is that of another x, from an earlier call
    "buffer",  # a later call overwrites the result of an earlier one
    "random",  # it draws from the global random state
    "zero dy",  # wrong or not finite where dy is 0
    "clipped",  # a large dy is cut off, or a small one dropped
    "not linear",  # in dy, in another way
    "layout",  # wrong where an array is not contiguous in memory
    "batch size",
    "elsewhere",  # right at the point, wrong at others
    "grad mode",
    "threads",
    "alone",  # wrong where not every derivative is asked for
    "unused",  # fails where nothing uses one of the outputs
    "shortcut",  # another method of the block gives something else
    "fails",  # where it is called in another way
]
