"""Letters and lines of text, rendered from fonts."""

from chainrule.glyphs.letters import Letters, load_letters

__all__ = ["Letters", "load_letters"]
