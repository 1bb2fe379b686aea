"""What the lab withstands: killed processes, stalled tabs, hostile uploads, too much."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
from starlette.testclient import TestClient

from chainrule.io.temporary import _machine
from chainrule.lab.jobs.store import Record, Store
from chainrule.lab.rooms.points import PointsRoom
from chainrule.lab.rooms.points_counts import CountsWriter, Curves
from chainrule.lab.rooms.points_link import read_link, write_link, write_points
from chainrule.lab.rooms.points_recipe import Recipe
from chainrule.lab.server.app import Lab
from chainrule.lab.server.events import Hub
from chainrule.lab.settings import ALONE, LabSettings
from chainrule.points import load_dataset, load_points, train
from chainrule.points.files import weights_digest
from lab_browser import Server, until

TOKEN = "a-token-of-24-characters"


class Signal(dict):
    """A signal whose end can be seen."""


def test_a_stalled_tab_costs_one_slot_a_run():
    alive = []

    async def stalled():
        hub = Hub()
        signals = hub.stream("").body_iterator
        assert await anext(signals) == "retry: 500\n\n"
        for revision in range(100_000):
            signal = Signal(run="ab"[revision % 2], revision=revision)
            alive.append(weakref.ref(signal))
            hub.say("", signal["run"], signal)
        del signal
        return [await anext(signals), await anext(signals)]

    with ThreadPoolExecutor(1) as pool:  # the browser of other tests has a loop in this thread
        found = pool.submit(asyncio.run, stalled()).result()
    assert sorted(json.loads(text[5:])["revision"] for text in found) == [99_998, 99_999]
    assert sum(reference() is not None for reference in alive) <= 2


def test_six_open_tabs_do_not_keep_it(tabs, lab_alone):
    context = tabs.context()
    opened = [tabs.open(lab_alone, context=context) for _ in range(6)]
    for tab in opened:  # more streams than one would be more than the browser's connections
        until(tab, "room.state === 'paused' && room.iteration === '0'")
    tabs.listening = False
    assert lab_alone.stop(signal.SIGINT) == 130
    assert until(opened[0], "document.querySelector('.banner')?.textContent").startswith("The lab")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's list of processes")
def test_a_killed_worker_is_replaced_and_goes_on(lab_alone, tabs):
    tab = tabs.open(lab_alone, "/#points?iterations=3000000&seed=4", moving=True)
    until(tab, "Number(room.iteration) > 500")
    before = _workers(lab_alone.process.pid)
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    at = int(until(tab, "room.iteration"))
    until(tab, f"Number(room.iteration) > {at} + 2000 && room.state === 'playing'")
    assert _workers(lab_alone.process.pid).isdisjoint(before)
    tab.get_by_role("button", name="Pause").evaluate("b => b.click()")
    at = int(until(tab, "room.state === 'paused' && room.iteration"))
    digest = until(tab, "document.querySelector('[data-digest]')?.dataset.digest")
    data = load_dataset("double-moon")
    run = train(data.training, data.validation, learning_rate=0.2, iterations=at, seed=4)
    assert digest == weights_digest(run.parameters)


def _workers(process):
    """The process's children that do its work: not those that multiprocessing has for itself."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return {
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    }


def test_killed_and_started_again_nothing_finished_is_lost(tabs, tmp_path):
    first = Server(tmp_path, "--token", TOKEN)
    try:
        tab = tabs.open(first, "/#points?iterations=900&seed=6", moving=True)
        until(tab, "room.iteration === '900' && room.state !== 'playing'")
        digest = until(tab, "document.querySelector('[data-digest]')?.dataset.digest")
        done = until(tab, "room.run")
        tab.goto(first.origin + "/#points?iterations=1000000&seed=7")
        until(tab, f"room.run !== '{done}' && Number(room.iteration) > 100")
        going = until(tab, "room.run")
        tabs.listening = False
    finally:
        first.stop(signal.SIGKILL)
    tab.close()
    tabs.listening = True
    second = Server(tmp_path, "--token", TOKEN)
    try:
        tab = tabs.open(second, "/#runs")
        until(tab, "document.querySelectorAll('tbody tr').length === 2")
        rows = {
            row.locator("a").get_attribute("href"): row.inner_text()
            for row in tab.locator("tbody tr").all()
        }
        assert "interrupted" in rows[f"#points?run={going}"]
        assert "900 of 900" in rows[f"#points?run={done}"]
        tab.goto(second.origin + f"/#points?run={done}")
        until(tab, f"room.run === '{done}' && room.iteration === '900'")
        assert until(tab, "document.querySelector('[data-digest]')?.dataset.digest") == digest
        tab.goto(second.origin + f"/#points?run={going}")
        until(tab, f"room.run === '{going}' && room.state === 'paused'")
        tab.get_by_role("button", name="To the end").click()
        until(tab, "room.iteration === '1000000' && room.state !== 'playing'")
        found = until(tab, "document.querySelector('[data-digest]')?.dataset.digest")
        data = load_dataset("double-moon")
        run = train(data.training, data.validation, learning_rate=0.2, iterations=10**6, seed=7)
        assert found == weights_digest(run.parameters)
        tabs.listening = False
    finally:
        second.stop()


