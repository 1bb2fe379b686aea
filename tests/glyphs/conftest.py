"""Fonts for the tests: those that Matplotlib brings, and ones made with fontTools."""

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


@pytest.fixture
def make_font(tmp_path):
    """Make a font in which each character is a rectangle: (left, bottom, right, top) or None."""

    def make(name, rectangles, *, family="Boxes", advance=600, suffix=".ttf"):
        names = {character: f"u{ord(character):04X}" for character in rectangles}
        glyphs = {".notdef": TTGlyphPen(None).glyph()}
        for character, box in rectangles.items():
            pen = TTGlyphPen(None)
            if box:
                left, bottom, right, top = box
                pen.moveTo((left, bottom))
                for corner in ((left, top), (right, top), (right, bottom)):
                    pen.lineTo(corner)
                pen.closePath()
            glyphs[names[character]] = pen.glyph()
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder(list(glyphs))
        builder.setupCharacterMap({ord(character): glyph for character, glyph in names.items()})
        builder.setupGlyf(glyphs)
        builder.setupHorizontalMetrics(
            {glyph: (advance, rectangles_left(rectangles, names, glyph)) for glyph in glyphs}
        )
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": family, "styleName": "Regular"})
        builder.setupOS2()
        builder.setupPost()
        path = tmp_path / f"{name}{suffix}"
        if suffix == ".woff2":
            builder.font.flavor = "woff2"
        builder.save(path)
        return path

    return make


def rectangles_left(rectangles, names, glyph):
    boxes = [box for character, box in rectangles.items() if names[character] == glyph and box]
    return boxes[0][0] if boxes else 0
