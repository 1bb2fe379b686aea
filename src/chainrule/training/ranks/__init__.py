"""Several processes, on one machine or more, train one chain."""

from chainrule.training.ranks.ranks import Ranks, joined_ranks

__all__ = ["Ranks", "joined_ranks"]
