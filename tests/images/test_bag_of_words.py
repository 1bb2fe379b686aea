import numpy as np
import pytest
from PIL import Image
from sklearn.metrics.pairwise import additive_chi2_kernel
from sklearn.mixture import GaussianMixture

from chainrule.errors import InputError
from chainrule.images.bag_of_words import (
    BagOfVisualWords,
    FisherVector,
    encode_pictures,
    fit_bag_of_words,
    fit_fisher_vector,
)
from chainrule.images.listing import list_pictures
from chainrule.images.sift import dense_sift


def test_descriptors_lie_on_a_grid_and_have_length_one(photographs):
    from chainrule.io.pictures import read_picture

    descriptors, places = dense_sift(read_picture(photographs["coffee"]))
    assert descriptors.shape == (len(places), 128)
    assert len(places) > 1000
    np.testing.assert_allclose((descriptors**2).sum(1), 1, atol=1e-4)
    assert places.min() > 0
    assert places.max() < 1


@pytest.mark.parametrize("size", [(1, 1), (30, 30), (5, 900), (900, 5)])
def test_any_size_has_descriptors(size):
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    descriptors, places = dense_sift(Image.fromarray(pixels))
    assert len(descriptors) == len(places) > 0
    assert np.isfinite(descriptors).all()


def test_a_turned_gradient_turns_the_descriptor():
    """Of a ramp along x every descriptor has one orientation in each of its bins."""
    ramp = np.tile(np.arange(128, dtype=np.uint8) * 2, (128, 1))
    # a quarter turn is two of the eight orientations; the picture's y points down
    for image, orientation in ((ramp, 0), (ramp.T.copy(), 6)):
        rgb = Image.fromarray(np.stack([image] * 3, axis=2))
        descriptors, places = dense_sift(rgb)
        inside = (np.abs(places - 0.5) < 0.1).all(1)
        by_orientation = (descriptors[inside] ** 2).reshape(-1, 16, 8).sum(1)
        assert (by_orientation[:, orientation] > 0.99).all()


def test_histograms_are_counts_of_the_nearest_words():
    generator = np.random.default_rng(0)
    words = generator.random((7, 128), dtype=np.float32)
    descriptors = generator.random((50, 128), dtype=np.float32)
    places = generator.random((50, 2), dtype=np.float32)
    vector = BagOfVisualWords(words)(descriptors, places)
    nearest = np.linalg.norm(descriptors[:, None] - words, axis=2).argmin(1)
    top_left = (places < 0.5).all(1)
    whole = np.bincount(nearest, minlength=7) / 50
    quarter = np.bincount(nearest[top_left], minlength=7) / top_left.sum()
    np.testing.assert_allclose(vector[:7] ** 2, whole, atol=1e-6)
    np.testing.assert_allclose(vector[7:14] ** 2, quarter, atol=1e-6)
    assert vector.shape == (35,)


def test_the_map_is_hellingers():
    """|root p - root q|^2 lies between half and all of chi-squared, as it does for histograms."""
    generator = np.random.default_rng(1)
    p, q = generator.dirichlet(np.ones(20), 2)
    distance = ((np.sqrt(p) - np.sqrt(q)) ** 2).sum()
    chi2 = -additive_chi2_kernel(p[None], q[None])[0, 0]
    assert chi2 / 2 - 1e-12 <= distance <= chi2 + 1e-12


def test_a_fisher_vector_is_the_derivative_of_the_log_likelihood():
    """Against central differences of scikit-learn's likelihood, before the root is taken."""
    generator = np.random.default_rng(2)
    fit_on = generator.normal(size=(400, 5)) + generator.integers(0, 3, (400, 1))
    mixture = GaussianMixture(3, covariance_type="diag", random_state=0).fit(fit_on)
    places = generator.random((40, 2)).astype(np.float32)
    descriptors = np.zeros((40, 128), dtype=np.float32)
    descriptors[:, :3] = generator.normal(size=(40, 3)) + 1
    encoder = FisherVector(
        np.zeros(128, dtype=np.float32),
        np.eye(3, 128, dtype=np.float32),
        mixture.weights_,
        mixture.means_,
        np.sqrt(mixture.covariances_),
    )
    ours = encoder(descriptors, places)
    z = encoder.project(descriptors, places)
    np.testing.assert_allclose(z, np.hstack([descriptors[:, :3], places - 0.5]))

    def likelihood(means, deviations):
        other = GaussianMixture(3, covariance_type="diag")
        other.weights_, other.means_ = mixture.weights_, means
        other.covariances_ = deviations**2
        other.precisions_cholesky_ = 1 / deviations
        return other.score_samples(z).mean()

    m, s = mixture.means_, np.sqrt(mixture.covariances_)
    dm, ds = np.zeros_like(m), np.zeros_like(s)
    step = 1e-5
    for index in np.ndindex(m.shape):
        e = np.zeros_like(m)
        e[index] = step
        dm[index] = (likelihood(m + e, s) - likelihood(m - e, s)) / (2 * step)
        ds[index] = (likelihood(m, s + e) - likelihood(m, s - e)) / (2 * step)
    # the normalisation by the root of Fisher's information: s / root w for means, s / root 2w
    root = np.sqrt(mixture.weights_)[:, None]
    f = np.concatenate([(dm * s / root).ravel(), (ds * s / (root * np.sqrt(2))).ravel()])
    f = np.sign(f) * np.sqrt(np.abs(f))
    np.testing.assert_allclose(ours, f / np.linalg.norm(f), atol=2e-4)


def test_fitted_encoders_tell_discs_from_squares(shapes):
    files = list_pictures(shapes)[0]
    for fit in (fit_bag_of_words, fit_fisher_vector):
        encoder = fit(files[::2], 0, 8)
        found = encode_pictures(files, encoder)
        again = encode_pictures(files, fit(files[::2], 0, 8))
        np.testing.assert_array_equal(found.values, again.values)
        means = found.values[:12].mean(0), found.values[12:].mean(0)
        assert np.linalg.norm(means[0] - means[1]) > 0.05


def test_no_picture_to_learn_from_is_said(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(InputError, match="no picture to learn visual words from"):
        fit_bag_of_words([tmp_path / "a.png"], 0)
