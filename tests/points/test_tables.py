"""Tables as people have them: each way of writing the same points gives the same points."""

import bz2
import gzip
import lzma
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import FileError
from chainrule.points.data import load_points

PLAIN = "a,b,kind\n1.5,2,x\n-3,4.25,y\n0,1e-3,x\n"
SAME = {
    "semicolons and decimal commas": PLAIN.replace(",", ";").replace(".", ","),
    "tabs": PLAIN.replace(",", "\t"),
    "blanks and decimal commas": PLAIN.replace(",", "  ").replace(".", ","),
    "bars": PLAIN.replace(",", "|"),
    "blanks": PLAIN.replace(",", "  "),
    "sep=": "sep=;\n" + PLAIN.replace(",", ";"),
    "comments": "# of a friend\n" + PLAIN.replace("\n-3", "\n# half\n-3"),
    "trailing commas": PLAIN.replace("\n", ",\n"),
    "trailing commas without one at the names": PLAIN.replace("x\n", "x,\n").replace("y\n", "y,\n"),
    "quotes": PLAIN.replace("a,b,kind", '"a","b","kind"').replace("x", '"x"'),
    "blank lines and Windows line ends": PLAIN.replace("\n", "\r\n\r\n"),
    "UTF-8 with a mark": PLAIN.encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-16, the other order, without a mark": PLAIN.encode("utf-16-be"),
    "UTF-32": PLAIN.encode("utf-32"),
    "comments of MATLAB and C": "% of a friend\n// or two\n" + PLAIN,
    "a drawn table": "| a | b | kind |\n|---|---|:--:|\n| 1.5 | 2 | x |\n| -3 | 4.25 | y |\n"
    "| 0 | 1e-3 | x |\n",
    "bzip2": bz2.compress(PLAIN.encode()),
    "xz": lzma.compress(PLAIN.encode()),
    "gzip": gzip.compress(PLAIN.encode()),
}
SAID = {
    "a counting column without a name": ",a,b,kind\n0,1.5,2,x\n1,-3,4.25,y\n2,0,1e-3,x\n",
    "Unnamed: 0": "Unnamed: 0,a,b,kind\n0,1.5,2,x\n1,-3,4.25,y\n2,0,1e-3,x\n",
    "an id that counts": "ID,a,b,kind\n1,1.5,2,x\n2,-3,4.25,y\n3,0,1e-3,x\n",
    "a part of a table with an index": ",a,b,kind\n20,1.5,2,x\n40,-3,4.25,y\n60,0,1e-3,x\n",
    "an id that counts down": "sample_id;a;b;kind\n9;1.5;2;x\n8;-3;4.25;y\n7;0;1e-3;x\n",
    "an index saved twice": ",Unnamed: 0.1,a,b,kind\n0,0,1.5,2,x\n1,1,-3,4.25,y\n2,2,0,1e-3,x\n",
    "R's names of rows": '"a" "b" "kind"\n"1" 1.5 2 "x"\n"2" -3 4.25 "y"\n"3" 0 1e-3 "x"\n',
    "names in a comment": "# a b kind\n1.5 2 x\n-3 4.25 y\n0 1e-3 x\n",
    "a number in another language": PLAIN.replace("a,", "lfd. Nr.,a,", 1)
    .replace("\n1.5", "\n1,1.5")
    .replace("\n-3", "\n2,-3")
    .replace("\n0", "\n3,0"),
    "R's words as names of rows": '"a","b","kind"\n"p",1.5,2,x\n"q",-3,4.25,y\n"r",0,1e-3,x\n',
}


def load(tmp_path, content, name="points.csv", label=None):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_points(path, label=label)


@pytest.mark.parametrize("way", SAME | SAID)
def test_the_same_points_written_otherwise(tmp_path, way):
    points = load(tmp_path, (SAME | SAID)[way])
    assert points.features.tolist() == [[1.5, 2], [-3, 4.25], [0, 1e-3]]
    assert points.labels.tolist() == [-1, 1, -1]
    assert points.feature_names == ("a", "b")
    assert (points.label_name, points.class_names) == ("kind", ("x", "y"))
    assert bool(points.notes) == (way in SAID)


