"""Points: the half-moons, files and tables; and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import FileError, InputError, ShapeError
from chainrule.points import Points, double_moon, load_dataset, load_points, split


def test_points_say_what_does_not_fit(arrays_unchecked):
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2, 1\)"):
        Points(np.zeros((2, 1)), np.ones(3))
    with pytest.raises(InputError, match="NaN"):
        Points(np.array([[np.nan]]), np.ones(1))
    with pytest.raises(InputError, match="-1 and \\+1"):
        Points(np.zeros((1, 1)), np.zeros(1))


@given(
    n=st.integers(2, 400),
    radius=st.floats(0.1, 10),
    share=st.floats(0, 2),
    distance=st.floats(-5, 5),
    scale=st.floats(0.1, 10),
    seed=st.integers(0, 2**32),
)
def test_each_moon_lies_in_its_half_ring(n, radius, share, distance, scale, seed):
    width = share * radius
    moons = double_moon(n, radius=radius, width=width, distance=distance, scale=scale, seed=seed)
    assert len(moons) == n
    assert (moons.labels > 0).sum() == n // 2
    upper = moons.features[moons.labels < 0] / scale
    lower = moons.features[moons.labels > 0] / scale - [radius, -distance]
    slack = 1e-9 * (radius + abs(distance))
    for half_ring, side in ((upper, 1), (lower, -1)):
        rho = np.hypot(*half_ring.T)
        assert (rho >= radius - width / 2 - slack).all()
        assert (rho <= radius + width / 2 + slack).all()
        assert (side * half_ring[:, 1] >= -slack).all()


def test_the_same_seed_draws_the_same_moons_and_another_seed_others():
    assert (double_moon(seed=3).features == double_moon(seed=3).features).all()
    assert (double_moon(seed=3).features != double_moon(seed=4).features).any()
    a, b = load_dataset(seed=1), load_dataset(seed=1)
    assert (a.training.features == b.training.features).all()
    assert (a.training.features != a.validation.features).any()


CSV_FILES = {
    "names, label last": ("a,b,kind\n1,2,cat\n3,4,dog\n", ("a", "b"), ("cat", "dog")),
    "label first": ("label,a\n1,0.5\n0,-2\n", ("a",), ("0", "1")),
    "no names": ("1,2,9\n3,4,10\n", ("1", "2"), ("9", "10")),
    "semicolons": ("a;b;y\n1;2;-1\n3;4;1\n", ("a", "b"), ("-1", "1")),
    "tabs, blank lines": ("a\ty\n\n1\tp\n\n2\tq\n", ("a",), ("p", "q")),
    "quoted, byte order mark": ('\ufeff"a, b",y\n1,u\n2,v\n', ("a, b",), ("u", "v")),
    "numbers written differently": ("a,y\n1,1\n2,1.0\n3,2\n", ("a",), ("1", "2")),
}


@pytest.mark.parametrize("name", CSV_FILES)
def test_csv(tmp_path, name):
    text, features, classes = CSV_FILES[name]
    path = tmp_path / "points.csv"
    path.write_text(text, encoding="utf-8")
    points = load_points(path)
    assert points.feature_names == features
    assert points.class_names == classes


def test_csv_values_land_where_they_stood(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("kind,a,b\ny,1.5,-2e3\nx,0,7\ny,4,5\n")
    points = load_points(path, label="kind")
    assert points.features.tolist() == [[1.5, -2000.0], [0.0, 7.0], [4.0, 5.0]]
    assert points.labels.tolist() == [1.0, -1.0, 1.0]


def test_npz_takes_matrices_columns_and_words(tmp_path):
    path = tmp_path / "points.npz"
    np.savez(path, X=np.arange(6.0).reshape(3, 2), c=[7, 8, 9], y=np.array(["no", "yes", "no"]))
    points = load_points(path)
    assert points.feature_names == ("X[0]", "X[1]", "c")
    assert points.features[1].tolist() == [2.0, 3.0, 8.0]
    assert points.labels.tolist() == [-1.0, 1.0, -1.0]


BAD_CSV = {
    "one value": ("a,y\n1,p\n2,p\n", "holds 1 value"),
    "three values": ("a,y\n1,p\n2,q\n3,r\n", "holds 3 value.*p, q, r.*exactly two"),
    "not a number": ("a,y\n1,p\nx,q\n", "column 'a', point 2: found 'x'"),
    "NaN": ("a,y\nnan,p\n1,q\n", "column 'a', point 1: found 'nan'"),
    "infinity": ("a,y\n1,p\n-inf,q\n", "found '-inf'"),
    "empty cell": ("a,y\n,p\n1,q\n", "point 1: found ''"),
    "missing label": ("a,y\n1,\n1,q\n", "expected a label"),
    "empty file": ("", "empty file"),
    "only blank lines": ("\n\n", "empty file"),
    "names only": ("a,y\n", "no rows"),
    "ragged": ("a,b,y\n1,2,p\n1,q\n", "line 3: found 2 column"),
    "prose": ("Call me Ishmael\nSome years ago\n", "found one column"),
    "NUL": ("a,y\n1,\0\n", "no text"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_bad_csv_is_refused_in_one_sentence(tmp_path, name):
    text, sentence = BAD_CSV[name]
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(FileError, match=sentence) as caught:
        load_points(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_bad_files_are_refused(tmp_path):
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(FileError, match="no text"):
        load_points(picture)
    with pytest.raises(FileError, match="no such file"):
        load_points(tmp_path / "none.csv")
    with pytest.raises(FileError, match="a folder"):
        load_points(tmp_path)
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,0\n2,1\n")
    with pytest.raises(FileError, match=r"no column.*'kind'.*a, b"):
        load_points(table, label="kind")


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"x": np.zeros(2), "y": np.arange(3)},
        {"x": np.zeros((2, 2, 2)), "y": np.arange(2)},
        {"x": np.float64(1), "y": np.arange(2)},
        {"x": np.array([1, None], dtype=object), "y": np.arange(2)},
        {"x": np.array([1j, 2]), "y": np.arange(2)},
    ],
)
def test_bad_npz_is_refused(tmp_path, arrays):
    path = tmp_path / "points.npz"
    np.savez(path, **arrays)
    with pytest.raises(FileError, match=r"points\.npz.*expected"):
        load_points(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_cut_off_anywhere_is_refused(tmp_path, save):
    whole = tmp_path / "whole.npz"
    save(whole, x=np.arange(4.0), y=np.array([0, 1, 0, 1]))
    content = whole.read_bytes()
    path = tmp_path / "cut.npz"
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match="expected"):
            load_points(path)


def test_a_flipped_bit_in_an_npz_is_no_wrong_point(tmp_path):
    whole = tmp_path / "whole.npz"
    np.savez_compressed(whole, x=np.arange(4.0), y=np.array([0, 1, 0, 1]))
    points = load_points(whole)
    content = whole.read_bytes()
    path = tmp_path / "flipped.npz"
    for k in range(len(content)):
        flipped = bytearray(content)
        flipped[k] ^= 1 << k % 8
        path.write_bytes(flipped)
        try:
            found = load_points(path)
        except FileError:
            continue
        # bits that say nothing of the points, such as the date
        assert (found.features == points.features).all()
        assert (found.labels == points.labels).all()


@given(
    positives=st.integers(2, 40),
    negatives=st.integers(2, 40),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
)
def test_split_keeps_every_point_once_and_both_classes_on_both_sides(
    positives, negatives, share, seed
):
    labels = np.repeat([1.0, -1.0], [positives, negatives])
    points = Points(np.arange(len(labels), dtype=float)[:, None], labels)
    training, validation = split(points, share, seed=seed)
    together = np.concatenate([training.features, validation.features]).ravel()
    assert sorted(together) == list(range(len(labels)))
    for part in (training, validation):
        assert set(part.labels) == {-1.0, 1.0}
    for count, value in ((positives, 1.0), (negatives, -1.0)):
        assert abs((validation.labels == value).sum() - share * count) <= 1


def test_split_refuses_a_lonely_class_and_a_share_out_of_range():
    points = Points(np.zeros((3, 1)), np.array([1.0, 1.0, -1.0]))
    with pytest.raises(InputError, match="at least 2"):
        split(points)
    with pytest.raises(InputError, match="share"):
        split(points, 1.0)


def test_breast_cancer_is_scikit_learns_table_and_standardized_by_default():
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    points = load_points("breast_cancer")
    assert (points.features == table.data).all()
    assert ((points.labels > 0) == (table.target == 1)).all()
    assert points.class_names == ("malignant", "benign")
    dataset = load_dataset("breast-cancer")
    np.testing.assert_allclose(dataset.training.features.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(dataset.training.features.std(axis=0), 1)
    raw = load_dataset("breast-cancer", standardize=False)
    np.testing.assert_allclose(
        dataset.mean + dataset.scale * dataset.validation.features, raw.validation.features
    )


def test_a_constant_feature_is_no_division_by_zero(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("a,b,y\n" + "".join(f"{k},5,{k % 2}\n" for k in range(8)))
    assert (load_dataset(path).training.features[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n": 1}, "at least 2"),
        ({"radius": 0}, "radius"),
        ({"width": -1}, "width"),
        ({"width": 3}, "width"),
        ({"distance": np.inf}, "distance"),
        ({"scale": np.nan}, "scale"),
        ({"seed": -1}, "seed"),
    ],
)
def test_moons_refuse_settings_out_of_range(change, sentence):
    with pytest.raises(InputError, match=sentence):
        double_moon(**change)


def test_labels_that_have_no_order_are_refused():
    with pytest.raises(
        InputError, match=r"labels: found values that have no order .* expected num"
    ):
        Points.of([[1.0], [2.0]], np.array([0, "a"], dtype=object))
