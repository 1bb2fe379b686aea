"""The looks by name, and a picture in one of them."""

from collections.abc import Callable, Sequence

from chainrule.glyphs.lines import LineFont
from chainrule.glyphs.looks import counter, display, plate, printed, scene, screen
from chainrule.glyphs.looks.canvas import Picture, Rng
from chainrule.io.checks import one_of

Look = Callable[[Rng, Sequence[LineFont], str], Picture]

LOOKS: dict[str, Look] = {
    "print": printed.draw,
    "screen": screen.draw,
    "scene": scene.draw,
    "plate": plate.draw,
    "display": display.draw,
    "counter": counter.draw,
}


def draw_look(name: str, rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """`text` as this look shows it, in one of the fonts, as a grey picture (height, width).

    Displays and counters draw digits by themselves where `fonts` is empty; plates have letters of
    their own beside the font's. Raises InputError for a look that there is not, for a text that
    cannot be drawn with what the font has, and for a counter of anything but digits.
    """
    return LOOKS[one_of("look", name, LOOKS)](rng, fonts, text)
