"""The same photograph in another size, quality, comment or cut; and others, which are not."""

import io

import numpy as np
import pytest
from PIL import Image

from chainrule.errors import InputError
from chainrule.images.collection import read_collection
from chainrule.images.duplicates import kept_together, near_duplicates, without_copies
from chainrule.images.features import joined_features, picture_features
from chainrule.images.networks import load_network
from chainrule.images.parts import split_in_halves


def _jpeg(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.fixture
def photos(photographs):
    return {name: Image.open(path).convert("RGB") for name, path in photographs.items()}


def test_copies_are_found_by_their_look(photos):
    pictures = list(photos.values())
    count = len(pictures)
    chelsea = photos["chelsea"]
    copies = [
        chelsea.resize((chelsea.width // 3, chelsea.height // 3)),
        _jpeg(chelsea, quality=15),
        _jpeg(chelsea, quality=95, comment=b"another"),
        chelsea.point(lambda v: min(255, int(1.2 * v))),
        chelsea.convert("L"),
    ]
    found = near_duplicates([*pictures, *copies])
    own = list(photos).index("chelsea")
    assert found == [[own, *range(count, count + len(copies))]]


@pytest.mark.slow
def test_cuts_are_found_with_features(photos):
    pictures = list(photos.values())
    cuts = [p.crop((p.width // 5, 0, p.width, p.height * 4 // 5)) for p in pictures]
    network = load_network()
    features = joined_features([picture_features([*pictures, *cuts], network)])
    found = near_duplicates([*pictures, *cuts], features)
    count = len(pictures)
    assert all(len(group) == 2 and group[1] - group[0] == count for group in found)
    assert len(found) >= count - 1


def test_even_areas_are_the_same_only_if_their_shades_are():
    walls = [np.full((64, 64, 3), shade, np.uint8) for shade in (100, 140, 141, 180)]
    assert near_duplicates(walls) == [[1, 2]]


def test_a_split_parts_no_near_duplicates(shapes):
    collection = read_collection(shapes)
    image = Image.open(shapes / "disc" / "00.png")
    for i in range(5):
        image.resize((50 + i, 50 + i)).save(shapes / "disc" / f"copy{i}.png")
    collection = read_collection(shapes)
    groups = near_duplicates(collection.files)
    (largest,) = [group for group in groups if len(group) >= 6]
    together = kept_together(collection, groups)
    for seed in range(6):
        assert len(set(split_in_halves(together, seed)[largest])) == 1


def test_of_given_parts_the_training_copy_is_left_out(shapes, tmp_path):
    for part, names in (("train", range(6)), ("test", range(6, 12))):
        for c in ("disc", "square"):
            folder = tmp_path / "parts" / part / c
            folder.mkdir(parents=True)
            for i in names:
                (folder / f"{i}.png").write_bytes((shapes / c / f"{i:02}.png").read_bytes())
    root = tmp_path / "parts"
    Image.open(root / "test/disc/6.png").resize((80, 80)).save(root / "train/disc/again.png")
    (root / "train/disc/equal.png").write_bytes((root / "test/disc/7.png").read_bytes())
    collection = without_copies(read_collection(root))
    assert "train/disc/equal.png" in collection.skipped[-1].file
    result = kept_together(collection, near_duplicates(collection.files))
    left_out = [s for s in result.skipped if "nearly the same" in s.reason]
    assert any(s.file.endswith("train/disc/again.png") for s in left_out)
    assert all("/train/" in s.file for s in left_out)


def test_a_test_part_equal_to_the_training_part_is_refused(shapes, tmp_path):
    for part in ("train", "test"):
        for c in ("disc", "square"):
            folder = tmp_path / "parts" / part / c
            folder.mkdir(parents=True)
            for file in (shapes / c).iterdir():
                (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="every picture of the training part is in the test part"):
        without_copies(read_collection(tmp_path / "parts"))


def test_contradictions_are_named_and_left_out(shapes):
    (shapes / "square" / "wrong.png").write_bytes((shapes / "disc" / "03.png").read_bytes())
    found = without_copies(read_collection(shapes))
    assert len(found.files) == 23
    reasons = [s.reason for s in found.skipped]
    assert len(reasons) == 2
    assert all("disc (" in r and "square (" in r and "left out" in r for r in reasons)


def test_labels_of_equal_files_of_a_list_are_united(shapes, tmp_path):
    (tmp_path / "a.png").write_bytes((shapes / "disc" / "00.png").read_bytes())
    (tmp_path / "b.png").write_bytes((shapes / "disc" / "00.png").read_bytes())
    (tmp_path / "list.csv").write_text("file,classes\na.png,cat\nb.png,dog\n")
    found = without_copies(read_collection(tmp_path / "list.csv"))
    assert [f.name for f in found.files] == ["a.png"]
    assert found.truth.tolist() == [[1, 1]]
    assert "united" in found.skipped[0].reason