@pytest.fixture
def client(tmp_path):
    """The application of a class, in this process: each test has a session of its own."""
    settings = LabSettings(tmp_path, host="0.0.0.0", token=TOKEN)
    lab = Lab(settings)
    lab.rooms["points"] = PointsRoom(lab)
    address = f"http://127.0.0.1:{settings.port}"
    with TestClient(lab.application(), base_url=address, headers={"Origin": address}) as found:
        found.get(f"/?token={TOKEN}")
        yield found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\x1f\x8b\x08" + bytes(100), "packed"),
        (b"PK\x03\x04" + bytes(100), "packed"),
        (b"1,2\0,3\n" * 20, "no text"),
        (b"\n" * 20_001, "empty"),
        (b"1,1\n" * 20_001, "more than 20,000 lines"),
        (b"1," * (3 << 20), "more than 4,194,304 bytes"),
    ],
    ids=["empty", "gzip", "zip", "zeros", "blank lines", "many lines", "many bytes"],
)
def test_what_is_no_table_is_refused_in_a_sentence(client, content, said):
    answer = client.post("/api/points/data", content=content)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("x1,x2,label\n1,2,a\n", "1 value(s) (a); expected exactly two"),
        ("x1,x2,label\n1,2,a\n3,nan,b\n", "expected a finite number"),
        ("x1,x2,label\n1,2,a\n3,4,b\n", "expected at least 2"),
        ("<script>alert(1)</script>\n", "the table: found no rows under the names"),
    ],
)
def test_a_wrong_table_ends_its_run_with_a_sentence(client, table, said):
    data = client.post("/api/points/data", content=table.encode()).json()["data"]
    run = client.post("/api/points/runs", json={"settings": {"data": data}}).json()["id"]
    news = _until(client, run, lambda news: news.get("ended"))
    assert news["ended"] == "failed"
    assert said in news["said"]


def _until(client, run, wanted):
    """What the store keeps of a run, once it is as wanted: the worker answers meanwhile."""

    def look():
        (found,) = (r for r in client.get("/api/runs").json()["runs"] if r["id"] == run)
        return found if wanted({"ended": found["state"] == "failed"}) else None

    found = _eventually(look)
    return {"ended": found["state"], "said": found["said"]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden": 1001}, "from 1 to 1,000"),
        ({"iterations": 10**7 + 1}, "from 1 to 10,000,000"),
        ({"learning_rate": 0}, "learning rate"),
        ({"learning_rate": "1"}, "learning rate"),
        ({"data": "../../etc/passwd"}, "expected one of double-moon"),
        ({"data": "own-" + "0" * 64}, "no such points any more"),
        ({"colour": 1}, "'colour'"),
        ({"seed": -1}, "seed"),
        ({"validation_share": 1}, "validation share"),
    ],
)
def test_settings_out_of_range_or_over_a_quota_get_a_sentence(client, settings, said):
    answer = client.post("/api/points/runs", json={"settings": settings})
    assert answer.status_code == 422
    assert said in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b'{"settings": 3}', b"\xff"])
def test_what_is_no_request_gets_a_sentence(client, body):
    answer = client.post("/api/points/runs", content=body)
    assert answer.status_code == 422
    assert "expected" in answer.json()["error"]


