"""The tour's pictures show the page as it is; `make pictures` makes them anew."""

import io
import itertools
import re
from pathlib import Path

import pytest
from PIL import Image

from lab_pictures import (
    FOLDER,
    ROOMS,
    blocks_tour,
    lines_tour,
    photographs_tour,
    points_tour,
    report_tour,
    stamp,
    stamp_of,
)

TOUR = Path(__file__).parents[2] / "docs" / "tours" / "lab.md"


@pytest.mark.parametrize("room", ROOMS)
def test_no_picture_is_stale(room):
    pictures = sorted(FOLDER.glob(ROOMS[room]))
    assert {path.name: stamp_of(path) for path in pictures} == {
        path.name: stamp(room) for path in pictures
    }


def test_every_picture_is_in_the_tour():
    named = set(re.findall(r"images/(lab-[\w-]+\.png)", TOUR.read_text("utf-8")))
    assert named == {path.name for path in FOLDER.glob("lab-*.png")}


def test_the_tour_can_be_gone(tabs, lab, trained, reported):
    tours = (
        points_tour(tabs, lab), blocks_tour(tabs, lab), lines_tour(tabs, lab),
        photographs_tour(tabs, lab, trained.place), report_tour(tabs, lab, reported.place)
    )  # fmt: skip
    for name, content in itertools.chain(*tours):
        with Image.open(io.BytesIO(content)) as taken, Image.open(FOLDER / name) as kept:
            assert abs(taken.width - kept.width) <= 2, name
