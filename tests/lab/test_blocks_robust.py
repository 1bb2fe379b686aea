"""What the blocks room withstands: hostile uploads, too much, a killed process, strangers."""

import os
import signal
import time

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from chainrule.lab.rooms.blocks import BlocksRoom
from chainrule.lab.server.app import Lab
from chainrule.lab.settings import LabSettings

TOKEN = "a-token-of-24-characters"


@pytest.fixture(scope="module")
def room_and_client(tmp_path_factory):
    """The application of a class, in this process."""
    settings = LabSettings(tmp_path_factory.mktemp("blocks"), host="0.0.0.0", token=TOKEN)
    lab = Lab(settings)
    lab.rooms["blocks"] = room = BlocksRoom(lab)
    address = f"http://127.0.0.1:{settings.port}"
    with TestClient(lab.application(), base_url=address, headers={"Origin": address}) as found:
        found.get(f"/?token={TOKEN}")
        yield room, found


@pytest.fixture
def client(room_and_client):
    return room_and_client[1]


@pytest.fixture
def board(client):
    """The address of a new board."""
    return f"/api/blocks/boards/{client.post('/api/blocks/boards', json={}).json()['id']}"


def bomb(path):
    Image.fromarray(np.zeros((8000, 8000), np.uint8)).save(path)
    return path.read_bytes()


def test_what_is_no_picture_or_no_chain_gets_a_sentence_and_changes_nothing(
    client, board, tmp_path
):
    before = client.get(f"{board}/digest").json()
    contents = {
        "text.png": (b"no picture at all", "not a picture that can be read"),
        "drawing.svg": (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "not a picture that can be read",
        ),
        "empty.png": (b"", "empty"),
        "bomb.png": (bomb(tmp_path / "bomb.png"), "pixels"),
    }
    for name, (content, said) in contents.items():
        answer = client.post(f"{board}/picture?name={name}", content=content)
        assert answer.status_code == 422, name
        assert said in answer.json()["error"], answer.json()
    for content in (b"", b"x", bytes(100), b"\x08" + bytes(7) + b"{}"):
        answer = client.post(f"{board}/chain", content=content)
        assert answer.status_code == 422
        assert "expected" in answer.json()["error"]
        assert "/" not in answer.json()["error"]  # where it lies is nobody's business
    assert client.post(f"{board}/picture?name=../../x", content=b"x").status_code == 422
    assert client.get(f"{board}/digest").json() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"do": "side", "side": 512}, "expected a whole number from 8 to 256"),
        ({"do": "add", "kind": "os"}, "expected one of Convolution"),
        ({"do": "add", "kind": "FullyConnected", "after": "conv2"}, "add Flatten before it"),
        ({"do": "set", "layer": "conv1", "settings": {"out_channels": "4000"}}, "4,000,000"),
        ({"do": "set", "layer": "conv1", "settings": {"kernel_size": "2e9"}}, "kernel_size"),
        ({"do": "set", "layer": "conv1", "settings": {"colour": "1"}}, "expected one of"),
        ({"do": "set", "layer": "conv1", "settings": {"kernel_size": "9" * 41}}, "a short text"),
        ({"do": "set", "layer": "conv1"}, "expected an object"),
        ({"do": "remove", "layer": "conv9"}, "expected one of conv1"),
        (
            {"do": "weight", "name": "conv1.weight", "entry": [0, 0, 0, 3], "value": 1},
            "from 0 to 2",
        ),
        ({"do": "weight", "name": "conv1.weight", "entry": [0], "value": 1}, "4 whole numbers"),
        ({"do": "weight", "name": "conv1.weight", "entry": [0, 0, 0, 0], "value": "1"}, "value"),
        ({"do": "weight", "name": "x", "entry": [0], "value": 1}, "expected one of conv1.weight"),
        ({"do": "preset", "preset": "x"}, "expected one of network"),
        ({"do": "draw", "layer": "conv1", "seed": -1}, "seed"),
        ({"do": "format"}, "expected one of preset"),
        ({}, "expected one of preset"),
    ],
)
def test_a_change_out_of_range_or_over_a_quota_gets_a_sentence(client, board, change, said):
    before = client.get(f"{board}/digest").json()
    answer = client.post(f"{board}/change", json=change)
    assert answer.status_code == 422, answer.json()
    assert said in answer.json()["error"]
    assert client.get(f"{board}/digest").json() == before


@pytest.mark.parametrize(
    "path",
    ["entry?layer=1&place=9,0,0", "entry?layer=9&place=0,0,0", "entry?layer=1&place=0,0",
     "entry?layer=1&place=-1,0,0", "entry?layer=1&place=" + "1," * 50, "maps?layer=x",
     "apart?layer=1&place=0,0,0&at=1&entry=0,0,0", "apart?layer=2&place=0,0,0&at=0&entry=9,9,9",
     "weight?layer=1&place=0,0,0&name=x&entry=0", "take/passwd"],
)  # fmt: skip
def test_what_is_not_there_gets_a_sentence(client, board, path):
    answer = client.get(f"{board}/{path}")
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]


def test_a_killed_worker_is_missed_by_nobody(room_and_client, board):
    room, client = room_and_client
    change = {"do": "weight", "name": "conv1.weight", "entry": [0, 0, 0, 0], "value": 7}
    assert client.post(f"{board}/change", json=change).status_code == 200
    before = client.get(f"{board}/digest").json()
    killed = room.worker_pid
    os.kill(killed, signal.SIGKILL)
    answer = client.get(f"{board}/digest")  # asked while it was killed, it may say so once
    deadline = time.monotonic() + 300
    while answer.status_code != 200 and time.monotonic() < deadline:
        assert "once more" in answer.json()["error"]
        answer = client.get(f"{board}/digest")
    assert answer.json() == before
    assert room.worker_pid != killed


def test_one_session_sees_nothing_of_another(client, board):
    runs = client.get("/api/runs").json()["runs"]
    assert runs[0]["result"]["what"] == "china.jpg: conv1, relu1, pool1, conv2"
    kept = dict(client.cookies)
    client.cookies.clear()
    client.get(f"/?token={TOKEN}")
    for path in ("", "/maps?layer=0", "/digest", "/take/chain.py", "/check?layer=1"):
        assert client.get(f"{board}{path}").status_code == 422
    assert client.post(f"{board}/change", json={"do": "undo"}).status_code == 422
    client.cookies.clear()
    client.cookies.update(kept)
    run = board.rpartition("/")[2]
    assert client.delete(f"/api/runs/{run}").status_code == 200
    assert client.get(board).status_code == 422
