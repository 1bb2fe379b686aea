"""Fetching with the real npm, from packages that lie in a folder: nothing is asked of a network."""

import hashlib
import json
import shutil

import pytest

from chainrule.errors import FileError
from chainrule.glyphs.fetch import fetch, pack, read_members
from chainrule.glyphs.letters import load_letters
from chainrule.glyphs.manifest import PinnedFont, read_manifest, write_manifest
from chainrule.glyphs.pin import pin

# 26 rectangles that differ by at least two pixels at 26 px an em
BOXES = {
    letter: (50, 0, 150 + 100 * (n % 6), 250 + 110 * (n // 6))
    for n, letter in enumerate("abcdefghijklmnopqrstuvwxyz")
}

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture
def package(tmp_path, make_font):
    """Make a font package as Fontsource's are, and give its name with `file:` for a version."""

    def make(name, factor=1.0, styles=("400-normal",)):
        folder = tmp_path / "packages" / name
        (folder / "files").mkdir(parents=True)
        described = {"name": f"@fonts/{name}", "version": "1.2.3", "license": "OFL-1.1"}
        (folder / "package.json").write_text(json.dumps(described))
        for number, style in enumerate(styles):
            boxes = {
                letter: (left, bottom, round(left + (right - left) * factor) + number, top)
                for letter, (left, bottom, right, top) in BOXES.items()
            }
            font = make_font(f"{name}-latin-{style}", boxes, family=name, suffix=".woff2")
            font.rename(folder / "files" / font.name)
        return f"@fonts/{name}@file:{folder}"

    return make


@needs_npm
def test_fetch_gets_verifies_resumes_and_skips(package, tmp_path, command):
    fonts, _ = pin([package("one"), package("two", 1.5)], first_held_out="one")
    manifest = tmp_path / "pinned.csv"
    write_manifest(manifest, fonts)
    arguments = ("glyphs", "fetch", "--manifest", manifest, "--out", tmp_path / "got", "--json")

    def counts():
        result = command(*arguments)
        assert result.returncode == 0, result.stderr
        document = json.loads(result.stdout)
        return document["packages"], document["files"], document["kept"]

    assert counts() == (2, 2, 0)
    assert counts() == (0, 0, 2)
    for font in fonts:
        data = (tmp_path / "got" / font.family / font.file).read_bytes()
        assert hashlib.sha256(data).hexdigest() == font.sha256
    # one file cut short: its package alone is asked for again
    cut = tmp_path / "got" / "two" / fonts[1].file
    whole = cut.read_bytes()
    cut.write_bytes(whole[:100])
    assert counts() == (1, 1, 1)
    assert cut.read_bytes() == whole

    out = tmp_path / "letters.safetensors"
    assert command("glyphs", "build", tmp_path / "got", "--out", out).returncode == 0
    letters = load_letters(out)
    assert letters.family_names == ("one", "two")
    assert letters.validation.tolist() == [True] * 26 + [False] * 26, "as the manifest says"


@needs_npm
def test_fetch_keeps_what_it_got_when_one_package_is_wrong(package, tmp_path, refused):
    good, bad = pin([package("good"), package("other", 0.5)])[0]
    wrong = PinnedFont(bad.package, bad.version, bad.file, "OFL-1.1", "0" * 64, bad.set)
    write_manifest(tmp_path / "pinned.csv", [good, wrong])
    folder = tmp_path / "got"
    sentence = refused("glyphs", "fetch", "--manifest", tmp_path / "pinned.csv", "--out", folder)
    assert f"has the SHA-256 {bad.sha256}; expected {'0' * 64}" in sentence
    assert not (folder / "other" / bad.file).exists()
    assert fetch([good], folder).kept == 1


@needs_npm
def test_npms_refusal_is_passed_on(tmp_path):
    with pytest.raises(FileError, match="npm cannot pack"):
        pack(f"@fonts/none@file:{tmp_path / 'none'}")


@needs_npm
def test_npms_reason_is_in_the_sentence(tmp_path, refused, server, monkeypatch):
    """No registry; one that has no such package, no such version, or answers what is none."""
    write_manifest(
        tmp_path / "m.csv", [PinnedFont("@f/a", "1.0.0", "a.woff2", "", "00", "training")]
    )
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))

    def sentence(registry):
        monkeypatch.setenv("npm_config_registry", registry)
        out = tmp_path / "got"
        return refused("glyphs", "fetch", "--manifest", tmp_path / "m.csv", "--out", out)

    assert "the registry cannot be reached (" in sentence("http://127.0.0.1:1")
    assert "the registry has no such package (404 Not Found" in sentence(server.address)
    server.files["/@f%2fa"] = b"<html>log in first</html>"
    assert "what the registry answered is damaged (invalid json" in sentence(server.address)
    other = {"name": "@f/a", "versions": {"2.0.0": {"name": "@f/a", "version": "2.0.0"}}}
    server.files["/@f%2fa"] = json.dumps(other).encode()
    assert "npm cannot pack @f/a@1.0.0: the registry has no such version (" in sentence(
        server.address
    )


