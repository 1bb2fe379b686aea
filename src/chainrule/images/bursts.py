"""Pictures of one burst: taken shortly after each other, so that no split may part them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from chainrule.errors import FileError
from chainrule.images.collection import Collection
from chainrule.images.in_order import THREADS, in_order
from chainrule.io.checks import positive_number
from chainrule.io.decoding import identify
from chainrule.io.pictures import read_bytes

_EXIF_IFD, _TAKEN, _CREATED, _FRACTION, _MODEL = 0x8769, 0x9003, 0x0132, 0x9291, 0x0110


def with_bursts(collection: Collection, seconds: float) -> Collection:
    """The collection with a group for each run of pictures of one camera within `seconds`.

    The time is what the EXIF data say (DateTimeOriginal). Pictures without stay as they are.
    Raises InputError for a time that is not above 0.
    """
    positive_number("`--bursts`", seconds)
    taken = []
    for i, found in enumerate(in_order(collection.files, _taken, THREADS, ahead=64)):
        if not isinstance(found, FileError) and found is not None:
            taken.append((*found, i))
    group = list(collection.group or ("",) * len(collection.files))
    before: tuple[str, float] | None = None
    name = ""
    for camera, time, i in sorted(taken):
        if before is None or camera != before[0] or time - before[1] > seconds:
            name = f"burst of {collection.files[i]}"
        group[i] = group[i] or name
        before = camera, time
    return replace(collection, group=tuple(group) if any(group) else ())


def _taken(file: Path) -> tuple[str, float] | None:
    """The camera and the time in seconds; None where the file does not say."""
    image = identify(read_bytes(file))
    try:
        assert image is not None
        exif = image.getexif()
        inner = exif.get_ifd(_EXIF_IFD)
        text = str(inner.get(_TAKEN) or exif.get(_CREATED) or "").strip("\0 ")
        time = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        fraction = str(inner.get(_FRACTION, "")).strip("\0 ")
        part = float(f"0.{fraction}") if fraction.isdigit() else 0.0
        return str(exif.get(_MODEL, "")), time + part
    except Exception:  # whatever Pillow's readers raise of broken data: whoever reads it says so
        return None
