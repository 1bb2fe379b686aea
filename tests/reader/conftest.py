"""Letters for the tests: of the fonts that Matplotlib brings, few and soon learned."""

import pytest

from chainrule.glyphs.fonts import find_fonts, open_font
from chainrule.glyphs.letters import build_letters, save_letters

ALPHABET = "abcd"


@pytest.fixture(scope="session")
def few_letters(fonts_folder):
    """a to d in the DejaVu and STIX fonts, some families held out."""
    found = find_fonts([fonts_folder])
    fonts = [open_font(p) for p in found if p.stem.startswith(("DejaVu", "STIXGen"))]
    return build_letters(fonts, ALPHABET, validation_families={"DejaVu Serif"})[0]


@pytest.fixture(scope="session")
def few_letters_file(few_letters, tmp_path_factory):
    path = tmp_path_factory.mktemp("letters") / "few.safetensors"
    save_letters(path, few_letters)
    return path
