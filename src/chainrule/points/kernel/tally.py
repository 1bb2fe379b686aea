"""How much of what a run did: places in the array `tally` of `sgd_in_blocks`."""

# Blocks of steps, and the points that screening left active in each, added up.
BLOCKS, ACTIVE_IN_BLOCKS = 0, 1
# Parts of up to 32 steps, likewise.
PARTS, ACTIVE_IN_PARTS = 2, 3
# Outputs whose sign float32 could not tell.
DECIDED = 4
# Steps of which the hidden network was frozen.
FROZEN = 5
LENGTH = 6
