"""The original's sentence in Lato, whose family is held out: a line that no training has seen."""

from importlib.resources import as_file, files

import numpy as np

from chainrule.glyphs.fonts import open_font
from chainrule.glyphs.letters import SIDE
from chainrule.glyphs.lines import Line, line_font, render_line

SENTENCE = "the rat the cat the dog chased killed ate the malt"
WIDTH = 576  # pixels, as the original's picture
_HEIGHT = 31  # of the line: at this one Lato is drawn at 26 px an em, as the letters are


def sentence() -> Line:
    """The sentence dark on white, 32x576, with a box for each character.

    The letters stand on one baseline and at their own distances, so few lie in the middle of a
    window as the letters of the data set do.
    """
    with as_file(files("chainrule.glyphs") / "data" / "lato-latin-400-normal.woff2") as path:
        font = line_font(open_font(path), "".join(sorted(set(SENTENCE))), height=_HEIGHT)
    line = render_line(font, SENTENCE)
    picture = np.full((SIDE, WIDTH), 255, np.uint8)
    left = (WIDTH - line.image.shape[1]) // 2
    picture[:_HEIGHT, left : left + line.image.shape[1]] = line.image
    return Line(picture, SENTENCE, line.boxes + np.array([left, 0, left, 0], np.int32))
