"""What came before: bags of visual words and Fisher vectors of dense SIFT descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image

from chainrule.errors import FileError, InputError
from chainrule.images.in_order import THREADS, in_order
from chainrule.images.listing import Skipped
from chainrule.images.rows import Features
from chainrule.images.sift import dense_sift
from chainrule.io.pictures import read_picture
from chainrule.io.progress import Progress

WORDS = 500
GAUSSIANS = 64
COMPONENTS = 64
SAMPLED_PICTURES = 600
SAMPLED_DESCRIPTORS = 60_000


class Encoder(Protocol):
    """From a picture's descriptors (k, 128) and places (k, 2) to one vector."""

    def __call__(
        self, descriptors: np.ndarray, places: np.ndarray
    ) -> Float32[np.ndarray, " d"]: ...


@dataclass(frozen=True)
class BagOfVisualWords:
    """How often each visual word occurs, in the whole picture and in each of its quarters.

    Each histogram is brought to sum 1 and its root is taken (Hellinger's map: the linear kernel of
    roots is Hellinger's kernel of histograms).
    Source: Csurka et al., Visual categorization with bags of keypoints, 2004; Lazebnik, Schmid and
    Ponce, Beyond bags of features, 2006.
    """

    words: Float32[np.ndarray, "words 128"]

    def __call__(self, descriptors: np.ndarray, places: np.ndarray) -> np.ndarray:
        # |d - w|^2 = |d|^2 - 2 d'w + |w|^2, and |d|^2 is the same for every word
        nearest = np.argmax(descriptors @ self.words.T - (self.words**2).sum(1) / 2, axis=1)
        quarter = (places[:, 0] >= 0.5) + 2 * (places[:, 1] >= 0.5)
        regions = [nearest, *(nearest[quarter == q] for q in range(4))]
        histograms = [np.bincount(region, minlength=len(self.words)) for region in regions]
        roots = [np.sqrt(h / max(h.sum(), 1), dtype=np.float32) for h in histograms]
        return np.concatenate(roots)


