"""Lines as the world shows them: print, scans, screens, scenes, number plates, displays, counters.

Each look draws a text as a grey picture (height, width) as a person would crop it, with what else
there is to see: margins, frames, neighbours, shadows. What is drawn follows from the generator.
"""

from chainrule.glyphs.looks.look import LOOKS, Look, draw_look

__all__ = ["LOOKS", "Look", "draw_look"]
