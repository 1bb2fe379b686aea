"""The same photograph more than once: equal files, and copies of another size, quality or cut."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from chainrule.errors import FileError, InputError
from chainrule.images.collection import Collection
from chainrule.images.in_order import THREADS, in_order
from chainrule.images.listing import Skipped
from chainrule.io.names import shown
from chainrule.io.pictures import PictureSource, open_picture, read_bytes
from chainrule.io.progress import Progress

SIDE = 32  # pixels of the thumbnail that the perceptual hash is of
HASH_BITS = 8  # of 64: copies of JPEG quality 5 or 1.3 times the brightness differ in 6 to 8
SAME_LOOK = 0.97  # correlation of two thumbnails of one photograph
EVEN = 8.0  # the deviation of a thumbnail's shades below which it is an even area
SHADES = 1.0  # by which two even areas may differ
ALIKE = 0.75  # cosine of the features of a picture and its cut: those are looked at
NEIGHBOURS = 3  # that are looked at, of each picture
MOST_PAIRS = 4000  # that are looked at in all, the most alike
MATCHES = 25  # points of the one picture that lie in the other as one turn, scale and shift have it
AREA = 0.05  # of the picture that these span: a date stamp matches too, but in one corner
_BITS = np.array([byte.bit_count() for byte in range(256)])  # that are 1 in each byte
_LONGEST = 320  # a picture's side, pixels, when points are looked for


def without_copies(collection: Collection) -> Collection:
    """One picture of each content: equal files are used once.

    Of the copies a test picture stays, else the first. The classes of copies are united; but where
    a picture shows one class only (`collection.exclusive`), copies of several classes contradict
    each other, and are all left out.

    Raises InputError if a class, or a part, is left without a picture.
    """
    kept: list[int] = []
    skipped: list[Skipped] = []
    truth = collection.truth.copy()
    for copies in equal_files(collection.files):
        first = min(copies, key=lambda i: (collection.part[i] != "test", i))
        others = [i for i in copies if i != first]
        name = shown(collection.files[first])
        if (truth[others] == truth[first]).all():
            kept.append(first)
            skipped += [_same(collection, i, f"the same picture as {name}") for i in others]
        elif not collection.exclusive:
            kept.append(first)
            truth[first] = truth[copies].max(0)
            skipped += [
                _same(collection, i, f"the same picture as {name}, with other classes: united")
                for i in others
            ]
        else:
            skipped += [
                _same(
                    collection, i, f"the same picture is {_classes(collection, copies)}: left out"
                )
                for i in copies
            ]
    result = replace(collection, truth=truth).taken(sorted(kept), skipped)
    _check_all_there(collection, result)
    return result


def near_duplicates(
    files: Sequence[PictureSource],
    features: Float[np.ndarray, "n d"] | None = None,
    progress: Progress | None = None,
) -> list[list[int]]:
    """Groups of pictures that show the same photograph, each in order; most pictures are in none.

    Two are the same if their perceptual hashes differ in at most `HASH_BITS` bits and their
    thumbnails correlate: another size, quality, comment or brightness. With features (of length 1)
    cuts are found too: of the nearest neighbours, those of which `MATCHES` points or more of the
    one lie in the other as one turn, scale and shift have it.

    Source: Zauner, Implementation and benchmarking of perceptual image hash functions, 2010; Lowe,
    Distinctive image features from scale-invariant keypoints, 2004.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = set(_alike_by_hash(files, progress))
    if features is not None:
        pairs |= _alike_by_points(files, features, pairs)
    rows, columns = np.array(sorted(pairs), dtype=np.intp).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(files), len(files)))
    _, label = connected_components(graph, directed=False)
    members: dict[int, list[int]] = {}
    for i in sorted({*rows.tolist(), *columns.tolist()}):
        members.setdefault(int(label[i]), []).append(i)
    return sorted(members.values())


def kept_together(collection: Collection, groups: Iterable[Sequence[int]]) -> Collection:
    """The collection with each of `groups` in one group, joined with those that it has.

    Where the collection has parts, the pictures of the training part that are the same as one of
    the test part are left out. Raises InputError if none is left.
    """
    names = list(collection.group or [""] * len(collection.files))
    left_out: dict[int, Skipped] = {}
    for number, members in enumerate(groups):
        own = {names[i] for i in members if names[i]}
        name = min(own) if own else f"\0{number}"
        names = [name if i in members or n in own else n for i, n in enumerate(names)]
        test = [i for i in members if collection.part[i] == "test"]
        for i in members if test else ():
            if collection.part[i] == "train":
                other = shown(collection.files[test[0]])
                left_out[i] = _same(collection, i, f"nearly the same picture as {other}, a test's")
    kept = [i for i in range(len(names)) if i not in left_out]
    result = replace(collection, group=tuple(names) if any(names) else ())
    result = result.taken(kept, list(left_out.values()))
    if left_out:
        _check_all_there(collection, result)
    return result


def equal_files(files: Sequence[Path]) -> list[list[int]]:
    """Pictures of equal bytes; one that cannot be read stands alone."""
    groups: dict[bytes, list[int]] = {}

    def digest(file: Path) -> bytes:
        return blake2b(read_bytes(file), digest_size=16).digest()

    for i, found in enumerate(in_order(files, digest, THREADS, ahead=64)):
        # whoever reads the picture says what is wrong with it
        key = str(i).encode() if isinstance(found, FileError) else found
        groups.setdefault(key, []).append(i)
    return list(groups.values())


