"""The reader in the package, and the commands."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from chainrule.chain import save_chain
from chainrule.errors import FileError, InputError
from chainrule.glyphs.lines import load_line_fonts, render_line
from chainrule.reader import pool as pooled
from chainrule.reader.evaluation.error_rates import character_error_rate
from chainrule.reader.evaluation.readings import Reading
from chainrule.reader.evaluation.rendered import evaluate
from chainrule.reader.lines.network import line_network
from chainrule.reader.lines.texts import held_out_text
from chainrule.reader.lines.training import character_errors
from chainrule.reader.model_file import KIND, load_reader, save_reader
from chainrule.reader.picture.character_boxes import cells
from chainrule.reader.picture.line_image import crop_line
from chainrule.reader.pool import ReaderPool
from chainrule.reader.reader import Reader

SENTENCE = "the rat the cat the dog chased killed ate the malt"


@pytest.fixture(scope="module")
def reader():
    return load_reader("fast")


@pytest.fixture(scope="module")
def lato():
    return next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")


@pytest.fixture(scope="module")
def sentence(lato):
    return render_line(lato, SENTENCE)


def test_the_sentence_in_a_held_out_font_is_read_exactly(reader, lato, sentence):
    assert lato.validation
    for picture in (sentence.image, 255 - sentence.image):
        assert reader.read([picture])[0].text == SENTENCE
    larger = Image.fromarray(sentence.image).resize(
        (4 * sentence.image.shape[1], 4 * 32), Image.Resampling.BICUBIC
    )
    padded = np.pad(np.asarray(larger), ((60, 90), (30, 200)), constant_values=255)
    assert reader.texts([padded, sentence.image], beam_width=4) == [SENTENCE, SENTENCE]


def test_characters_lie_where_they_were_drawn(reader, sentence):
    read = reader.read([sentence.image])[0]
    assert "".join(character.character for character in read.characters) == SENTENCE
    for character, box in zip(read.characters, sentence.boxes.tolist(), strict=True):
        middle = (character.box[0] + character.box[2]) / 2
        assert middle == pytest.approx((box[0] + box[2]) / 2, abs=3), character
        assert 0 < character.confidence <= 1
        assert len(character.alternatives) == 3
        shares = [share for _, share in character.alternatives]
        assert shares == sorted(shares, reverse=True)
        assert character.confidence + sum(shares) <= 1 + 1e-5


def test_lines_read_together_are_read_as_alone(reader, lato):
    texts = ["a", "queen of hearts", "Q 12", SENTENCE]
    pictures = [render_line(lato, text).image for text in texts]
    assert reader.texts(pictures) == [reader.texts([picture])[0] for picture in pictures]


def test_a_limited_reader_gives_no_other_character(reader, lato):
    picture = render_line(lato, "O1 lI0").image
    assert set(reader.limited("0123456789").texts([picture])[0]) <= set("0123456789 ")
    with pytest.raises(InputError, match="does not read '\u4e2d'"):
        reader.limited("a\u4e2d")


def test_limiting_a_reader_leaves_its_scores_and_sums_them_to_one_again(reader, sentence):
    exact = Reader(reader.chain, reader.parameters, reader.alphabet, precision="float32")
    crop = crop_line(sentence.image)
    kept = [0, *(reader.alphabet.index(character) + 1 for character in " abcdt")]
    some = torch.from_numpy(exact.log_probabilities([crop])[0][kept])
    limited = exact.limited("tabcd").log_probabilities([crop])[0]
    np.testing.assert_allclose(limited, some.log_softmax(0), atol=1e-4)


def test_a_reader_is_saved_and_read_again(reader, tmp_path, sentence):
    save_reader(tmp_path / "copy.safetensors", reader)
    copy = load_reader(tmp_path / "copy.safetensors")
    assert (copy.alphabet, copy.between) == (reader.alphabet, reader.between)
    assert copy.read([sentence.image]) == reader.read([sentence.image])
    data = (tmp_path / "copy.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(FileError):
        load_reader(tmp_path / "cut.safetensors")
    with pytest.raises(InputError, match="expected that of `line_network`"):
        Reader(line_network(5), {}, "abc")


def test_held_out_families_are_given_to_every_reader(lato):
    seen = {}

    def perfect(pictures, truths):
        seen.setdefault("perfect", []).append(len(pictures))
        return Reading(truths, 2.0)

    def silent(pictures, truths):
        return Reading([""] * len(pictures), 1.0)

    rows = evaluate(
        {"perfect": perfect, "silent": silent},
        [lato],
        "abcdefghij ",
        lines=8,
        conditions=["clean", "noise"],
    )
    assert [(row.reader, row.condition) for row in rows] == [
        ("perfect", "clean"),
        ("silent", "clean"),
        ("perfect", "noise"),
        ("silent", "noise"),
    ]
    assert [(r.character_error_rate, r.word_error_rate) for r in rows] == [(0, 0), (1, 1)] * 2
    assert rows[0].lines_per_second == 4
    with pytest.raises(InputError, match="condition 'fog' is unknown"):
        evaluate({}, [lato], "ab", conditions=["fog"])


def test_character_errors_are_those_of_the_best_path():
    scores = torch.full((1, 3, 1, 4), -9.0)
    for frame, label in enumerate([1, 0, 1, 2]):
        scores[0, label, 0, frame] = 9.0
    assert character_errors(scores, torch.tensor([[1, 1, 2]])) == 0
    assert character_errors(scores, torch.tensor([[1, 2, -1]])) == pytest.approx(
        character_error_rate(["112"], ["12"])
    )


def test_the_command_reads_pictures(command, sentence, tmp_path):
    Image.fromarray(sentence.image).save(tmp_path / "line.png")
    result = command("reader", "read", tmp_path / "line.png")
    # (on standard error there may be progress, where the search is compiled for the first time)
    assert (result.stdout, result.returncode) == (SENTENCE + "\n", 0)
    result = command("reader", "read", tmp_path / "line.png", "--json", "--beam", "3")
    (image,) = json.loads(result.stdout)["images"]
    assert set(image) == {"file", "text", "confidence", "reason", "lines", "characters"}
    assert image["text"] == SENTENCE
    assert set(image["characters"][0]) == {"character", "box", "confidence", "alternatives"}


@pytest.mark.parametrize(("first", "second"), [("red", "cyan"), ("white", "blue")])
def test_the_command_reads_words_of_two_colours(command, sentence, tmp_path, first, second):
    ink = 255 - sentence.image
    picture = Image.new("RGB", ink.shape[::-1])
    half = int(sentence.boxes[SENTENCE.index(" dog") + 1, 0]) - 3
    for colour, place in ((first, 0), (second, half)):
        width = half if not place else ink.shape[1] - half
        mask = Image.fromarray(np.ascontiguousarray(ink[:, place : place + width]))
        picture.paste(colour, (place, 0, place + width, len(ink)), mask)
    picture.save(tmp_path / "terminal.png")
    result = command("reader", "read", tmp_path / "terminal.png")
    assert (result.stdout, result.returncode) == (SENTENCE + "\n", 0)


def test_a_picture_in_which_nothing_is_read_has_no_cells():
    crop = crop_line(np.pad(np.zeros((12, 12), np.uint8), 20, constant_values=255))
    assert cells(crop, [], (0.5, 0.0)) == []


def unreadable():
    """Pictures in which there is no text to be read."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 120)).astype(np.uint8)
    return {
        "noise": noise,
        "clouds": np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(6))),
        "blot": np.pad(np.zeros((12, 12), np.uint8), 20, constant_values=255),
        "frame": np.pad(np.full((30, 200), 255, np.uint8), 3, constant_values=0),
        "blank": np.full((30, 50), 255, np.uint8),
        "low": np.zeros((3, 50), np.uint8),
        "wide": np.full((10, 40_000), 255, np.uint8),
    }