def test_quoted_names_may_hold_another_separator(tmp_path):
    points = load(tmp_path, '"width, cm";"height, cm";kind\n1,5;2,5;a\n3,5;4,25;b\n')
    assert points.feature_names == ("width, cm", "height, cm")
    assert points.features.tolist() == [[1.5, 2.5], [3.5, 4.25]]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("0,1,2\n0.5,1.5,1\n2.5,3.5,0\n", ("0", "1")),
        ("0,1\n0.5,1\n2.5,0\n", ("0",)),
        ("2019,2020,2021\n5,1,0\n2,0,1\n3,1,1\n", ("2019", "2020")),
        ("1999,2005,2010\n5,170.5,0\n-2,150,1\n3,160,1\n", ("1999", "2005")),
        ("1990;2000\n0,5;1\n1,5;0\n", ("1990",)),
    ],
)
def test_numbers_that_name_the_columns_are_no_point(tmp_path, content, names):
    points = load(tmp_path, content)
    assert points.feature_names == names
    assert len(points) == content.count("\n") - 1
    assert "is taken as the columns' names" in points.notes[0]


def test_points_that_are_years_are_no_names(tmp_path):
    points = load(tmp_path, "1990,2005,2010\n1991,2004,2010\n1987,2003,2011\n")
    assert len(points) == 3


def test_latin_1_is_read_and_said(tmp_path):
    points = load(tmp_path, "a,größe\n1,é\n2,ü\n".encode("latin-1"))
    assert (points.label_name, points.class_names) == ("größe", ("é", "ü"))
    assert points.notes == ("the text is no UTF-8; it is taken as Latin-1",)


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("x,y,group", "group"),
        ("x1,x2,y", "y"),
        ("y,a,b", "y"),
        ("a,class,b", "class"),
        ("p,q,r", "r"),
    ],
)
def test_which_column_is_the_label(tmp_path, header, label):
    points = load(tmp_path, f"{header}\n1,0,1\n0,1,0\n")
    assert points.label_name == label


def test_an_error_about_the_label_names_its_column(tmp_path):
    with pytest.raises(FileError, match=r"label column 'c' holds 3 value\(s\) \(x, y, z\)"):
        load(tmp_path, "a,c\n1,x\n2,y\n3,z\n")


def test_an_index_that_was_shuffled_or_cut_is_left_out(tmp_path):
    rows = np.random.default_rng(1).permutation(40)[:30].tolist()
    text = "".join(f"{row},{row % 7}.5,{'pq'[row < 20]}\n" for row in rows)
    for name in ("", "id", "Index", "row_id", "level_0"):
        assert load(tmp_path, f"{name},a,kind\n{text}").feature_names == ("a",)
    assert load(tmp_path, f"age,a,kind\n{text}").feature_names == ("age", "a")
    counted = "".join(f"{k},{k % 7}.5,{'pq'[k < 20]}\n" for k in range(30))
    assert load(tmp_path, counted).feature_names == ("2",)  # without names


def test_numbers_and_a_word_that_name_the_columns(tmp_path):
    points = load(tmp_path, "0,1,kind\n0.5,1.5,a\n2.5,3.5,b\n")
    assert (points.feature_names, points.label_name) == (("0", "1"), "kind")
    assert len(load(tmp_path, "0,1,a\n0.5,1.5,a\n2.5,3.5,b\n")) == 3


def test_quoted_cells_may_hold_ends_of_lines(tmp_path):
    points = load(tmp_path, '"length\n(mm)",b,kind\r\n1,2,"x\r\nlong"\r\n2,3,y\r\n')
    assert points.feature_names == ("length (mm)", "b")
    assert points.class_names == ("x long", "y")


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(tmp_path):
    with pytest.raises(FileError, match=r"line 2: found \d+ column\(s\); expected 2"):
        load(tmp_path, 'a,kind\n"1,x\n' + "2,y\n" * 10_000)


