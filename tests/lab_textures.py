"""Small photographs of three classes, cut from those that scikit-image installs, in a folder."""

from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from lab_browser import until

CLASSES = ("brick", "grass", "gravel")
SIDE = 128


def cuts(name):
    """The sixteen squares that a texture of 512 x 512 pixels has."""
    data = Path(find_spec("skimage").origin).parent / "data"
    picture = Image.open(data / f"{name}.png").convert("RGB")
    corners = [(x, y) for y in range(0, 512, SIDE) for x in range(0, 512, SIDE)]
    return [picture.crop((x, y, x + SIDE, y + SIDE)) for x, y in corners]


def textures(folder, each=8):
    """Write `folder`/stones with a folder a class, and what people's folders have besides.

    One brick lies in the wrong folder; one picture is there twice, one in two sizes; one is cut
    off. What is left of each texture is new to the classifier.
    """
    root = folder / "stones"
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for i, cut in enumerate(cuts(name)[:each]):
            cut.save(root / name / f"{name} {i}.png")
    cuts("brick")[each].save(root / "grass" / "wrong.png")
    content = (root / "brick" / "brick 0.png").read_bytes()
    (root / "brick" / "copy.png").write_bytes(content)
    (root / "brick" / "cut off.png").write_bytes(content[:900])
    cuts("gravel")[0].resize((96, 96)).save(root / "gravel" / "smaller.jpg", quality=80)
    (root / "notes.txt").write_text("no picture")
    return root


def new_album(tab):
    """A new, empty album of the photographs room."""
    before = until(tab, "room.album")
    tab.get_by_role("button", name="New album").click()
    until(tab, f"room.album !== '{before}' && room.state === 'empty'")


def give_folder(tab, folder):
    """Open a folder in a new album of the photographs room, as a person does it."""
    new_album(tab)
    tab.get_by_label("Open a folder").set_input_files(folder)
    until(tab, "document.querySelector('.give')?.dataset.sending === 'false' && room.pictures > 20")
