"""What the photographs room withstands: too much, bombs, killed processes, other people."""

import io
import json
import os
import signal
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.testclient import TestClient

from chainrule.errors import FileError
from chainrule.io.pictures import sample_files
from chainrule.lab.rooms.photographs import PhotographsRoom
from chainrule.lab.server.app import Lab
from chainrule.lab.settings import LabSettings

TOKEN = "a-token-of-24-characters"
PHOTOGRAPH = sample_files()[0].read_bytes()


class Class:
    """The application of a class, in this process."""

    def __init__(self, folder, **quotas):
        settings = LabSettings(folder, host="0.0.0.0", token=TOKEN)
        self.lab = Lab(settings)
        self.lab.quotas = replace(self.lab.quotas, **quotas)
        self.room = PhotographsRoom(self.lab)
        self.lab.rooms["photographs"] = self.room
        self.address = f"http://127.0.0.1:{settings.port}"
        self._application = self.lab.application()

    def session(self):
        found = TestClient(
            self._application, base_url=self.address, headers={"Origin": self.address}
        )
        found.get(f"/?token={TOKEN}")
        return found


def album(client):
    made = client.post("/api/photographs/albums", json={"with": "nothing"})
    assert made.status_code == 201
    return f"/api/photographs/albums/{made.json()['id']}"


def give(client, place, name, content):
    return client.post(f"{place}/pictures", params={"name": name}, content=content)


def reasons(client, place):
    rows = client.get(f"{place}/pictures").json()
    return {row["name"]: row["reason"] for row in rows["broken"]}