def test_windows_signs(tmp_path):
    points = load(tmp_path, "a,kind\n1,\u20ac\n2,\u2013\n".encode("cp1252"))
    assert points.class_names == ("\u2013", "\u20ac")


def test_a_word_among_the_features_names_the_label_column_too(tmp_path):
    with pytest.raises(FileError, match=r"found 'x'; .* \(the label column is 'b'; another by"):
        load(tmp_path, "kind,a,b\nx,1,0\ny,2,1\n")


def test_numpy_arrays_of_words_of_bytes_and_with_names(tmp_path):
    path = tmp_path / "p.npy"
    for array in (
        np.array([["1", "2.5", "x"], ["3", "4", "y"]]),
        np.array([(1, 2.5, "x"), (3, 4, "y")], [("a", "i4"), ("b", "f4"), ("c", "U9")]),
        np.array([(1, 2.5, b"x"), (3, 4, b"y")], [("a", "i4"), ("b", ">f8"), ("c", "S9")]),
    ):
        np.save(path, array)
        points = load_points(path)
        assert points.features.tolist() == [[1, 2.5], [3, 4]]
        assert points.class_names == ("x", "y")
    np.save(path, np.array([[1, "x"]], object), allow_pickle=True)
    with pytest.raises(FileError, match="that is not run; expected numbers or text"):
        load_points(path)


def test_numpy_files_with_columns_of_one_and_words(tmp_path):
    np.save(tmp_path / "p.npy", np.array([[1, 2, 0], [3, 4, 1]], ">f4"))
    assert load_points(tmp_path / "p.npy").features.tolist() == [[1, 2], [3, 4]]
    labels = np.array([["1"], ["0"], ["1"]])
    np.savez(tmp_path / "p.npz", x=np.eye(3, 2), y=labels)
    points = load_points(tmp_path / "p.npz")
    assert (points.label_name, points.class_names) == ("y", ("0", "1"))
    assert points.labels.tolist() == [1, -1, 1]


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"a": [1.5, 2], "b": [3, 4], "kind": ["x", "y"]})
    parquet.write_table(table, tmp_path / "p.parquet")
    points = load_points(tmp_path / "p.parquet")
    assert points.features.tolist() == [[1.5, 3], [2, 4]]
    assert points.class_names == ("x", "y")


def test_parquet_of_pandas(tmp_path):
    """Its index is no label, wherever it was put; a label that is missing is no class."""
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.5, 2, 3], "b": [3, 4, 5], "kind": ["x", "y", "x"]})
    frame.iloc[[2, 1, 0]].to_parquet(tmp_path / "p.parquet")
    assert load_points(tmp_path / "p.parquet").feature_names == ("a", "b")
    frame.set_index("a").to_parquet(tmp_path / "p.parquet")
    assert load_points(tmp_path / "p.parquet").label_name == "kind"
    frame.replace("x", None).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(FileError, match=r"label column 'kind', point 1: .* expected a label"):
        load_points(tmp_path / "p.parquet")


@given(
    rows=st.lists(
        st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.sampled_from(["p", "q"])),
        min_size=2,
        max_size=20,
    ).filter(lambda rows: len({row[2] for row in rows}) == 2),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
)
def test_what_is_written_is_read(tmp_path_factory, rows, separator, comma):
    decimal = "," if comma and separator != "," else "."
    lines = [separator.join(("first", "second", "kind"))] + [
        separator.join((*(repr(v).replace(".", decimal) for v in row[:2]), row[2])) for row in rows
    ]
    path = tmp_path_factory.mktemp("t") / "points.csv"
    path.write_text("\n".join(lines))
    points = load_points(path)
    assert points.features.tolist() == [list(row[:2]) for row in rows]


