"""What the report room withstands: a killed process, a killed lab, bad settings, a whole class."""

import os
import signal
import time

import pytest
from starlette.testclient import TestClient

from chainrule.lab.rooms.report import ReportRoom, page_policy
from chainrule.lab.server.app import Lab
from chainrule.lab.settings import LabSettings
from lab_reports import add_report

TOKEN = "a-token-of-24-characters"
LATE = 1200  # seconds


class Class:
    """The application of a class, in this process."""

    def __init__(self, folder):
        settings = LabSettings(folder, host="0.0.0.0", token=TOKEN)
        self.lab = Lab(settings)
        self.room = ReportRoom(self.lab)
        self.lab.rooms["report"] = self.room
        self.address = f"http://127.0.0.1:{settings.port}"
        self._application = self.lab.application()

    def session(self, cookies=None):
        found = TestClient(
            self._application, base_url=self.address, headers={"Origin": self.address},
            cookies=cookies,
        )  # fmt: skip
        if cookies is None:
            found.get(f"/?token={TOKEN}")
        return found


def make(client, **asked):
    answer = client.post("/api/report/reports", json=asked)
    assert answer.status_code == 201, answer.text
    return f"/api/report/reports/{answer.json()['id']}"


def when(found, wanted):
    """Ask until it is as wanted."""
    end = time.monotonic() + LATE
    while not wanted(answer := found()):
        assert time.monotonic() < end, answer
        time.sleep(0.02)
    return answer


def answers(folder):
    """The answers that are kept, each with what tells a file from one that took its place."""
    return {p.name: p.stat().st_ino for p in folder.glob("report/*/.unfinished-*/answered-*.json")}


@pytest.mark.slow
def test_a_killed_process_and_a_killed_lab_go_on_from_what_was_answered(tmp_path):
    made = Class(tmp_path)
    with made.session() as client:
        place = make(client, parts=[1])
        first = when(lambda: answers(tmp_path), bool)
        other = made.session()
        refusal = other.post("/api/report/reports", json={})
        assert refusal.status_code == 422
        assert "a report is being made already" in refusal.json()["error"]
        assert other.get(place).status_code == 422
        (pid,) = made.room.pids
        os.kill(pid, signal.SIGKILL)
        found = when(lambda: client.get(place).json(), lambda one: one["going"] is None)
        assert found["state"] == "interrupted"
        assert found["said"] == "its worker process was ended"
        kept = answers(tmp_path)
        assert set(first) <= set(kept)
        cookies = client.cookies
        made.lab.store.change(place.rpartition("/")[2], state="running")
    again = Class(tmp_path)  # as after a killed lab
    with again.session(cookies) as client:
        (listed,) = client.get("/api/report/reports").json()["reports"]
        assert listed["state"] == "interrupted"
        assert client.post(f"{place}/do", json={"do": "go on"}).status_code == 200
        now = when(lambda: answers(tmp_path), lambda found: set(found) > set(kept))
        assert {name: now[name] for name in kept} == kept  # none was answered anew
        assert client.post(f"{place}/do", json={"do": "cancel"}).status_code == 200
        assert client.get(place).json()["state"] == "cancelled"
        assert again.room.pids == []
        run = place.rpartition("/")[2]
        assert client.delete(f"/api/runs/{run}").status_code == 200
        assert client.get("/api/report/reports").json()["reports"] == []
    assert not (tmp_path / "report" / run / "results.json").exists()


def test_bad_settings_get_a_sentence(tmp_path):
    with Class(tmp_path).session() as client:
        for asked, said in (
            ({"quick": 1}, "quick: found 1; expected true or false"),
            ({"quick": False}, "expected a quick one in a lab for a class"),
            ({"parts": []}, "parts: found []; expected a list of one or more numbers"),
            ({"parts": "1"}, "parts: found 1; expected a list"),
            ({"parts": [6]}, "parts: found 6; expected a whole number from 1 to 5"),
            ({"parts": [None]}, "parts: found None; expected a whole number"),
            ({"seed": -1}, "seed: found -1; expected a whole number from 0 to 4,294,967,295"),
            ({"seed": 2**32}, "seed: found 4294967296"),
            ({"trials": 0}, "trials: found 0; expected a whole number from 1"),
            ({"trials": "many"}, "trials: found 'many'"),
        ):
            answer = client.post("/api/report/reports", json=asked)
            assert answer.status_code == 422, asked
            assert said in answer.json()["error"]
        found = client.get("/api/report/reports").json()
        assert found["reports"] == []
        assert not found["whole_reports"]
        assert [part["number"] for part in found["parts"]] == [1, 2, 3, 4, 5]
        assert list(tmp_path.glob("report/*")) == []


def test_what_is_not_there_is_said_and_nobody_sees_the_report_of_another(tmp_path):
    made = Class(tmp_path)
    with made.session() as client:
        owner = client.cookies[f"chainrule-lab-{made.lab.port}"]
        place = f"/api/report/reports/{add_report(tmp_path, 'cancelled', owner=owner)}"
        assert client.get(place).json()["is_there"] is False
        for part in ("sections", "page", "take/index.html", "take/results.json", "take/report.sh"):
            answer = client.get(f"{place}/{part}")
            assert answer.status_code == 422, part
            assert answer.json()["error"].startswith("this report has no page yet")
        assert client.get(f"{place}/take/lab.sqlite").status_code == 422
        for asked, said in (
            ({"do": "x"}, "expected one of"),
            ({"do": "make whole"}, "for a class"),
        ):
            answer = client.post(f"{place}/do", json=asked)
            assert answer.status_code == 422
            assert said in answer.json()["error"]
        other = made.session()
        for part in ("", "/sections", "/page", "/take/index.html"):
            assert "no such report" in other.get(place + part).json()["error"]
        assert "no such report" in other.post(f"{place}/do", json={"do": "go on"}).json()["error"]
        assert made.room.pids == []


def test_a_page_without_a_style_has_a_policy_all_the_same():
    assert "script" not in page_policy(b"<script>alert(1)</script>")
    assert page_policy(b"").startswith("default-src 'none'; style-src 'sha256-")
