"""Training on a processor, several times faster than block by block.

A `Plan` is a chain made ready to be trained: every map lies with its channels last from end to end,
in memory that is used again for each batch; a convolution is done in the way that is fastest at its
shape, by packed patches that serve forwards and backwards, or by convolutions and a kernel for the
filters' derivative; a bias and a ReLU run together with what they stand behind; and several threads
share a batch, each with its own images, which meet only where batch normalisation adds up over all
of them. In "bfloat16" the maps, the products' inputs and their derivatives have 16 bits; sums are
taken in float32, and the parameters and their steps stay float32.

The formulas are those of the blocks, whose docstrings derive them, and the tests hold each step of
a plan equal to its block.
"""