def test_the_command_gives_an_answer_for_every_picture(command, sentence, tmp_path):
    pictures = {**unreadable(), "line": sentence.image}
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "line.png").read_bytes()[:300])
    files = [f"{name}.png" for name in pictures]
    result = command("reader", "read", *files, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    *empty, line = json.loads(result.stdout)["images"]
    assert line["text"] == SENTENCE
    assert line["reason"] is None
    for image in empty:
        assert (image["text"], image["characters"]) == ("", [])
        assert image["reason"].startswith("no ")
        assert f"chainrule: {image['file']}: {image['reason']}" in result.stderr.splitlines()

    # what cannot be opened is told by the exit code; the others are read all the same
    result = command("reader", "read", "cut.png", *files, "none.png", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout.splitlines() == [
        *(f"{file}: " for file in files[:-1]),
        f"line.png: {SENTENCE}",
    ]
    told = [line for line in result.stderr.splitlines() if line.startswith("chainrule: ")]
    assert len(told) == len(empty) + 2
    assert "cut.png is damaged" in told[0]
    assert "none.png cannot be read" in told[-1]


def test_the_command_refuses_what_is_no_reader_or_no_picture(refused, tmp_path, sentence):
    Image.fromarray(sentence.image).save(tmp_path / "line.png")
    (tmp_path / "words.png").write_text("words")
    assert "cannot be read" in refused("reader", "read", tmp_path / "none.png")
    assert "words.png is not a picture" in refused("reader", "read", tmp_path / "words.png")
    (tmp_path / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    model = tmp_path / "model.safetensors"
    assert "model.safetensors" in refused("reader", "read", tmp_path / "line.png", "--model", model)


def test_the_command_refuses_fonts_and_alphabets_that_do_not_do(refused, tmp_path):
    out = tmp_path / "my.safetensors"
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.ttf").write_text("no font")

    def refuse(folder, alphabet="digits"):
        return refused(
            "reader",
            "train-lines",
            "--fonts",
            tmp_path / folder,
            "--alphabet",
            alphabet,
            "--out",
            out,
        )

    assert "holds no font" in refuse("empty")
    assert "is no font that can be read" in refuse("bad")
    assert "expected at least 2" in refuse("empty", "a")
    assert not out.exists()


def test_a_character_that_no_font_draws_is_refused(refused, fonts_folder, tmp_path):
    out = tmp_path / "my.safetensors"
    font = fonts_folder / "DejaVuSans.ttf"
    message = refused(
        "reader", "train-lines", "--fonts", font, "--alphabet", "ab\u7532", "--out", out
    )
    assert "U+7532" in message
    assert not out.exists()


@pytest.mark.slow
def test_a_reader_for_ones_own_font_in_a_few_steps(command, fonts_folder, tmp_path):
    out = tmp_path / "my.safetensors"
    result = command(
        "reader",
        "train-lines",
        "--fonts",
        fonts_folder / "DejaVuSans.ttf",
        "--alphabet",
        "digits",
        "--epochs",
        "1",
        "--out",
        out,
        "--json",
    )
    document = json.loads(result.stdout)
    assert set(document) == {"recipe", "seconds", "epochs", "file"}
    assert set(document["epochs"][0]) == {
        "epoch",
        "seconds",
        "energy_train",
        "energy_validation",
        "top1_train",
        "top1_validation",
        "top5_train",
        "top5_validation",
    }
    # the package's reader has seen digits, so one pass must do
    assert document["epochs"][-1]["top1_validation"] < 0.1
    again = tmp_path / "again.safetensors"
    going_on = ("--model", out, "--epochs", "1", "--learning-rate", "1e-9", "--json")
    font = fonts_folder / "DejaVuSans.ttf"
    result = command(
        "reader", "train-lines", "--fonts", font, "--alphabet", "digits", "--out", again, *going_on
    )
    # from the first one's parameters: hardly any step is made
    first, second = (load_reader(path).parameters["scores.weight"] for path in (out, again))
    torch.testing.assert_close(first, second, atol=1e-3, rtol=0)
    result = command("reader", "evaluate", "--model", out, "--alphabet", "letters", "--no-peers")
    assert result.returncode == 2
    assert "the model does not read 'a'" in result.stderr


def test_the_command_evaluates(command):
    result = command(
        "reader",
        "evaluate",
        "--count",
        "10",
        "--condition",
        "clean",
        "--no-peers",
        "--json",
        "--model",
        "fast",
        "--workers",
        "1",
    )
    row, without = json.loads(result.stdout)["rows"]
    assert (row["reader"], without["reader"]) == ("chainrule", "without words")
    assert (
        set(row)
        == set(without)
        == {
            "reader",
            "texts",
            "condition",
            "lines",
            "character_error_rate",
            "word_error_rate",
            "lines_per_second",
        }
    )
    assert row["character_error_rate"] <= without["character_error_rate"] < 0.2


def test_all_precisions_read_nearly_the_same_and_several_threads_just_so(reader, lato, monkeypatch):
    rng = np.random.default_rng(0)
    pictures = [
        render_line(lato, held_out_text(rng, "abcdefghijklmnopqrstuvwxyz ", 12)).image
        for _ in range(40)
    ]
    readers = [
        Reader(
            reader.chain, reader.parameters, reader.alphabet, ranges=reader.ranges, precision=one
        ).with_words()
        for one in ("float32", "bfloat16", "int8")
    ]
    texts, *others = (one.texts(pictures) for one in readers)
    for other in others:
        assert sum(one != two for one, two in zip(texts, other, strict=True)) <= 1
    monkeypatch.setattr(pooled, "_TOGETHER", 16)
    with ReaderPool(readers[-1], 2, many=False) as pool:
        assert pool.texts(pictures) == others[-1]
        blank = np.full((40, 60), 255, np.uint8)
        assert pool.texts([*pictures[:20], blank, *pictures[20:]])[20] == ""


def test_the_dictionary_can_be_ones_own_or_none(command, refused, lato, tmp_path):
    # an ink blot over the letter that tells the two apart
    line = render_line(lato, "the cat")
    left, top, right, bottom = line.boxes[4].tolist()
    image = line.image.copy()
    image[top - 7 : bottom, left : right + 1] = np.where(
        np.random.default_rng(1).random((bottom - top + 7, right - left + 1)) < 0.5, 0, 255
    )
    Image.fromarray(image).save(tmp_path / "line.png")
    found = []
    for word in ("hat", "bat"):
        (tmp_path / "words.txt").write_text(f"the\n{word}\n")
        # a blot is as high as a capital
        options = ("--alphabet", "lowercase", "--words", tmp_path / "words.txt")
        found.append(command("reader", "read", tmp_path / "line.png", *options).stdout)
    assert found == ["the hat\n", "the bat\n"]
    assert command("reader", "read", tmp_path / "line.png", "--words", "none").returncode == 0
    (tmp_path / "words.txt").write_text("12\n")
    read = ("reader", "read", tmp_path / "line.png", "--words", tmp_path / "words.txt")
    assert "has no word of the letters a to z" in refused(*read)
    (tmp_path / "words.txt").write_text("the\n" + 5_000_000 * "a")
    assert "line 2: found a word of 5,000,000 letters; expected at most 100" in refused(*read)
    (tmp_path / "words.txt").write_text("aaaaabbbbb\n" * 500_001)
    assert "words of 5,000,010 letters in all; expected at most 5,000,000" in refused(*read)


def test_a_file_without_the_borders_between_characters_is_refused(reader, tmp_path):
    halves = {name: value.half() for name, value in reader.parameters.items()}
    path = tmp_path / "old.safetensors"
    save_chain(path, reader.chain, halves, {"kind": KIND, "alphabet": reader.alphabet})
    with pytest.raises(FileError, match="has None under 'between'; expected two numbers"):
        load_reader(path)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"zoom": 1e9}, "zoom: found 1000000000.0; expected a finite number from 0.1 to 10"),
        ({"zoom": "2"}, "zoom: found '2'"),
        ({"shapes": {"LL00": 0}}, "shapes: found 0; expected a whole number of at least 1"),
        ({"shapes": {"LL00": 1.5}}, "shapes: found 1.5"),
        ({"shapes": [1]}, "no attribute"),
    ],
)
def test_a_file_of_own_pictures_that_holds_nonsense_is_refused(reader, tmp_path, told, said):
    halves = {name: value.half() for name, value in reader.parameters.items()}
    known = {"kind": KIND, "alphabet": reader.alphabet, "between": [0.5, 0.0], "whole": True}
    path = tmp_path / "odd.safetensors"
    save_chain(path, reader.chain, halves, known | told)
    with pytest.raises(FileError, match=re.escape(said)):
        load_reader(path)


def test_the_former_name_of_two_commands_is_refused(refused):
    for arguments in ((), ("--recipe", "lines"), ("--fonts", "my-fonts", "--alphabet", "digits")):
        message = refused("reader", "train", *arguments)
        assert "expected reader train-letters (single letters) or reader train-lines" in message


def test_a_reader_to_start_from_that_is_none_is_refused(refused, few_letters_file):
    message = refused("reader", "train-lines", "--model", few_letters_file)
    assert f"{few_letters_file}" in message


def test_a_reader_of_lines_is_trained_on_a_file_of_lines(refused, few_letters_file):
    train = ("reader", "train-lines", "--built", few_letters_file)
    assert "expected 'chainrule line fonts'" in refused(*train)
    message = refused(*train, "--fonts", few_letters_file.parent)
    assert "--built is given with --fonts" in message
    message = refused("reader", "train-lines", "--out", "model.pth")
    assert "ends in .safetensors" in message