def png(width, height, content):
    """A PNG that says this size, whatever it holds."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(content, 9)) + chunk(b"IEND", b""))  # fmt: skip


def test_bombs_and_what_is_no_picture_are_listed_with_the_reason(tmp_path):
    made = Class(tmp_path)
    with made.session() as client:
        place = album(client)
        bombs = {
            "wide.png": png(60_000, 60_000, b""),
            "long.png": png(30_000, 3_000, bytes(10_000)),
            "unpacks.png": png(100, 100, bytes(200 << 20)),  # 200 KB that unpack to 200 MB
            "text.png": _with_text(64 << 20),
            "a.svg": b"<svg/>",
            "b.png": b"<?xml version='1.0'?><svg onload='alert(1)'/>",
            "c.jpg": b"\xff\xd8\xff" + bytes(1000),
            "d.exe": b"MZ",
            "~e.jpg": b"",
        }
        for name, content in bombs.items():
            assert give(client, place, name, content).status_code == 201
        found = reasons(client, place)
        assert "60,000 x 60,000 pixels; expected at most 50,000,000" in found["wide.png"]
        assert "30,000 x 3,000 pixels" in found["long.png"]
        assert "SVG" in found["a.svg"]
        assert "SVG" in found["b.png"]
        assert found["d.exe"] == "not a picture by its name"
        assert found["~e.jpg"] == "empty; expected a picture"
        assert "c.jpg" in found
        # what says a small size is taken at its word: no more is unpacked than that
        taken = {row["name"] for row in client.get(f"{place}/pictures").json()["pictures"]}
        assert taken | set(found) == set(bombs)
        assert taken <= {"unpacks.png", "text.png"}
        status = Path(f"/proc/{made.room.looker_pid}/status")
        if status.exists():
            peak = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
            assert int(peak[0].split()[1]) < 300_000  # kB


def _with_text(size):
    info = PngInfo()
    info.add_text("Comment", "x" * size, zip=True)
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def test_quotas_of_real_bytes_and_pictures_get_a_sentence(tmp_path):
    quotas = {"picture": 200_000, "pictures": 3, "disk": 400_000}
    with Class(tmp_path, **quotas).session() as client:
        place = album(client)
        answer = give(client, place, "large.jpg", PHOTOGRAPH + bytes(200_000))
        assert answer.status_code == 422
        assert answer.json()["error"] == (
            "the file has more than 200,000 bytes; expected at most so many"
        )
        content = PHOTOGRAPH[:150_000]
        assert give(client, place, "a.jpg", content).status_code == 201
        assert give(client, place, "a.jpg", content).status_code == 201  # in its own place
        assert give(client, place, "b.jpg", content).status_code == 201
        answer = give(client, place, "c.jpg", content)
        assert answer.status_code == 429
        assert "take 300,000 bytes, and this one 150,000 more" in answer.json()["error"]
        assert give(client, place, "c.jpg", b"x").status_code == 201
        answer = give(client, album(client), "d.jpg", b"x")
        assert answer.status_code == 429
        assert answer.json()["error"].startswith("3 pictures are kept")
        kept = client.get("/api/runs").json()["runs"]
        for run in kept:
            assert client.delete(f"/api/runs/{run['id']}").status_code == 200
        assert give(client, album(client), "d.jpg", b"x").status_code == 201
        folders = [path.name for path in (tmp_path / "photographs").iterdir()]
        assert len(folders) == 1


def bundle(*files):
    """Files of one upload: their names and sizes as a line, then their bytes."""
    head = json.dumps([[name, len(content)] for name, content in files])
    return head.encode() + b"\n" + b"".join(content for _, content in files)


def test_many_pictures_of_one_upload_are_taken_as_each_alone_is(tmp_path):
    files = [
        ("a/1.jpg", PHOTOGRAPH), ("a/.DS_Store", b"x"), ("../b.jpg", b"x"), ("c.svg", b"<svg/>"),
        ("empty.png", b""), ("a/1.jpg", PHOTOGRAPH[:1000]), ("a/2.jpg", PHOTOGRAPH[::-1]),
    ]  # fmt: skip
    with Class(tmp_path).session() as client:
        alone, place = album(client), album(client)
        each = [give(client, alone, name, content) for name, content in files]
        answer = client.post(f"{place}/bundle", content=bundle(*files))
        assert answer.status_code == 201
        assert answer.json()["stopped"] == ""
        for one, taken in zip(each, answer.json()["files"], strict=True):
            refused = one.json().get("error")
            assert taken == ({"reason": refused} if refused else one.json())
        assert client.get(place).json()["bytes"] == 1000 + len(PHOTOGRAPH)
        folder = tmp_path / "photographs" / place.rpartition("/")[2]
        assert {p.read_bytes() for p in (folder / "pictures").iterdir()} == {
            PHOTOGRAPH[:1000], PHOTOGRAPH[::-1],
        }  # fmt: skip
        assert sorted(p.name for p in folder.iterdir()) == ["pictures", "small"]


def test_an_upload_of_many_that_is_not_whole_leaves_nothing(tmp_path):
    whole = bundle(("a.jpg", PHOTOGRAPH), ("b.jpg", PHOTOGRAPH))
    with Class(tmp_path, picture=500_000).session() as client:
        place = album(client)
        for content, said in (
            (whole[:-1], "ends too early"),
            (whole[:50_000], "ends too early"),
            (b"", "ends too early"),
            (b"[]" + b" " * (5 << 20), "first line"),
            (whole + b"x", "goes on after its last file"),
            (b"[" * 50_000 + b"\n", "no JSON"),
            (b"{}\n", "expected a list"),
            (b'[["a.jpg", -1]]\n', "expected a list"),
            (b'[["a.jpg", true]]\nx', "expected a list"),
            (b'[["a.jpg"]]\n', "expected a list"),
            (json.dumps([["a.jpg", 0]] * 1001).encode() + b"\n", "at most 1,000"),
            (b'[["a.jpg", 500001]]\n' + bytes(500_001), "at most 500,000 together"),
        ):
            answer = client.post(f"{place}/bundle", content=content)
            assert answer.status_code == 422, content[:50]
            assert said in answer.json()["error"]
        assert client.get(place).json()["pictures"] == 0
        folder = tmp_path / "photographs" / place.rpartition("/")[2]
        assert [p.name for p in folder.rglob("*") if p.is_file()] == []


def test_of_many_pictures_as_many_are_taken_as_the_quotas_leave(tmp_path):
    with Class(tmp_path, pictures=3).session() as client:
        place = album(client)
        files = [(f"{k}.jpg", PHOTOGRAPH) for k in range(5)]
        answer = client.post(f"{place}/bundle", content=bundle(*files)).json()
        assert [row["name"] for row in answer["files"]] == ["0.jpg", "1.jpg", "2.jpg"]
        assert answer["stopped"].startswith("3 pictures are kept, as many as a session may have")
        assert client.get(place).json()["pictures"] == 3


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a/../b.jpg", "\0", "x" * 1001])
def test_names_never_become_paths(tmp_path, name):
    with Class(tmp_path).session() as client:
        place = album(client)
        answer = give(client, place, name, PHOTOGRAPH)
        assert answer.status_code == 422
        assert "expected a file's name" in answer.json()["error"]
        assert give(client, place, "a\\b/<i>c.jpg", PHOTOGRAPH).json()["name"] == "a/b/<i>c.jpg"
        assert [p.name for p in tmp_path.rglob("pictures/*")] == ["1"]


def test_nobody_sees_the_pictures_of_another(tmp_path):
    made = Class(tmp_path)
    with made.session() as mine:
        place = album(mine)
        give(mine, place, "a.jpg", PHOTOGRAPH)
        other = made.session()
        for path in ("", "/pictures", "/pictures/1", "/pictures/1/small", "/take/pictures.csv"):
            answer = other.get(place + path)
            assert answer.status_code == 422, path
            assert "no such album" in answer.json()["error"]
        assert other.delete(f"{place}/pictures/1").status_code == 422
        assert other.post(f"{place}/do", json={"do": "train"}).status_code == 422
        assert other.post(f"{place}/bundle", content=bundle(("b.jpg", b"x"))).status_code == 422
        assert give(other, place, "b.jpg", b"x").status_code == 422
        assert mine.get(f"{place}/pictures").json()["of"] == 1


def test_a_killed_process_is_replaced_and_a_lab_that_starts_again_has_the_album(tmp_path):
    made = Class(tmp_path)
    with made.session() as client:
        place = album(client)
        give(client, place, "a.jpg", PHOTOGRAPH)
        assert client.get(f"{place}/pictures").json()["pictures"][0]["width"] == 640
        os.kill(made.room.looker_pid, signal.SIGKILL)
        give(client, place, "b.jpg", PHOTOGRAPH)
        rows = client.get(f"{place}/pictures").json()
        while rows["broken"]:  # the one that it was at when it was killed may be asked for again
            assert "was ended" in rows["broken"][0]["reason"]
            give(client, place, "b.jpg", PHOTOGRAPH)
            rows = client.get(f"{place}/pictures").json()
        assert {row["name"] for row in rows["pictures"]} == {"a.jpg", "b.jpg"}
        made.room._looker.hold()  # as a training does
        assert made.room.looker_pid is None
        give(client, place, "c.jpg", PHOTOGRAPH)
        assert len(client.get(f"{place}/pictures").json()["pictures"]) == 3
        assert made.room.looker_pid is None  # none is left that nobody asks
        made.lab.store.change(place.rpartition("/")[2], state="running")
        cookies = client.cookies
    again = Class(tmp_path)
    with TestClient(
        again._application, base_url=again.address, headers={"Origin": again.address},
        cookies=cookies,
    ) as client:  # fmt: skip
        found = client.get(place).json()
        assert found["pictures"] == 3
        assert found["state"] == "interrupted"
        assert client.get(f"{place}/pictures/1/small").content.startswith(b"\xff\xd8")


def test_a_full_disk_makes_no_picture_broken(tmp_path, monkeypatch):
    def full(*_):
        raise FileError("database or disk is full")

    made = Class(tmp_path)
    with made.session() as client:
        place = album(client)
        give(client, place, "a.jpg", PHOTOGRAPH)
        small = tmp_path / "photographs" / place.rpartition("/")[2] / "small"
        small.rmdir()
        small.write_bytes(b"")  # nothing can be written in it
        monkeypatch.setattr(made.lab.store, "see_file", full)
        rows = client.get(f"{place}/pictures").json()
        assert rows["broken"] == []
        assert rows["pictures"][0]["width"] == 640
        answer = client.get(f"{place}/pictures/1/small")
        assert answer.status_code == 422
        assert "is the disk full?" in answer.json()["error"]
        monkeypatch.undo()
        small.unlink()
        small.mkdir()
        assert client.get(f"{place}/pictures/1/small").content.startswith(b"\xff\xd8")


def test_a_folder_without_classes_trains_nothing_and_says_why(tmp_path):
    with Class(tmp_path).session() as client:
        place = album(client)
        give(client, place, "one.jpg", PHOTOGRAPH)
        assert client.get(place).json()["classes"] == {}
        for path in ("/judged", "/take/model.safetensors", "/take/answers.csv"):
            answer = client.get(place + path)
            assert answer.status_code == 422
            assert "expected" in answer.json()["error"]
        assert client.get(f"{place}/take/pictures.csv").text == "file,classes,split\n"
        for asked, said in (({"do": "x"}, "expected one of"), ({"do": "train", "seed": -1}, "seed"),
                            ({"do": "train", "balanced": 1}, "true or false")):  # fmt: skip
            answer = client.post(f"{place}/do", json=asked)
            assert answer.status_code == 422
            assert said in answer.json()["error"]
