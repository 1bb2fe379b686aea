"""Tables as people have them: each way of writing the same points gives the same points."""

import gzip

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
    "gzip": gzip.compress(PLAIN.encode()),
    "a counting column without a name": ",a,b,kind\n0,1.5,2,x\n1,-3,4.25,y\n2,0,1e-3,x\n",
    "Unnamed: 0": "Unnamed: 0,a,b,kind\n0,1.5,2,x\n1,-3,4.25,y\n2,0,1e-3,x\n",
    "an id that counts": "ID,a,b,kind\n1,1.5,2,x\n2,-3,4.25,y\n3,0,1e-3,x\n",
}

COUNTED = {"a counting column without a name", "Unnamed: 0", "an id that counts"}


def load(tmp_path, content, name="points.csv", label=None):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_points(path, label=label)


@pytest.mark.parametrize("way", SAME)
def test_the_same_points_written_otherwise(tmp_path, way):
    points = load(tmp_path, SAME[way])
    assert points.features.tolist() == [[1.5, 2], [-3, 4.25], [0, 1e-3]]
    assert points.labels.tolist() == [-1, 1, -1]
    assert points.feature_names == ("a", "b")
    assert (points.label_name, points.class_names) == ("kind", ("x", "y"))
    assert bool(points.notes) == (way in COUNTED)


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


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    from chainrule.points import npz, tables

    monkeypatch.setattr(tables, "_LARGEST", 1000)
    monkeypatch.setattr(npz, "_LARGEST", 1000)
    with pytest.raises(FileError, match="once unpacked; expected at most"):
        load(tmp_path, gzip.compress(b"a,b\n" * 1000))
    np.savez_compressed(tmp_path / "p.npz", x=np.zeros(1000))
    with pytest.raises(FileError, match=r"unpacks to .* bytes; expected at most"):
        load_points(tmp_path / "p.npz")
