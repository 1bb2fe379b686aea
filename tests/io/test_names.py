"""Names for files that are made, which every system takes."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from chainrule.images.drawings import drawing_paths
from chainrule.io.names import safe_stem
from chainrule.lab.rooms.lines_sheet import flat_names


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        # the devices of Microsoft's "Naming Files, Paths, and Namespaces", in any case and ending
        ("con", "_con"), ("AUX", "_AUX"), ("nul.tar", "_nul.tar"), ("Com1", "_Com1"),
        ("lpt²", "_lpt²"), ("prn .x", "_prn .x"), ("CONOUT$", "_CONOUT$"),
        # and the characters that are reserved there
        ('a<b>c:d"e/f\\g|h?i*j', "a_b_c_d_e_f_g_h_i_j"), ("line\nbreak", "line_break"),
        ("\udcff", "_"),
        ("icon", "icon"), ("console", "console"), ("com10", "com10"), ("猫 déjà", "猫 déjà"),
    ],
)  # fmt: skip
def test_names_of_devices_and_reserved_characters_are_replaced(stem, expected):
    assert safe_stem(stem) == expected


def test_a_long_name_is_cut_between_characters():
    assert safe_stem("é" * 200) == "é" * 75


def test_drawings_and_lines_that_are_given_away_have_such_names(tmp_path):
    assert drawing_paths(tmp_path, [Path("con.jpg")]) == [tmp_path / "_con.png"]
    assert drawing_paths(tmp_path, [Path("con.jpg"), Path("b.jpg")])[0].name == "0001-con.png"
    lines = [SimpleNamespace(number=n, name=name) for n, name in enumerate(["aux.png", "_aux.png"])]
    assert flat_names(lines) == {0: "_aux.png", 1: "_aux 1.png"}