@dataclass(frozen=True)
class FisherVector:
    """The derivative of the descriptors' log-likelihood under a mixture of Gaussians.

    With z the descriptor on its principal components (and its place, so that the mixture knows
    where in the picture things are), gamma_k(z) the share of Gaussian k (weight w, mean m,
    deviation s, diagonal), and the mean taken over a picture's descriptors:

        u_k = mean gamma_k (z - m_k)/s_k / sqrt(w_k)
        v_k = mean gamma_k (((z - m_k)/s_k)^2 - 1) / sqrt(2 w_k)

    then sign(f) sqrt(|f|) of every entry, and length 1.
    Source: Perronnin, Sanchez and Mensink, Improving the Fisher kernel for large-scale image
    classification, 2010; places as in Sanchez, Perronnin and de Campos, 2012.
    """

    centre: Float[np.ndarray, " 128"]
    axes: Float[np.ndarray, "components 128"]
    weights: Float[np.ndarray, " k"]
    means: Float[np.ndarray, "k d"]
    deviations: Float[np.ndarray, "k d"]

    def project(self, descriptors: np.ndarray, places: np.ndarray) -> np.ndarray:
        """z (n, d): principal components, then the place around the picture's middle."""
        z: np.ndarray = np.hstack([(descriptors - self.centre) @ self.axes.T, places - 0.5])
        return z

    def __call__(self, descriptors: np.ndarray, places: np.ndarray) -> np.ndarray:
        z = self.project(descriptors, places)
        precision = 1 / self.deviations**2
        log_share = (
            np.log(self.weights)
            - np.log(self.deviations).sum(1)
            - 0.5 * (z**2 @ precision.T - 2 * z @ (self.means * precision).T)
            - 0.5 * (self.means**2 * precision).sum(1)
        )
        share = np.exp(log_share - log_share.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        # sums over descriptors of gamma, gamma z, gamma z^2 give both derivatives
        n = len(z)
        s0, s1, s2 = share.sum(0)[:, None] / n, share.T @ z / n, share.T @ z**2 / n
        m, s, root = self.means, self.deviations, np.sqrt(self.weights)[:, None]
        u = (s1 - m * s0) / (s * root)
        v = (s2 - 2 * m * s1 + (m**2 - s**2) * s0) / (s**2 * root * np.sqrt(2))
        f = np.concatenate([u.ravel(), v.ravel()])
        f = np.sign(f) * np.sqrt(np.abs(f))
        length = max(float(np.linalg.norm(f)), 1e-12)
        return np.asarray(f / length, dtype=np.float32)


def fit_bag_of_words(files: Sequence[Path], seed: int, words: int = WORDS) -> BagOfVisualWords:
    """Find the words by k-means on descriptors drawn from `files`. Raises InputError if none."""
    from sklearn.cluster import MiniBatchKMeans

    descriptors, _ = _sample(files, seed)
    kmeans = MiniBatchKMeans(
        min(words, len(descriptors)), n_init=1, batch_size=4096, random_state=seed
    )
    kmeans.fit(descriptors)
    return BagOfVisualWords(kmeans.cluster_centers_.astype(np.float32))


def fit_fisher_vector(files: Sequence[Path], seed: int, gaussians: int = GAUSSIANS) -> FisherVector:
    """Fit the axes and the mixture to descriptors drawn from `files`. Raises InputError if none."""
    import warnings

    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    descriptors, places = _sample(files, seed)
    pca = PCA(min(COMPONENTS, len(descriptors) - 1), random_state=seed).fit(descriptors)
    z = np.hstack([pca.transform(descriptors), places - 0.5])
    mixture = GaussianMixture(
        min(gaussians, len(z) // 2),
        covariance_type="diag",
        init_params="k-means++",
        max_iter=30,
        reg_covar=1e-5,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # thirty steps are enough for a vocabulary, converged or not
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(z)
    return FisherVector(
        pca.mean_.astype(np.float32),
        pca.components_.astype(np.float32),
        mixture.weights_.astype(np.float32),
        mixture.means_.astype(np.float32),
        np.sqrt(mixture.covariances_).astype(np.float32),
    )


def encode_pictures(
    files: Sequence[Path],
    encoder: Encoder,
    *,
    threads: int = THREADS,
    progress: Progress | None = None,
) -> Features:
    """The encoder's vector of each picture that can be read."""
    values: list[np.ndarray] = []
    kept: list[int] = []
    skipped: list[Skipped] = []

    def encode(file: Path) -> np.ndarray:
        return encoder(*dense_sift(read_picture(file)))

    for i, result in enumerate(in_order(files, encode, threads, ahead=32)):
        if isinstance(result, FileError):
            skipped.append(Skipped(str(files[i]), str(result)))
        else:
            values.append(result)
            kept.append(i)
        if progress is not None:
            progress(i + 1, len(files))
    matrix = np.stack(values) if values else np.zeros((0, 0), dtype=np.float32)
    return Features(matrix, kept, skipped)


def _sample(files: Sequence[Path], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors and places drawn alike from up to `SAMPLED_PICTURES` of the files."""
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    chosen = [files[i] for i in generator.permutation(len(files))[:SAMPLED_PICTURES]]
    each = max(1, SAMPLED_DESCRIPTORS // max(len(chosen), 1))
    descriptors, places = [], []

    def describe(file: Path) -> tuple[np.ndarray, np.ndarray]:
        image: Image.Image = read_picture(file)
        return dense_sift(image)

    for result in in_order(chosen, describe, THREADS, ahead=32):
        if isinstance(result, FileError):
            continue
        drawn = generator.permutation(len(result[0]))[:each]
        descriptors.append(result[0][drawn])
        places.append(result[1][drawn])
    if sum(map(len, descriptors)) < 4:
        raise InputError(
            "no picture to learn visual words from; expected some that can be read in the "
            "training part"
        )
    return np.concatenate(descriptors), np.concatenate(places)
