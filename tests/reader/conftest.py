"""Letters for the tests: of the fonts that Matplotlib brings, few and soon learned."""

from pathlib import Path

import matplotlib
import pytest

from chainrule.glyphs.fonts import find_fonts, open_font
from chainrule.glyphs.letters import build_letters, load_letters, save_letters

ALPHABET = "abcd"


@pytest.fixture(scope="session")
def fonts_folder():
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture(scope="session")
def letters():
    """The data set in the package."""
    return load_letters()


@pytest.fixture(scope="session")
def few_letters():
    """a to d in the DejaVu and STIX fonts, some families held out."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [open_font(p) for p in find_fonts([folder]) if p.stem.startswith(("DejaVu", "STIXGen"))]
    return build_letters(fonts, ALPHABET, validation_families={"DejaVu Serif"})[0]


@pytest.fixture(scope="session")
def few_letters_file(few_letters, tmp_path_factory):
    path = tmp_path_factory.mktemp("letters") / "few.safetensors"
    save_letters(path, few_letters)
    return path
