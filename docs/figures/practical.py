"""The pictures of `docs/tutorials/practical.md`: what the solved notebooks show.

Run it in the repository's folder: `python docs/figures/practical.py`. It takes some minutes.
"""

import base64
import io
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

from chainrule.practical.notebooks.sources import solved

FOLDER = Path(__file__).parents[1] / "images"
# notebook, which of its pictures, what it is called, its width in pixels
PICTURES = (
    (1, 0, "delta", 420),
    (1, 1, "boundaries", 760),
    (3, 0, "filter", 760),
    (5, 1, "scores", 620),
    (6, 0, "decided", 760),
)


def pictures(number: int) -> list[bytes]:
    """The PNG pictures of a solved notebook, run from start to end."""
    notebook = nbformat.reads(solved(number), 4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [
        output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    return [base64.b64decode(text) for text in shown]


def main() -> None:
    made = {number: pictures(number) for number in sorted({row[0] for row in PICTURES})}
    for number, which, name, width in PICTURES:
        picture = Image.open(io.BytesIO(made[number][which])).convert("RGB")
        height = round(picture.height * width / picture.width)
        small = picture.resize((width, height), Image.Resampling.LANCZOS)
        small.quantize(256).save(FOLDER / f"practical-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
