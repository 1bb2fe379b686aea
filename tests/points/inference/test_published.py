"""Tables of published runs: the original's, files of one's own, rows that are kept out."""

import json

import pytest

from chainrule.errors import FileError
from chainrule.points.inference import NEVER, held_out, original_runs, read_runs
from chainrule.points.inference.published import COLUMNS

HEADER = ",".join(COLUMNS) + "\n"
ROWS = "a,7,0.02,1000,6.70,7.60,none,\nb,7,2,500,0,,120,\nc,7,2,500,0,,120,b\n"


def test_the_original_has_35_rows_of_33_runs():
    runs = original_runs()
    assert len(runs) == len({run.id for run in runs}) == 35
    assert [run.id for run in runs if run.same_as] == ["1.3.D.h7.trial2", "1.3.D.h7.trial3"]
    by_table = {name: [run for run in runs if run.id.startswith(name)] for name in
                ("1.3.B", "1.3.C", "1.3.D")}  # fmt: skip
    assert [len(rows) for rows in by_table.values()] == [5, 12, 18]
    # the original's words: at rate 2 all at 50 %, of which one "converged at 104"
    fast = [run for run in runs if run.setting.learning_rate == 2]
    assert [run.numbers for run in fast] == [(0.5, 0.5, 104), (0.5, 0.5, NEVER), (0.5, 0.5, NEVER)]
    slow = [run for run in runs if run.setting.learning_rate == 0.002]
    assert {run.setting.iterations for run in slow} == {300_000}
    assert [run.iteration for run in slow] == [274_234, NEVER, 240_953]
    assert {run.iteration for run in by_table["1.3.B"]} == {None}


def test_every_third_row_is_kept_out_and_a_repeated_one_goes_with_its_run():
    runs = original_runs()
    out = [run.id for run, held in zip(runs, held_out(runs, 3), strict=True) if held]
    assert len(out) == 11
    assert out[:3] == ["1.3.B.trial3", "1.3.C.rate2.trial1", "1.3.C.rate0.2.trial1"]
    assert held_out(runs, 0) == (False,) * 35
    # every second: row 14 is kept out, and so is row 29, which repeats it; row 28 repeats row 13
    second = held_out(runs, 2)
    assert (second[13], second[28]) == (True, True)
    assert (second[12], second[27]) == (False, False)


def test_csv_and_json_are_the_same_table(tmp_path):
    csv_file, json_file = tmp_path / "runs.csv", tmp_path / "runs.json"
    csv_file.write_text(HEADER + ROWS)
    json_file.write_text(
        json.dumps(
            [
                dict(zip(COLUMNS, ("a", 7, 0.02, 1000, 6.7, 7.6, "none", None), strict=True)),
                dict(zip(COLUMNS, ("b", 7, 2, 500, 0, None, 120, None), strict=True)),
                dict(zip(COLUMNS, ("c", 7, 2, 500, 0, None, 120, "b"), strict=True)),
            ]
        )
    )
    runs = read_runs(csv_file)
    assert runs == read_runs(json_file)
    assert runs[0].numbers == (pytest.approx(0.067), pytest.approx(0.076), NEVER)
    assert runs[1].numbers == (0, None, 120)
    assert runs[2].same_as == "b"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "found the columns an empty file"),
        ("id,hidden\nx,1\n", "found the columns id,hidden; expected id,hidden,learning_rate"),
        (HEADER, "found no rows"),
        (HEADER + "a,7,0.02\n", "row 1: expected 8 columns"),
        (HEADER + "a,7,0.02,10,1,1,,,,\n", "row 1: expected 8 columns"),
        (HEADER + ",7,0.02,10,1,1,,\n", "row 1: found no id"),
        (HEADER + "a,7.5,0.02,10,1,1,,\n", "hidden: found '7.5'; expected a whole number"),
        (HEADER + "a,0,0.02,10,1,1,,\n", "hidden units: found 0"),
        (HEADER + "a,7,-1,10,1,1,,\n", "learning rate: found -1"),
        (HEADER + "a,7,fast,10,1,1,,\n", "learning_rate: found 'fast'; expected a number"),
        (HEADER + "a,7,0.02,10,101,1,,\n", "train_error_percent: found 101; expected 0 to 100"),
        (HEADER + "a,7,0.02,10,1,nan,,\n", "validation_error_percent: found 'nan'"),
        (HEADER + "a,7,0.02,10,1,1,11,\n", "iteration: found 11; expected 1 to 10, none"),
        (HEADER + "a,7,0.02,10,1,1,never,\n", "iteration: found 'never'; expected a whole number"),
        (HEADER + "a,7,0.02,10,,,,\n", "found no error and no iteration"),
        (HEADER + 2 * "a,7,0.02,10,1,1,,\n", "row 2: found the id 'a' twice"),
        (HEADER + "a,7,0.02,10,1,1,,b\n", "same_as 'b'; expected the id of an earlier row"),
        (HEADER + "a,7,1,9,1,1,,\nb,7,1,9,1,2,,a\n", "row 2: found other numbers than row 'a'"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path, text, sentence):
    file = tmp_path / "runs.csv"
    file.write_text(text)
    with pytest.raises(FileError, match=sentence) as caught:
        read_runs(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is no JSON"),
        ('{"id": 1}', "expected a list of objects"),
        ('[{"id": "a"}]', "row 1: found too many or too few fields"),
        ("[]", "found no rows"),
    ],
)
def test_what_is_no_json_table_is_refused(tmp_path, text, sentence):
    file = tmp_path / "runs.json"
    file.write_text(text)
    with pytest.raises(FileError, match=sentence):
        read_runs(file)


def test_bytes_and_missing_files_are_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="found bytes that are no text"):
        read_runs(tmp_path / "x.csv")
    with pytest.raises(FileError, match="cannot be read"):
        read_runs(tmp_path / "missing.csv")
