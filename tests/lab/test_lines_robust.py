"""What the lines room withstands: too much, files that are none, killed processes, other people."""

import errno
import io
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from chainrule.errors import FileError
from chainrule.lab.rooms.lines import LinesRoom
from chainrule.lab.server.app import Lab
from chainrule.lab.settings import LabSettings

TOKEN = "a-token-of-24-characters"
LATE = 1200  # seconds


@pytest.fixture
def room(tmp_path):
    """The application of a class, in this process."""
    settings = LabSettings(tmp_path, host="0.0.0.0", token=TOKEN)
    lab = Lab(settings)
    lab.quotas = replace(lab.quotas, picture=100_000, pictures=4)
    lab.rooms["lines"] = LinesRoom(lab)
    return lab.rooms["lines"], lab.application(), f"http://127.0.0.1:{settings.port}"


def session(room):
    _, application, address = room
    found = TestClient(application, base_url=address, headers={"Origin": address})
    found.get(f"/?token={TOKEN}")
    return found


def sheet(client):
    made = client.post("/api/lines/sheets", json={"with": "nothing"})
    assert made.status_code == 201
    return f"/api/lines/sheets/{made.json()['id']}"


def give(client, place, name, content):
    return client.post(f"{place}/lines", params={"name": name}, content=content)