def test_curves_beyond_the_quota_of_the_disk_get_a_sentence(tmp_path):
    store = Store(tmp_path)
    for number in range(14):
        settings = Recipe().document()
        row = Record(str(number), "x", "points", "training", settings, "paused", "", 0, {}, 0, 0)
        store.add(row)
        store.change(str(number), done=10**7)
    assert store.done("x", "training") == 14 * 10**7
    store.close()
    settings = LabSettings(tmp_path, host="0.0.0.0", token=TOKEN)
    lab = Lab(settings)
    lab.store.add_session("x", settings.secret_hash)
    lab.rooms["points"] = PointsRoom(lab)
    address = f"http://127.0.0.1:{settings.port}"
    headers = {"Origin": address, "Cookie": f"chainrule-lab-{settings.port}=x"}
    with TestClient(lab.application(), base_url=address, headers=headers) as client:
        assert len(client.get("/api/runs").json()["runs"]) == 14
        answer = client.post("/api/points/runs", json={})
    assert answer.status_code == 429
    assert "remove some of the runs" in answer.json()["error"]


def test_a_map_over_the_quota_gets_a_sentence(client):
    asked = {"hidden": list(range(1, 10)), "rates": [0.1] * 8}
    answer = client.post("/api/points/maps", json=asked)
    assert answer.status_code == 422
    assert "72 trials; expected at most 64" in answer.json()["error"]


def test_one_session_sees_nothing_of_another(client):
    run = client.post("/api/points/runs", json={}).json()["id"]
    client.cookies.clear()
    assert client.get("/api/runs").status_code == 401
    client.get(f"/?token={TOKEN}")
    assert client.get("/api/runs").json() == {"runs": []}
    for path in ("", "/weights", "/points", "/curves", "/take/run.py", "/derivation?point=0"):
        assert client.get(f"/api/points/runs/{run}{path}").status_code == 422
    assert client.post(f"/api/points/runs/{run}/do", json={"do": "play"}).status_code == 422
    assert client.delete(f"/api/runs/{run}").status_code == 404


def test_runs_beyond_the_quota_rest_and_come_back(client):
    made = [client.post("/api/points/runs", json={"then": "pause"}).json()["id"] for _ in range(6)]
    assert len(set(made)) == 6
    assert len(client.get("/api/runs").json()["runs"]) == 6
    assert client.get(f"/api/points/runs/{made[0]}").status_code == 200


def test_a_link_holds_200_own_points_and_a_damaged_one_says_which_key(tmp_path):
    rng = np.random.default_rng(0)
    features = np.round(rng.uniform(-6, 6, (200, 2)), 2) + 0.0
    labels = np.where(rng.random(200) < 0.5, 1.0, -1.0)
    data = write_points(features, labels, tmp_path / "here")
    recipe = Recipe(data=data, hidden=9, learning_rate=0.05, seed=8, standardize=False)
    link = write_link(recipe, tmp_path / "here")
    assert len(f"http://127.0.0.1:8765/#points?{link}") < 2000
    found, at = read_link(link, tmp_path / "there", ALONE)
    assert (found, at) == (recipe, None)
    points = load_points(found.file(tmp_path / "there"))
    assert points.features.tobytes() == features.tobytes()
    assert points.labels.tobytes() == labels.tobytes()
    keys = [part.partition("=")[0] for part in link.split("&")]
    assert {"data", "points", "hidden", "rate", "seed", "check"} <= set(keys)
    for place in range(0, len(link), 7):  # every character changed into another
        damaged = link[:place] + ("!" if link[place] != "!" else "?") + link[place + 1 :]
        with pytest.raises(ValueError, match=r"^link, key '"):
            read_link(damaged, tmp_path / "there", ALONE)


