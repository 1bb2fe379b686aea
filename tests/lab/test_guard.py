"""Every route refuses what does not come from a page of the lab, with its token."""

import http.client
import re
import secrets

import pytest
from starlette.routing import Route

from chainrule.lab.rooms.registry import open_rooms
from chainrule.lab.server.app import Lab
from chainrule.lab.settings import LabSettings


def every_route(folder):
    """(method, path) of each route that the application has, its holes filled."""
    lab = Lab(LabSettings(folder))
    open_rooms(lab)
    app = lab.application().app
    found = []
    for route in app.routes:
        assert isinstance(route, Route)
        path = re.sub(r"\{[^}]*\}", "0123456789abcdef", route.path)
        found += [(method, path) for method in sorted(route.methods) if method != "HEAD"]
    lab.store.close()
    return found


@pytest.fixture(scope="module")
def routes(tmp_path_factory):
    found = every_route(tmp_path_factory.mktemp("routes"))
    assert len(found) >= 15
    assert ("GET", "/") in found
    return found


@pytest.fixture(scope="module")
def cookie(lab):
    status, headers, _ = asked(lab, "GET", f"/?token={lab.token}")
    assert status == 303
    assert headers["location"] == "/"
    text = headers["set-cookie"]
    assert f"chainrule-lab-{lab.port}=" in text
    assert "HttpOnly" in text
    assert "SameSite=strict" in text
    return text.partition(";")[0]


def asked(lab, method, path, host=None, body=None, **headers):
    """The status, the headers and the body of one request, with these headers and no others."""
    connection = http.client.HTTPConnection(lab.host, lab.port, timeout=120)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", f"127.0.0.1:{lab.port}" if host is None else host)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    content = b"{}" if body is None and method != "GET" else body or b""
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content)
    answer = connection.getresponse()
    streams = answer.headers.get("content-type", "").startswith("text/event-stream")
    found = b"" if streams else answer.read()
    connection.close()
    return answer.status, answer.headers, found


def bad_hosts(port):
    return [
        "", "127.0.0.1", "localhost", "evil.example", f"evil.example:{port}",
        f"127.0.0.1:{port + 1}",
        f"127.0.0.2:{port}", f"localhost.:{port}", f"localhost.evil.example:{port}",
        f"127.0.0.1.evil.example:{port}", f"0.0.0.0:{port}", f"[::]:{port}", f"127.1:{port}",
        f"user@127.0.0.1:{port}",
    ]  # fmt: skip


def test_each_bad_host_is_refused_on_every_route(lab, routes, cookie):
    for method, path in routes:
        for host in bad_hosts(lab.port):
            status, _, body = asked(
                lab, method, path, host, Cookie=cookie, Sec_Fetch_Site="same-origin"
            )
            assert status == 421, (method, path, host)
            assert b"error" in body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machines_three_names_are_taken(lab, cookie, host):
    status, _, _ = asked(
        lab, "GET", "/api/runs", f"{host}:{lab.port}", Cookie=cookie, Sec_Fetch_Site="same-origin"
    )
    assert status == 200


def test_what_comes_from_another_page_is_refused_on_every_route(lab, routes, cookie):
    ours = f"http://127.0.0.1:{lab.port}"
    strange = [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": ours},
        {"Sec_Fetch_Site": "same-origin", "Origin": "http://evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{lab.port + 1}"},
        {"Origin": f"https://127.0.0.1:{lab.port}"},
        {"Origin": f"http://localhost:{lab.port}"},
    ]
    for method, path in routes:
        if path == "/":
            continue  # the page itself: whoever gets it gets no data
        for headers in strange:
            status, _, _ = asked(lab, method, path, Cookie=cookie, **headers)
            assert status == 403, (method, path, headers)
        if method != "GET":
            assert asked(lab, method, path, Cookie=cookie)[0] == 403, (method, path)


def test_without_the_token_every_route_is_closed(lab, routes):
    wrong = [
        {},
        {"Cookie": f"chainrule-lab-{lab.port}={secrets.token_urlsafe(24)}"},
        {"Cookie": "chainrule-lab-1=x"},
    ]
    for method, path in routes:
        for headers in wrong:
            status, answered, body = asked(
                lab, method, path, Sec_Fetch_Site="same-origin", **headers
            )
            assert status == 401, (method, path, headers)
            assert "set-cookie" not in answered
            assert lab.token.encode() not in body


@pytest.mark.parametrize("token", ["", "x", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 24])
def test_a_wrong_token_opens_nothing(lab, token):
    status, headers, _ = asked(lab, "GET", f"/?token={token.encode().hex() if token else ''}")
    assert status == 401
    assert "set-cookie" not in headers


def test_a_link_on_another_site_opens_the_page_by_itself(lab):
    status, _, body = asked(lab, "GET", "/", Sec_Fetch_Site="cross-site")
    assert status == 200
    assert b"http-equiv" in body
    assert asked(lab, "GET", "/", Sec_Fetch_Site="same-origin")[0] == 401


def test_what_is_asked_never_becomes_a_path(lab, cookie):
    for name in ("../settings.py", "..%2f..%2fsettings.py", "%2e%2e/settings.py", "/etc/passwd"):
        status, _, _ = asked(
            lab, "GET", f"/static/0/{name}", Cookie=cookie, Sec_Fetch_Site="same-origin"
        )
        assert status == 404
        status, _, body = asked(
            lab, "GET", f"/api/points/runs/{name}", Cookie=cookie, Sec_Fetch_Site="same-origin"
        )
        assert status in (404, 422)
        assert b"error" in body


def test_the_policy_forbids_all_that_is_not_ours(lab, routes, cookie):
    for method, path in routes:
        _, headers, _ = asked(lab, method, path, Cookie=cookie, Sec_Fetch_Site="same-origin")
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
