"""`--photos voc2007` against a mirror on the loopback address that holds a small made tree."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from chainrule.errors import FileError
from chainrule.images import voc
from chainrule.io.pictures import read_picture
from chainrule.report import ReportSettings
from chainrule.report.experiments import photograph_classes, photographs
from chainrule.report.facts import FACTS, judge

SETTINGS = ReportSettings(photos=Path("voc2007"))
PHOTOGRAPHS = {"aeroplane": "rocket", "motorbike": "motorcycle_left", "person": "astronaut"}
PARTS = {"VOCtrainval_06-Nov-2007.tar": "trainval", "VOCtest_06-Nov-2007.tar": "test"}
EACH = 5  # pictures of a class in a part


def archive(part):
    """VOC 2007 in small: tiles of a photograph a class, from its left half or its right one."""
    shown = {path.stem: path for path in photographs.packaged()}
    files, lists = {}, {name: [] for name in PHOTOGRAPHS}
    for class_name, stem in PHOTOGRAPHS.items():
        image = read_picture(shown[stem])
        left = 0 if part == "trainval" else image.width // 2
        for k in range(EACH):
            name = f"{len(files) + (0 if part == 'trainval' else 100):06}"
            x, y = left + 40 * (k % 3), 96 + 60 * (k // 3)
            content = io.BytesIO()
            image.crop((x, y, x + 96, y + 96)).convert("RGB").save(content, "JPEG")
            files[f"JPEGImages/{name}.jpg"] = content.getvalue()
            for other, lines in lists.items():
                lines.append(f"{name} {1 if other == class_name else -1:2}")
    for class_name, lines in lists.items():
        files[f"ImageSets/Main/{class_name}_{part}.txt"] = "\n".join(lines).encode() + b"\n"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"VOCdevkit/VOC2007/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def mirror(server, monkeypatch, tmp_path):
    """The server with both archives, their checksums in place of VOC 2007's, an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(voc, "ADDRESS", server.address)
    for name, part in PARTS.items():
        server.files[f"/{name}"] = content = archive(part)
        monkeypatch.setitem(voc.ARCHIVES, name, hashlib.md5(content).hexdigest())
    return server


def test_what_was_cut_off_goes_on_and_is_unpacked(mirror, tmp_path):
    first, second = (f"/{name}" for name in PARTS)
    mirror.stop_after, mirror.stop_once = 20_000, True
    with pytest.raises(FileError, match="what has come is kept"):
        photographs.fetch(SETTINGS)
    seen = []
    tree = photographs.fetch(SETTINGS, lambda done, total: seen.append((done, total)))
    assert mirror.ranges == [None, "bytes=20000-", None]
    assert seen[-1] == (len(mirror.files[second]),) * 2
    assert tree == tmp_path / "cache" / "chainrule" / "voc2007" / "VOCdevkit" / "VOC2007"
    assert len(list((tree / "JPEGImages").iterdir())) == 2 * 3 * EACH
    mirror.files.clear()  # all is there: nothing is asked again
    assert photographs.fetch(SETTINGS) == tree
    assert (tmp_path / "cache" / "chainrule" / "voc2007" / first[1:]).exists()


def test_another_archive_is_refused(mirror, tmp_path):
    mirror.files[f"/{next(iter(PARTS))}"] += b"more"
    with pytest.raises(FileError, match="MD5 checksum"):
        photographs.fetch(SETTINGS)
    assert not list((tmp_path / "cache" / "chainrule" / "voc2007").iterdir())


def test_the_originals_classes_are_compared(mirror):
    """What is measured on VOC 2007 can agree or disagree; on tiles it never can."""
    found = photograph_classes.run(SETTINGS, None, photographs.fetch(SETTINGS))
    assert found.compared == list(PHOTOGRAPHS)
    assert found.tested == 3 * EACH
    facts = [fact for fact in FACTS if fact.id.startswith("5.2.")]
    judged = {one.fact.id: one for one in judge(facts, found.found())}
    figures = [one for name, one in judged.items() if name.endswith((".assignment2", ".cnn"))]
    assert len(figures) == 6
    assert {one.verdict for one in figures} <= {"agrees", "disagrees"}
    assert judged["5.2.above"].verdict in {"agrees", "disagrees"}
