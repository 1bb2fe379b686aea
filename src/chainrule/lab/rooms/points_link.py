"""A run as a link: every setting by its name, own points packed, a check at the end.

    data=own&points=2.2.AAECAw...&hidden=7&rate=0.2&iterations=100000&seed=0&check=1f0c9a

Only what differs from the default stands in it. The own points are numbers with few decimals, as
those that were set by hand: their features, times a power of ten, are whole, and are packed with as
many bits as the largest needs, then their classes, one bit each.
"""

import base64
import csv
import hashlib
import io
import json
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np

from chainrule.errors import ChainruleError, InputError
from chainrule.io.files import write_text
from chainrule.lab.rooms.points_recipe import Recipe, read_recipe
from chainrule.lab.settings import Quotas
from chainrule.points.data import load_points

LONGEST = 2000
_MOST_DECIMALS = 6
_LARGEST = 1 << 16  # bytes of a file whose points might fit
# what a key of the link is called in the recipe
_KEYS = {
    "data": "data",
    "data-seed": "data_seed",
    "share": "validation_share",
    "standardize": "standardize",
    "hidden": "hidden",
    "rate": "learning_rate",
    "iterations": "iterations",
    "seed": "seed",
    "trial": "trial",
    "start": "initialization",
}


def write_link(recipe: Recipe, folder: Path, at: int | None = None) -> str | None:
    """The link of a recipe, without the address; None if its points do not fit in one.

    folder: of the own points; at: the iteration that it opens at.
    """
    default, pairs = Recipe(), []
    for key, name in _KEYS.items():
        value = getattr(recipe, name)
        if name == "data" and recipe.is_own:
            packed = _packed(recipe.file(folder))
            if packed is None:
                return None
            pairs += [("data", "own"), ("points", packed)]
        elif value != getattr(default, name):
            pairs.append((key, json.dumps(value) if not isinstance(value, str) else value))
    if at is not None:
        pairs.append(("at", str(at)))
    text = urlencode(pairs)
    text += f"{'&' if text else ''}check={_check(text)}"
    return text if len(text) < LONGEST - 100 else None  # room for the address


def read_link(text: Any, folder: Path, quotas: Quotas) -> tuple[Recipe, int | None]:
    """The recipe and the iteration of a link; its points become a file in `folder`.

    Raises InputError, with the key that is wrong.
    """
    if not isinstance(text, str) or len(text) > 4 * LONGEST:
        raise InputError(f"link: found none, or one of over {4 * LONGEST:,} characters")
    before, is_checked, check = text.rpartition("check=")
    found = _once(parse_qsl(before if is_checked else text, keep_blank_values=True))
    document: dict[str, Any] = {}
    for key, value in found.items():
        if key in _KEYS:
            document[_KEYS[key]] = _read(key, value, found.get("points", ""), folder, quotas)
        elif key not in ("at", "points"):
            raise InputError(
                f"link, key {key!r}: found a key that is not known; expected some of "
                f"{', '.join((*_KEYS, 'points', 'at', 'check'))}"
            )
    if is_checked and check != _check(before.rstrip("&")):
        raise InputError(
            f"link, key 'check': found {check[:20]!r}; expected the check of what stands before "
            "it: the link was changed or cut off"
        )
    recipe = read_recipe(document, quotas)
    if "at" not in found:
        return recipe, None
    at = found["at"]
    if not at.isascii() or not at.isdigit() or not int(at[:20]) <= recipe.iterations:
        raise InputError(
            f"link, key 'at': found {at[:20]!r}; expected an iteration from 0 to "
            f"{recipe.iterations:,}"
        )
    return recipe, int(at)


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"link, key {twice!r}: found it twice; expected it once")
    return found


def _read(key: str, value: str, points: str, folder: Path, quotas: Quotas) -> Any:
    """The value of one key of the recipe; what is wrong with it is said of the key."""
    if key == "data" and value == "own":
        key = "points"
    try:
        if key == "points":
            return _unpacked(points, folder, quotas)
        name = _KEYS[key]
        read = value if name in _WORDS else _value(value)
        read_recipe({name: read}, quotas)
    except (ChainruleError, ValueError, RecursionError) as error:
        raise InputError(f"link, key {key!r}: {error}") from error
    return read


_WORDS = ("data", "initialization")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"found {text[:20]!r}; expected a number, true or false") from error


def _check(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _packed(path: Path) -> str | None:
    """The points of a file as text, if few digits are enough for every bit of them."""
    if path.stat().st_size > _LARGEST:
        return None
    points = load_points(path)
    n, d = points.features.shape
    if n * d > 8 * LONGEST:
        return None
    for decimals in range(_MOST_DECIMALS + 1):
        whole = np.rint(points.features * 10**decimals)
        again = (whole + 0.0) / 10**decimals  # + 0.0: a whole number has no minus before a zero
        if np.abs(whole).max() < 2**52 and again.tobytes() == points.features.tobytes():
            break
    else:
        return None
    least = int(whole.min())
    bits = max(int(whole.max()) - least, 1).bit_length()
    shifted = (whole - least).astype(np.uint64).ravel()
    stream = (shifted[:, None] >> np.arange(bits, dtype=np.uint64)) & np.uint64(1)
    content = np.packbits(np.concatenate([stream.ravel().astype(bool), points.labels > 0]))
    body = base64.urlsafe_b64encode(content.tobytes()).decode().rstrip("=")
    head = f"{n}.{d}.{decimals}.{least}.{bits}"
    return f"{head}.{body}.{zlib.crc32(f'{head}.{body}'.encode()):08x}"


def _unpacked(text: str, folder: Path, quotas: Quotas) -> str:
    """Write the points of `_packed` as a file, and give what the recipe calls it."""
    before, _, check = text.rpartition(".")
    if check != f"{zlib.crc32(before.encode()):08x}":
        raise InputError("found points that were changed or cut off; expected the whole link")
    *head, body = before.split(".")
    n, d, decimals, least, bits = (int(part) for part in head)
    if not (0 < n <= quotas.points and 0 < d <= 1000 and 0 < bits <= 53 and 0 <= decimals <= 6):
        raise InputError(f"found {n:,} points with {d:,} features; expected fewer")
    content = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    stream = np.unpackbits(np.frombuffer(content, np.uint8))
    if len(stream) < n * (d * bits + 1):
        raise InputError("found too few points; expected the whole link")
    numbers = stream[: n * d * bits].reshape(n * d, bits).astype(np.int64) << np.arange(bits)
    features = (numbers.sum(axis=1) + least).reshape(n, d) / 10**decimals
    labels = stream[n * d * bits :][:n]
    return write_points(features, np.where(labels == 1, 1.0, -1.0), folder)


def write_points(features: np.ndarray, labels: np.ndarray, folder: Path) -> str:
    """Write points (n, d) with labels -1 and +1 as a file; give what the recipe calls it."""
    text = points_table(features, labels)
    name = f"own-{hashlib.sha256(text.encode()).hexdigest()}"
    folder.mkdir(exist_ok=True)
    if not (folder / f"{name}.csv").exists():
        write_text(folder / f"{name}.csv", text)
    return name


def points_table(
    features: np.ndarray, labels: np.ndarray, names: tuple[str, ...] = (), label: str = "label"
) -> str:
    """Points as CSV; every number has as many digits as give the same bits again."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(names or (f"x{k + 1}" for k in range(features.shape[1]))), label])
    for row, y in zip(features, labels, strict=True):
        writer.writerow([*(repr(float(value)) for value in row), int(y)])
    return text.getvalue()