def png():
    stream = io.BytesIO()
    Image.fromarray(np.full((40, 90), 200, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def refused(answer, said, status=422):
    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_what_is_too_much_or_nothing_of_the_kind_gets_a_sentence(room):
    with session(room) as client:
        place = sheet(client)
        refused(give(client, place, "../a.png", png()), "expected a file's name")
        refused(give(client, place, "a.png", bytes(100_001)), "more than 100,000 bytes")
        for text in ("", " ", "x" * 201, "two\nlines", "\0", 3, None):
            refused(client.post(f"{place}/typed", json={"text": text}), "one line of text")
        refused(client.post(f"{place}/typed", json={"text": "a", "look": "x"}), "look")
        refused(client.post(f"{place}/typed", json={"text": "a", "font": 3}), "a font's name")
        refused(client.post(f"{place}/reader", json={"reader": "yours"}), "to be trained")
        refused(client.post(f"{place}/reader", json={"reader": "../x"}), "expected one of")
        refused(client.post(f"{place}/do", json={"do": "go on"}), "nothing was trained here")
        refused(client.post(f"{place}/do", json={"do": "train"}), "at least two")
        for asked, said in (({"epochs": 21}, "from 1 to 20"), ({"start": "/x"}, "start"),
                            ({"on": "x"}, "on"), ({"alphabet": "x" * 401}, "alphabet"),
                            ({"seed": -1}, "seed"), ({"on": "fonts"}, "no font")):  # fmt: skip
            refused(client.post(f"{place}/do", json={"do": "train", **asked}), said)
        for name in ("model.safetensors", "trained.json", "train.sh"):
            refused(client.get(f"{place}/take/{name}"), "to be trained")
        refused(client.get(f"{place}/take/x"), "expected one of")
        for number in range(4):
            assert give(client, place, f"{number}.png", png()).status_code == 201
        refused(give(client, place, "4.png", png()), "4 pictures are kept", 429)
        refused(client.post(f"{place}/typed", json={"text": "a"}), "4 pictures are kept", 429)


def test_nobody_sees_the_lines_of_another(room):
    with session(room) as mine:
        place = sheet(mine)
        give(mine, place, "a.png", png())
        other = session(room)
        for path in ("", "/lines", "/lines/1/small", "/lines/1/trace", "/take/lines.zip"):
            refused(other.get(place + path), "no such sheet")
        refused(other.post(f"{place}/lines/1", json={"text": "b"}), "no such sheet")
        refused(other.delete(f"{place}/lines/1"), "no such sheet")
        refused(other.post(f"{place}/do", json={"do": "cancel"}), "no such sheet")
        assert mine.get(place).json()["lines"] == 1


def test_a_text_may_come_before_its_picture_and_files_that_are_none_are_listed(room):
    with session(room) as client:
        place = sheet(client)
        assert give(client, place, "b/a.gt.txt", b"truth\n").json() == {"name": "b/a.gt.txt"}
        assert "cannot be used" in give(client, place, "c.gt.txt", b"\xff").json()["reason"]
        give(client, place, "b/a.png", png())
        give(client, place, "d.svg", b"<svg/>")
        rows = client.get(f"{place}/lines").json()
        assert [(row["name"], row["truth"]) for row in rows["lines"]] == [("b/a.png", "truth")]
        assert "SVG" in rows["broken"][0]["reason"]
        number = rows["lines"][0]["number"]
        assert "no text" in rows["lines"][0]["read"]["reason"]
        refused(
            client.get(f"{place}/lines/{number}/beam?reader=0&line=0&frame=0"), "no line is found"
        )
        client.post(f"{place}/lines/{number}", json={"text": ""})
        assert "truth" not in client.get(f"{place}/lines").json()["lines"][0]


def full(*_, **__):
    raise FileError("database or disk is full")


def test_a_disk_that_is_full_as_a_training_ends_hides_its_end_from_nobody(room, monkeypatch):
    with session(room) as client:
        place, store = sheet(client), room[0]._lab.store
        give(client, place, "a.ttf", b"no font")
        asked = {"do": "train", "on": "fonts", "alphabet": "ab"}
        assert client.post(f"{place}/do", json=asked).status_code == 200
        monkeypatch.setattr(store, "change", full)
        end = time.monotonic() + LATE
        while (found := client.get(place).json())["going"] is not None:
            assert time.monotonic() < end, found
            time.sleep(0.02)
        assert found["state"] == "failed"
        assert "a.ttf" in found["said"]
        (listed,) = client.get("/api/runs").json()["runs"]
        assert listed["state"] == "running"  # what the disk took last
        refused(client.post(f"{place}/do", json=asked), "disk is full")
        monkeypatch.undo()
        assert client.get(place).json()["state"] == "failed"
        (listed,) = client.get("/api/runs").json()["runs"]
        assert (listed["state"], listed["said"]) == ("failed", found["said"])


def test_a_line_that_is_typed_on_a_full_disk_is_refused_and_leaves_nothing(room, monkeypatch):
    with session(room) as client:
        place = sheet(client)
        folder = room[0]._lab.settings.folder / "lines" / place.rpartition("/")[2]
        before = sorted(folder.rglob("*"))
        write = Path.write_bytes

        def half(path, content):
            write(path, content[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", half)
        refused(client.post(f"{place}/typed", json={"text": "abc"}), "No space left on device")
        assert sorted(folder.rglob("*")) == before


def test_a_full_disk_takes_no_new_session_and_says_so(room, monkeypatch):
    _, application, address = room
    with TestClient(application, base_url=address, headers={"Origin": address}) as client:
        monkeypatch.setattr(room[0]._lab.store, "add_session", full)
        refused(client.get(f"/?token={TOKEN}"), "disk is full")


def test_a_killed_process_is_replaced(room):
    with session(room) as client:
        place = sheet(client)
        assert give(client, place, "a.png", png()).status_code == 201
        assert client.get(f"{place}/lines/1/small").content.startswith(b"\xff\xd8")
        os.kill(room[0].reading_pid, signal.SIGKILL)
        give(client, place, "b.png", png())
        answer = client.get(f"{place}/lines/2/small")
        if answer.status_code != 200:  # it may have been at this when it was found to be gone
            refused(answer, "was ended")
            number = give(client, place, "b.png", png()).json()["number"]
            answer = client.get(f"{place}/lines/{number}/small")
        assert answer.content.startswith(b"\xff\xd8")