@needs_npm
def test_pin_chooses_three_styles_and_splits_by_design(package, tmp_path, command):
    styles = ("300-normal", "400-normal", "400-italic", "600-normal", "900-normal")
    packages = [
        package("wide", 1.0, styles),
        package("narrow", 0.4),
        package("twin", 1.0),
        package("narrow-text", 0.7),
        package("thin", 0.2),
    ]
    fonts, left_out = pin(packages, first_held_out="narrow")
    assert left_out == []
    assert [font.file for font in fonts if font.family == "wide"] == [
        "wide-latin-400-normal.woff2",
        "wide-latin-400-italic.woff2",
        "wide-latin-600-normal.woff2",
    ]
    sets = {font.family: font.set for font in fonts}
    assert sets["narrow"] == sets["narrow-text"] == "validation"
    assert sets["wide"] == sets["twin"], "the same design in two packages stays together"
    assert "training" in sets.values()
    out = tmp_path / "manifest.csv"
    result = command("glyphs", "pin", *packages, "--out", out, "--json")
    assert json.loads(result.stdout)["fonts"] == len(fonts)
    assert [font.sha256 for font in read_manifest(out)] == [font.sha256 for font in fonts]
    result = command("glyphs", "pin", *packages, "--styles", "1", "--out", out)
    assert result.returncode == 0, result.stderr
    assert [font.file for font in read_manifest(out) if font.family == "wide"] == [
        "wide-latin-400-normal.woff2"
    ]


@needs_npm
def test_pin_beside_leaves_out_what_is_related_to_fonts_held_out(package, tmp_path, command):
    fonts, _ = pin([package("narrow", 0.4), package("plain")], first_held_out="narrow")
    assert [font.set for font in fonts] == ["validation", "training"]
    fetch(fonts, tmp_path / "got")
    new = [package("narrow-text", 0.7), package("as-narrow", 0.4), package("other", 0.75)]
    out = tmp_path / "more.csv"
    result = command("glyphs", "pin", *new, "--beside", tmp_path / "got", "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    left_out = {entry["name"]: entry["reason"] for entry in json.loads(result.stdout)["left_out"]}
    assert left_out == dict.fromkeys(["narrow-text", "as-narrow"], "related to narrow, held out")
    assert [(font.family, font.set) for font in read_manifest(out)] == [("other", "training")]


def test_the_packages_second_manifest_has_none_of_the_families_held_out():
    first, both = read_manifest(use="lines"), read_manifest(use="reader")
    more = both[len(first) :]
    assert both[: len(first)] == first
    assert {font.set for font in more} == {"training"}
    assert not {font.family for font in more} & {font.family for font in first}
    held = {font.family.split("-")[0] for font in first if font.set == "validation"}
    assert not held & {font.family.split("-")[0] for font in more}


def test_options_of_fetch_and_pin_that_cannot_be_meant_are_refused(refused, fonts_folder, tmp_path):
    sentence = refused("glyphs", "fetch", "--manifest", "m.csv", "--for", "lines", "--out", "f")
    assert "both --manifest and --for are given; expected one of them" in sentence
    sentence = refused("glyphs", "fetch", "--for", "points", "--out", tmp_path / "f")
    assert "the use of the fonts is 'points'; expected one of letters, lines, reader" in sentence
    pin_beside = ("glyphs", "pin", "@f/a@1.0.0", "--out", tmp_path / "more.csv", "--beside")
    assert "holds no font out; expected a folder of `glyphs fetch`" in refused(
        *pin_beside, fonts_folder
    )
    assert "missing is not there; expected a font" in refused(*pin_beside, tmp_path / "missing")
    assert not (tmp_path / "more.csv").exists()


def test_without_npm_the_sentence_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileError, match="npm is not there"):
        pack("@fonts/any@1.0.0")


def test_broken_archives_are_refused():
    with pytest.raises(FileError, match="archive is broken"):
        read_members(b"no archive")


def test_manifests_that_cannot_be_meant_are_refused(refused, tmp_path):
    manifest = tmp_path / "m.csv"
    head = "package,version,file,licence,sha256,set\n"
    row = "@f/a,1.0.0,a.woff2,OFL-1.1,00,training\n"
    for text, reason in (
        ("", "has no first line"),
        ("name,file\n", "has no first line"),
        (head + "@f/a,1.0.0\n", "line 2 has 2 values"),
        (head + row.replace("training", "both"), "has the set 'both'"),
        (head + row + row.replace("training", "validation"), "puts a into both sets"),
        (head + row.replace("a.woff2", "../a.woff2"), "expected bare names"),
    ):
        manifest.write_text(text)
        out = tmp_path / "out"
        assert reason in refused("glyphs", "fetch", "--manifest", manifest, "--out", out)
        assert not out.exists()
    missing = refused("glyphs", "fetch", "--manifest", tmp_path / "none.csv", "--out", tmp_path)
    assert "cannot be read" in missing


def test_a_changed_font_is_not_built(refused, tmp_path, make_font):
    font = make_font("a-latin-400-normal", BOXES)
    (tmp_path / "fonts" / "a").mkdir(parents=True)
    font.rename(tmp_path / "fonts" / "a" / font.name)
    pinned = PinnedFont("@f/a", "1.0.0", font.name, "OFL-1.1", "0" * 64, "training")
    write_manifest(tmp_path / "fonts" / "manifest.csv", [pinned])
    out = tmp_path / "x.safetensors"
    assert "has the SHA-256" in refused("glyphs", "build", tmp_path / "fonts", "--out", out)
    assert not out.exists()


def test_the_manifest_in_the_package():
    fonts = read_manifest()
    assert len(fonts) >= 900
    assert len({font.family for font in fonts}) >= 550
    assert {font.licence for font in fonts} <= {
        "OFL-1.1", "Apache-2.0", "MIT", "mit", "UFL-1.0", "CC0-1.0", "Unlicense",
    }  # fmt: skip
    assert all(len(font.sha256) == 64 for font in fonts)
    assert len({font.file for font in fonts}) == len(fonts)