def test_a_large_table_and_a_small_one_are_read_alike(tmp_path):
    """From 2,000 rows on pandas reads; a single wrong cell is found all the same."""
    random = np.random.default_rng(0)
    cells = random.normal(size=(5000, 2)).round(6)
    lines = [f"{a!r},{b!r},{'pq'[k % 2]}" for k, (a, b) in enumerate(cells.tolist())]
    points = load(tmp_path, "a,b,kind\n" + "\n".join(lines))
    np.testing.assert_array_equal(points.features, cells)
    lines[3000] = "1,x,p"
    with pytest.raises(FileError, match=r"column 'b', point 3001: found 'x'; expected a finite"):
        load(tmp_path, "a,b,kind\n" + "\n".join(lines))
    lines[3000] = "1,p"
    with pytest.raises(FileError, match=r"line 3002: found 2 column\(s\); expected 3"):
        load(tmp_path, "a,b,kind\n" + "\n".join(lines))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_bomb_is_unpacked_no_further_than_is_allowed(pack, tmp_path, monkeypatch):
    from chainrule.points import text

    monkeypatch.setattr(text, "_ALWAYS", 2**21)
    content = pack(b"a,b\n" * 2**18) * 64  # 64 MiB, of which 2 may be unpacked
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match="found more than 2,097,152 bytes once unpacked"):
            load(tmp_path, content)
        assert tracemalloc.get_traced_memory()[1] < 2**25  # xz has a window of 8 MiB
    finally:
        tracemalloc.stop()


def test_too_many_lines_are_refused_before_they_are_parsed(tmp_path, monkeypatch):
    from chainrule.points import tables

    monkeypatch.setattr(tables, "_MOST_LINES", 3)
    for end in ("\n", "\r\n", "\r"):
        with pytest.raises(FileError, match="found 4 lines; expected at most 3"):
            load(tmp_path, "a,b,c\n1,2,x\n2,3,y\n3,4,x\n".replace("\n", end))


