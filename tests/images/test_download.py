"""Against a server on the loopback address that can be slow to send, and can send the wrong."""

import hashlib
import io
import tarfile

import pytest

from chainrule.cli.images_fetch import fetch
from chainrule.errors import FileError
from chainrule.images import voc
from chainrule.images.voc import unpack
from chainrule.io.downloads import download

CONTENT = bytes(range(256)) * 400
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


def test_a_file_comes_whole_and_is_checked(server, tmp_path):
    server.files["/a"] = CONTENT
    seen = []
    path = download(
        server.address + "/a",
        tmp_path / "new" / "a",
        sha256=CHECKSUM,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    server.files.clear()  # it is there: nothing is asked again
    assert download(server.address + "/a", path, sha256=CHECKSUM) == path


def test_what_was_cut_off_goes_on_where_it_stopped(server, tmp_path):
    server.files["/a"] = CONTENT
    server.stop_after = 30_000
    for _ in range(2):
        with pytest.raises(FileError, match="what has come is kept"):
            download(server.address + "/a", tmp_path / "a", sha256=CHECKSUM)
        assert not (tmp_path / "a").exists()
    server.stop_after = None
    download(server.address + "/a", tmp_path / "a", sha256=CHECKSUM)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=30000-", "bytes=60000-"]


def test_a_part_longer_than_the_file_begins_again(server, tmp_path):
    server.files["/a"] = CONTENT
    (tmp_path / "a.part").write_bytes(CONTENT + b"more")
    download(server.address + "/a", tmp_path / "a", sha256=CHECKSUM[:8])
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_another_file_is_refused_and_not_kept(server, tmp_path):
    server.files["/a"] = CONTENT + b"x"
    with pytest.raises(FileError, match="SHA256 checksum"):
        download(server.address + "/a", tmp_path / "a", sha256=CHECKSUM)
    assert list(tmp_path.iterdir()) == [tmp_path / "cache"] or not list(tmp_path.iterdir())


def test_no_server_and_no_file_are_said(server, tmp_path):
    with pytest.raises(FileError, match="answers 404"):
        download(server.address + "/absent", tmp_path / "a")
    with pytest.raises(FileError, match="expected a network connection"):
        download("http://127.0.0.1:9/a", tmp_path / "a")


def _tar(entries):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(
    "entries",
    [
        {"ok.txt": b"1", "../out.txt": b"2"},
        {"ok.txt": b"1", "/tmp/chainrule-out.txt": b"2"},
        {"ok.txt": b"1", "link": "/etc"},
        {"ok.txt": b"1", "a/../../out.txt": b"2"},
    ],
)
def test_nothing_is_unpacked_if_a_path_leaves_the_folder(tmp_path, entries):
    archive, folder = tmp_path / "a.tar", tmp_path / "in"
    folder.mkdir()
    archive.write_bytes(_tar(entries))
    with pytest.raises(FileError, match="nothing was unpacked"):
        unpack(archive, folder)
    assert not list(folder.iterdir())
    assert not (tmp_path / "out.txt").exists()


def test_a_damaged_archive_is_refused(tmp_path):
    archive = tmp_path / "a.tar"
    archive.write_bytes(b"no tar" * 200)
    with pytest.raises(FileError, match=r"a\.tar is damaged"):
        unpack(archive, tmp_path)


def _voc(part):
    main = "VOCdevkit/VOC2007/ImageSets/Main"
    return _tar({
        f"{main}/cat_{part}.txt": b"000001  1\n",
        f"VOCdevkit/VOC2007/JPEGImages/{part}.jpg": b"picture",
    })  # fmt: skip


def test_fetch_gives_the_tree(server, tmp_path, monkeypatch, capsys):
    """In this process, as the checksums of a small tree are not those of VOC 2007."""
    archives = {"trainval": "VOCtrainval_06-Nov-2007.tar", "test": "VOCtest_06-Nov-2007.tar"}
    for part, name in archives.items():
        server.files[f"/voc/{name}"] = content = _voc(part)
        monkeypatch.setitem(voc.ARCHIVES, name, hashlib.md5(content).hexdigest())
    fetch("voc2007", tmp_path / "v", server.address + "/voc")
    tree = tmp_path / "v" / "VOCdevkit" / "VOC2007"
    assert capsys.readouterr().out.strip() == str(tree)
    assert (tree / "JPEGImages" / "test.jpg").read_bytes() == b"picture"
    assert (tree / "ImageSets" / "Main" / "cat_trainval.txt").exists()


def test_fetch_refuses_other_archives_and_unpacks_nothing(server, tmp_path, refused):
    server.files["/VOCtrainval_06-Nov-2007.tar"] = _voc("trainval")
    sentence = refused(
        "images", "fetch", "voc2007", "--out", tmp_path / "v", "--mirror", server.address
    )
    assert "expected c52e2795" in sentence
    assert not (tmp_path / "v").exists()


def test_fetch_says_what_is_wrong(server, tmp_path, refused):
    where = ("--out", tmp_path / "v", "--mirror", server.address)
    assert "answers 404" in refused("images", "fetch", "voc2007", *where)
    assert "expected voc2007" in refused("images", "fetch", "coco", *where)
    offline = ("--mirror", "http://127.0.0.1:9")
    assert "network connection" in refused("images", "pull", "vgg16", *offline)
    assert "expected one of vgg11" in refused("images", "pull", "vgg99")


def test_pull_refuses_weights_of_another_checksum(server, refused):
    server.files["/vgg16-397923af.pth"] = b"not these"
    sentence = refused("images", "pull", "vgg16", "--mirror", server.address)
    assert "expected 397923af" in sentence