def test_the_curves_of_ten_million_iterations_are_exact(tmp_path):
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 1000, (2, 10**7), dtype=np.int32)
    writer = CountsWriter(tmp_path)
    for first in range(0, 10**7, 333_333):
        part = counts[:, first : first + 333_333]
        writer.write(first, *np.ascontiguousarray(part))
    writer.write(100, *np.ascontiguousarray(counts[:, 100:300]))  # a run that was taken back
    writer.close()
    curves = Curves(tmp_path)
    assert curves.known == 10**7
    ranges = [(1, 10**7), (1, 9_999_999), (1000, 5000), (123_456, 8_765_432), (7, 7), (2048, 4096)]
    for first, last in ranges:
        rows = curves.extremes(first, last, 700)
        assert len(rows) <= 700
        assert rows[0, 0] <= first
        assert rows[-1, 1] == last
        np.testing.assert_array_equal(rows[1:, 0], rows[:-1, 1] + 1)
        for row in rows[:: max(1, len(rows) // 40)]:
            piece = counts[:, row[0] - 1 : row[1]]
            expected = [piece[0].min(), piece[0].max(), piece[1].min(), piece[1].max()]
            assert row[2:].tolist() == expected
    single = curves.extremes(5_000_001, 5_000_300, 700)
    np.testing.assert_array_equal(single[:, 0], np.arange(5_000_001, 5_000_301))
    np.testing.assert_array_equal(single[:, 2], counts[0, 5_000_000:5_000_300])
    assert curves.at(10**7) == tuple(counts[:, -1])
    assert curves.at(10**7 + 1) is None


def test_a_client_that_goes_away_harms_nobody(lab):
    for _ in range(2):
        with socket.create_connection((lab.host, lab.port)) as half:
            half.sendall(b"POST /api/points/data HTTP/1.1\r\nContent-Length: 999\r\n")
        with socket.create_connection((lab.host, lab.port)) as noise, contextlib.suppress(OSError):
            noise.sendall(os.urandom(2000))
            noise.settimeout(1)
            noise.recv(100)
    assert lab.process.poll() is None


def test_a_worker_that_rests_is_let_go_and_its_runs_go_on_where_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.lab.rooms.points._IDLE", 0.2)
    settings = LabSettings(tmp_path)
    lab = Lab(settings)
    lab.rooms["points"] = room = PointsRoom(lab)
    address = f"http://127.0.0.1:{settings.port}"
    with TestClient(lab.application(), base_url=address, headers={"Origin": address}) as client:
        client.get(f"/?token={settings.secret}")

        def there(at):
            found = client.get(f"/api/points/runs/{run}").json()
            return found if found["news"].get("iteration") == at else None

        asked = {"settings": {"iterations": 900, "seed": 3}, "at": 700, "then": "pause"}
        run = client.post("/api/points/runs", json=asked).json()["id"]
        assert _eventually(lambda: there(700))
        assert _eventually(lambda: room.worker_pid is None)
        client.post(f"/api/points/runs/{run}/do", json={"do": "step", "steps": 2})
        assert _eventually(lambda: there(702))
        monkeypatch.setattr("chainrule.lab.rooms.points._IDLE", 1000.0)
        client.post(f"/api/points/runs/{run}/do", json={"do": "step", "steps": 1})
        digest = _eventually(lambda: there(703))["digest"]
        assert room.worker_pid is not None
        (let_go,) = lab.lets_go  # as a training asks for it
        assert _eventually(lambda: let_go() or room.worker_pid is None)
    data = load_dataset("double-moon")
    trained = train(data.training, data.validation, learning_rate=0.2, iterations=703, seed=3)
    assert digest == weights_digest(trained.parameters)


def _eventually(look):
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError("it never was so")


def test_what_was_on_its_way_as_the_lab_was_killed_is_gone_when_it_starts_again(lab_alone):
    """A half upload, half files of ours, and a run's folder that no list has yet."""
    folder = lab_alone.folder
    with httpx2.Client(base_url=lab_alone.origin, headers={"Origin": lab_alone.origin}) as client:
        client.get(lab_alone.address)
        made = client.post("/api/photographs/albums", json={"with": "nothing"}).json()["id"]
        place = folder / "photographs" / made
        address = f"/api/photographs/albums/{made}/pictures?name=a.jpg"
        assert client.post(address, content=b"whole").status_code == 201
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    with socket.create_connection((lab_alone.host, lab_alone.port)) as upload:
        upload.sendall(
            f"POST {address} HTTP/1.1\r\nHost: {urlsplit(lab_alone.origin).netloc}\r\n"
            f"Origin: {lab_alone.origin}\r\nCookie: {cookie}\r\n"
            "Content-Length: 1000\r\n\r\nhalf".encode()
        )
        while not list(place.glob("new-*")):
            assert lab_alone.process.poll() is None
            time.sleep(0.01)
        lab_alone.stop(signal.SIGKILL)
    (folder / "blocks" / ("0" * 16)).mkdir(parents=True)
    dead = f".chainrule-{_machine()}-{lab_alone.process.pid}-{'0' * 12}.jpg"
    (place / "small" / dead).write_text("half")
    (place / "pictures" / "7").write_text("never noted")

    again = Server(folder)
    assert again.stop() == 130
    found = {path.relative_to(place).as_posix() for path in place.rglob("*")}
    assert found == {"pictures", "pictures/1", "small"}
    assert not list((folder / "blocks").iterdir())
