"""The files that the documentation's commands name, as a reader of it would have them."""

import importlib.util
import re
import shutil
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image
from sklearn.datasets import load_iris

from chainrule.glyphs.lines import load_line_fonts, render_line

DOCS = Path(__file__).parents[1] / "docs"


def make_user_files(folder: Path) -> Path:
    """Photographs, pictures of lines, fonts, tables: all that the pages name without making it."""
    _photographs(folder)
    _lines(folder)
    _tables(folder)
    fonts = folder / "my-fonts"
    fonts.mkdir()
    shutil.copy(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf", fonts)
    for name, page, fence in (
        ("mine.json", "tutorials/pencil.md", r"```json\n(.*?)```"),
        ("runs.csv", "how-to/published-runs.md", r"```\n(id,.*?)```"),
    ):
        (content,) = re.findall(fence, (DOCS / page).read_text("utf-8"), re.DOTALL)
        (folder / name).write_text(content)
    return folder


def _photographs(folder: Path) -> None:
    """Pieces of two photographs are the classes."""
    skimage = Path(importlib.util.find_spec("skimage").origin).parent / "data"
    sklearn = Path(importlib.util.find_spec("sklearn").origin).parent / "datasets" / "images"
    for name in ("photo.jpg", "new.jpg"):
        shutil.copy(sklearn / "flower.jpg", folder / name)
    shutil.copy(skimage / "coffee.png", folder)
    shutil.copy(skimage / "page.png", folder / "scan.png")
    Image.open(skimage / "chelsea.png").save(folder / "cat.jpg")
    pieces = {"photos": range(0, 400, 150), "other-photos": (60, 210), "new": (100,)}
    for label, name in (("temple", "china.jpg"), ("flower", "flower.jpg")):
        photograph = Image.open(sklearn / name)
        for part, tops in pieces.items():
            target = folder / part / (label if part != "new" else "")
            target.mkdir(parents=True, exist_ok=True)
            for y in tops:
                for x in range(0, 600, 150):
                    piece = photograph.crop((x, y, x + 120, y + 120))
                    piece.save(target / f"{label}-{y}-{x}.jpg")


def _lines(folder: Path) -> None:
    font = next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")
    rng = np.random.default_rng(0)
    for name in ("label.png", "meter.png", "meter.jpg"):
        Image.fromarray(render_line(font, "a line of words").image).save(folder / name)
    for part, count in (("my-pictures", 12), ("receipts", 3)):
        (folder / part).mkdir()
        for k in range(count):
            text = "".join(rng.choice(list("abcdefghij"), size=6))
            Image.fromarray(render_line(font, text).image).save(folder / part / f"{k}.png")
            (folder / part / f"{k}.gt.txt").write_text(text)


def _tables(folder: Path) -> None:
    """Two of the three species of Fisher's irises."""
    iris = load_iris()
    rows = [
        ",".join([*map(str, x), iris.target_names[kind]])
        for x, kind in zip(iris.data[50:], iris.target[50:], strict=True)
    ]
    head = "sepal length,sepal width,petal length,petal width,species"
    (folder / "leaves.csv").write_text("\n".join([head, *rows[::2]]) + "\n")
    (folder / "new-leaves.csv").write_text("\n".join([head, *rows[1::2]]) + "\n")