def test_a_parquet_file_of_one_long_text_many_times_is_read_with_that_text_once(tmp_path):
    """20,000 rows of 1 MB, which are 1 MB and 20,000 numbers in the file."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    words = pa.DictionaryArray.from_arrays(
        pa.array([0, 1] * 10_000, pa.int32()), ["x" * 10**6, "y"]
    )
    label = pa.array([0, 1] * 10_000)
    for name, last in (("k", {}), ("note", {"l": label})):
        table = pa.table({"a": pa.repeat(1.5, 20_000), name: words, **last})
        parquet.write_table(table, tmp_path / f"{name}.parquet", store_schema=False)
    with pytest.raises(FileError, match=r"found a label of 1,000,000 characters; expected at most"):
        load_points(tmp_path / "k.parquet")
    with pytest.raises(FileError, match=r"column 'note', point 1: found 'x{60}'; expected a finit"):
        load_points(tmp_path / "note.parquet")


def test_a_parquet_file_of_lists_or_of_more_text_than_its_size_allows(tmp_path, monkeypatch):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    from chainrule.points import text

    path = tmp_path / "p.parquet"
    parquet.write_table(pa.table({"a": [[1.0, 2.0]] * 4, "k": [0, 1] * 2}), path)
    with pytest.raises(FileError, match=r"column 'a': found list<.*>; expected numbers or text"):
        load_points(path)
    monkeypatch.setattr(text, "_ALWAYS", 10_000)
    table = pa.table({"a": [1.0, 2.0], "k": ["y" * 10**6, "z" * 10**6]})
    parquet.write_table(table, path, use_dictionary=False)
    with pytest.raises(FileError, match=r"bytes once unpacked; expected at most"):
        load_points(path)


def test_a_parquet_file_of_several_parts_and_kinds_of_text(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    words = ["y", "z", "z", "y", "z"]
    for kind in (
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.dictionary(pa.int8(), pa.string()),
    ):
        table = pa.table({"a": pa.array([1, 2, 3, 4, 5], pa.float32()), "k": pa.array(words, kind)})
        parquet.write_table(table, tmp_path / "p.parquet", row_group_size=2)
        points = load_points(tmp_path / "p.parquet")
        assert points.class_names == ("y", "z")
        assert points.labels.tolist() == [-1, 1, 1, -1, 1]


def test_a_parquet_file_of_too_many_rows_is_refused_before_it_is_read(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    part = pa.table({"a": pa.repeat(0.0, 10**6), "k": pa.repeat(1, 10**6)})
    with parquet.ParquetWriter(tmp_path / "p.parquet", part.schema) as file:
        for _ in range(18):
            file.write_table(part)
    with pytest.raises(
        FileError, match=r"^\S*p\.parquet: found 18,000,000 rows of 2 columns; expected at most"
    ):
        load_points(tmp_path / "p.parquet")


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    from chainrule.points import text

    monkeypatch.setattr(text, "_ALWAYS", 1000)
    np.savez_compressed(tmp_path / "p.npz", x=np.zeros(1000))
    with pytest.raises(FileError, match=r"unpacks to .* bytes; expected at most"):
        load_points(tmp_path / "p.npz")


def test_one_row_of_numbers_is_a_point_however_it_is_written(tmp_path):
    from chainrule.points.tables import read_table

    for row in ("1.5 2", "1,5 2", "1.5,2", "1,5;2", "1.5\t2\n", "1.5 | 2\n"):
        (tmp_path / "one.txt").write_text(row)
        assert [c.values.tolist() for c in read_table(tmp_path / "one.txt").columns] == [[1.5], [2]]


def test_an_empty_column_with_a_name_is_no_end_of_a_row(tmp_path):
    with pytest.raises(FileError, match=r"label column 'kind', point 1: found ''; expected a labe"):
        load(tmp_path, "a,b,kind\n1,2,\n3,4,\n")


def test_labels_with_a_column_for_each_class_are_no_features(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 1, 0, 1, 0])
    np.savez(tmp_path / "p.npz", x=x, y=np.eye(2)[y])
    with pytest.raises(FileError, match=r"found y \(6, 2\), a column for each class; expected one"):
        load_points(tmp_path / "p.npz")
    np.savez(tmp_path / "p.npz", x=np.eye(2)[y], label=y)  # features may be so
    assert load_points(tmp_path / "p.npz").feature_names == ("x[0]", "x[1]")


def test_a_column_that_counts_under_another_name_is_kept_and_said(tmp_path):
    rows = "".join(f"{k},{0.5 * k},{'pq'[k % 2]}\n" for k in range(12))
    points = load(tmp_path, "time,b,kind\n" + rows)
    assert points.feature_names == ("time", "b")
    assert points.notes[0].startswith("the column time counts the rows, and is kept as a feature")


@pytest.mark.parametrize("instead", [b"(6, 3(", b"(6, 3]", b"'6, 3)", b"(6,,3)", b"[[[[[["])
def test_a_changed_head_of_an_array_is_a_sentence(tmp_path, instead):
    np.save(tmp_path / "p.npy", np.arange(18.0).reshape(6, 3))
    content = (tmp_path / "p.npy").read_bytes()
    assert content.count(b"(6, 3)") == 1
    with pytest.raises(FileError, match="was cut off or is no NPY file"):
        load(tmp_path, content.replace(b"(6, 3)", instead), "q.npy")


def test_what_is_no_array_in_an_archive_is_refused(tmp_path):
    np.savez(tmp_path / "p.npz", x=np.arange(6.0), y=np.array([0, 1] * 3))
    with zipfile.ZipFile(tmp_path / "p.npz", "a") as archive:
        archive.writestr("notes.txt", "of a friend")
    with pytest.raises(
        FileError, match=r"found 'notes\.txt', which is no array; expected arrays only"
    ):
        load_points(tmp_path / "p.npz")
