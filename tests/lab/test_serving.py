"""`chainrule lab` from its start to its end."""

import asyncio
import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from chainrule.lab.server.run import listening_socket
from chainrule.lab.server.static import PAGE
from chainrule.lab.settings import LabSettings
from lab_browser import Server

# what is not ours in the page, as npm's packages preact 11.2.0, htm 3.1.1, uplot 1.6.32 have it
VENDORED = {
    "preact.js": "bdcbd9abdf2c77c5c45326eab42191e949222d479d0d5f69467387a77040cb55",
    "hooks.js": "e862ab2973aa6455eaa0f77c5d832d2157d6be59a17c8ba546550a575b58c6b4",
    "htm.js": "ab33dd3f38059b9be4d5f5350128eefb2356639c4e0bbe9d9e8b3ba75847e9e4",
    "uplot.js": "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "preact-licence.txt": "1fe6958409c8c257a70c587a18b6f7f412b179b456630790d30b2ec9a8e4b7d4",
    "htm-licence.txt": "740725f7252e750af735d0028cc534970772f513331e9f68150fede8fb3ce00f",
    "uplot-licence.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}


def test_the_servers_process_loads_neither_numba_nor_torch():
    script = (
        "import sys, chainrule.lab.server.run, chainrule.lab.rooms.points\n"
        "print([m for m in ('numba', 'torch', 'sklearn', 'scipy', 'pandas') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_vendored_files_are_the_published_ones():
    folder = PAGE / "vendor"
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert found == VENDORED


def test_the_address_is_a_line_of_its_own_and_ctrl_c_ends_it(lab_alone):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}", lab_alone.address)
    assert lab_alone.stop(signal.SIGINT) == 130
    assert lab_alone.said.splitlines()[-1] == (
        f"chainrule: stopped; the runs are kept in {lab_alone.folder}: the same command lists "
        "them, and goes on"
    )
    assert "Traceback" not in lab_alone.said


def test_the_end_of_an_answer_never_waits_for_word_that_its_start_has_come(tmp_path):
    async def is_without_delay():
        found = asyncio.get_running_loop().create_future()

        def entered(_, writer):
            accepted = writer.get_extra_info("socket")
            found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listening_socket(LabSettings(tmp_path, port=0)) as listening:
            async with await asyncio.start_server(entered, sock=listening):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                without_delay = await found
                writer.close()
        return without_delay

    with ThreadPoolExecutor(1) as apart:  # a browser's loop may run in this one
        assert apart.submit(asyncio.run, is_without_delay()).result()


def test_where_it_is_served_is_a_document(tmp_path):
    lab = Server(tmp_path / "lab", "--json")
    assert lab.address == "{"  # of the document, which is printed as soon as it can be asked
    document = json.loads("{" + "".join(lab.process.stdout.readline() for _ in range(3)))
    assert document["folder"] == str(tmp_path / "lab")
    browser = build_opener(HTTPCookieProcessor())  # the token is given for a cookie
    with browser.open(document["address"]) as answer:
        assert b"chainrule lab" in answer.read()
    assert lab.stop() == 130


def test_one_folder_has_one_lab(lab, refused):
    said = refused("lab", "--port", "0", "--no-browser", "--out", lab.folder)
    assert "in use by another run" in said


def test_a_port_that_is_taken_is_said(lab, refused, tmp_path):
    said = refused("lab", "--port", str(lab.port), "--no-browser", "--out", tmp_path)
    assert f"--port: found {lab.port}" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "--token"),
        (["--host", "0.0.0.0", "--token", "short"], "too short"),
        (["--token", "sixteen letters and blanks"], "other characters"),
        (["--port", "65536"], "from 0 to 65,535"),
    ],
)
def test_what_would_not_be_safe_is_refused(refused, tmp_path, arguments, said):
    assert said in refused("lab", "--no-browser", "--out", tmp_path, *arguments)


def test_a_missing_extra_is_named(tmp_path):
    script = (
        "import sys; sys.modules['starlette'] = None; sys.argv = ['chainrule', 'lab'];"
        "from chainrule.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert result.returncode == 2
    assert "pip install 'chainrule[lab]'" in result.stderr


def test_the_page_names_no_far_place():
    ours = [p for p in PAGE.rglob("*") if p.suffix in (".js", ".css", ".html", ".svg")]
    assert len(ours) > 15
    for path in ours:
        if path.parent.name != "vendor":
            found = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text("utf-8")))
            assert found <= {"http://www.w3.org/2000/svg"}, path
