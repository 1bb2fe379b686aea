"""Blocks composed into a chain."""

from chainrule.chain.chain import Chain

__all__ = ["Chain"]