def _alike_by_hash(
    files: Sequence[PictureSource], progress: Progress | None
) -> list[tuple[int, int]]:
    thumbnails: list[UInt8[np.ndarray, "side side"]] = []
    hashes: list[int] = []
    index: list[int] = []

    for i, found in enumerate(in_order(files, _thumbnail, THREADS, ahead=64)):
        if not isinstance(found, FileError):
            thumbnails.append(found)
            hashes.append(_perceptual_hash(found))
            index.append(i)
        if progress is not None:
            progress(i + 1, len(files))
    codes = np.array(hashes, dtype=np.uint64)
    pairs = []
    for a in range(len(codes)):
        bits = _BITS[(codes[a + 1 :] ^ codes[a]).view(np.uint8).reshape(-1, 8)].sum(1)
        for b in (np.flatnonzero(bits <= HASH_BITS) + a + 1).tolist():
            if _same_look(thumbnails[a], thumbnails[b]):
                pairs.append((index[a], index[b]))
    return pairs


def _thumbnail(file: PictureSource) -> UInt8[np.ndarray, "side side"]:
    picture = open_picture(file, at_least=2 * SIDE).convert("L")
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _perceptual_hash(thumbnail: UInt8[np.ndarray, "side side"]) -> int:
    import imagehash

    return int(str(imagehash.phash(Image.fromarray(thumbnail))), 16)


def _same_look(a: UInt8[np.ndarray, "side side"], b: UInt8[np.ndarray, "side side"]) -> bool:
    x, y = (v.astype(np.float64).ravel() - v.mean() for v in (a, b))
    contrast = min(x.std(), y.std())
    if contrast < EVEN:
        # a wall or a sky has no look of its own: only the shades can tell
        return float(np.abs(a.astype(float) - b).mean()) <= SHADES
    return float(x @ y) >= SAME_LOOK * float(np.linalg.norm(x) * np.linalg.norm(y))


def _alike_by_points(
    files: Sequence[PictureSource], features: Float[np.ndarray, "n d"], known: set[tuple[int, int]]
) -> set[tuple[int, int]]:
    candidates = [pair for pair in _nearest_pairs(features) if pair not in known][:MOST_PAIRS]
    wanted = sorted({i for pair in candidates for i in pair})
    points: dict[int, _Points] = {}
    read = in_order([files[i] for i in wanted], _points, THREADS, ahead=64)
    for i, found in zip(wanted, read, strict=True):
        if not isinstance(found, FileError):
            points[i] = found
    return {
        (a, b)
        for a, b in candidates
        if a in points and b in points and _match(points[a], points[b])
    }


def _nearest_pairs(features: Float[np.ndarray, "n d"]) -> list[tuple[int, int]]:
    """The nearest neighbours that are `ALIKE`, the most alike pair first."""
    found: dict[tuple[int, int], float] = {}
    block = 1024
    for start in range(0, len(features), block):
        cosine = features[start : start + block] @ features.T
        cosine[np.arange(len(cosine)), np.arange(start, start + len(cosine))] = -1.0
        near = np.argpartition(-cosine, min(NEIGHBOURS, cosine.shape[1] - 1), axis=1)[
            :, :NEIGHBOURS
        ]
        for row, columns in enumerate(near):
            for column in columns.tolist():
                if cosine[row, column] >= ALIKE:
                    a, b = sorted((start + row, column))
                    found[a, b] = float(cosine[row, column])
    return sorted(found, key=lambda pair: -found[pair])


_Points = tuple[np.ndarray, np.ndarray, float]  # places (k, 2), descriptors (k, 128), area


def _points(file: PictureSource) -> _Points:
    import cv2

    picture = open_picture(file, at_least=_LONGEST).convert("L")
    scale = _LONGEST / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    grey = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    found, descriptors = cv2.SIFT.create(500).detectAndCompute(grey, None)
    places = np.array([point.pt for point in found], dtype=np.float32).reshape(-1, 2)
    if descriptors is None:
        descriptors = np.zeros((0, 128), dtype=np.float32)
    return places, np.asarray(descriptors), float(width * height)


def _match(a: _Points, b: _Points) -> bool:
    import cv2

    (places_a, descriptors_a, area_a), (places_b, descriptors_b, area_b) = a, b
    if min(len(places_a), len(places_b)) < MATCHES:
        return False
    nearest = cv2.BFMatcher().knnMatch(descriptors_a, descriptors_b, k=2)
    good = [pair[0] for pair in nearest if pair[0].distance < 0.75 * pair[1].distance]
    if len(good) < MATCHES:
        return False
    from_, to = places_a[[m.queryIdx for m in good]], places_b[[m.trainIdx for m in good]]
    _, inside = cv2.estimateAffinePartial2D(from_, to, ransacReprojThreshold=4.0)
    if inside is None or inside.sum() < MATCHES:
        return False
    spans = (
        cv2.contourArea(cv2.convexHull(places[inside.ravel() == 1])) / area
        for places, area in ((from_, area_a), (to, area_b))
    )
    return min(spans) >= AREA


def _same(collection: Collection, i: int, reason: str) -> Skipped:
    return Skipped(str(collection.files[i]), reason)


def _classes(collection: Collection, copies: Sequence[int]) -> str:
    return " and ".join(
        f"{shown(collection.classes[c])} ({shown(collection.files[i])})"
        for i in copies
        for c in np.flatnonzero(collection.truth[i] == 1)
    )


def _check_all_there(before: Collection, after: Collection) -> None:
    if any(before.part) and "train" in before.part and "train" not in after.part:
        raise InputError(
            "every picture of the training part is in the test part too; expected other pictures "
            "to test on"
        )
    lost = (before.truth == 1).any(0) & ~(after.truth == 1).any(0)
    if lost.any():
        name = before.classes[int(np.argmax(lost))]
        raise InputError(
            f"every picture of class {name!r} is in another class too; expected classes that differ"
        )
