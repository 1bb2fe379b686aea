"""How many errors readers make on pictures whose texts are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from chainrule.errors import FileError, InputError
from chainrule.io.pictures import open_picture
from chainrule.io.progress import Progress
from chainrule.reader.evaluation.readings import Read
from chainrule.reader.evaluation.scoring import Rates, Score, rates
from chainrule.reader.lines.labelled import Labelled, Skipped


@dataclass(frozen=True)
class Opened:
    """Labelled pictures, open."""

    lines: list[Labelled]
    pictures: list[Image.Image]


@dataclass(frozen=True)
class PictureRow:
    """One reader on the pictures of one folder or list."""

    reader: str
    source: str
    rates: Rates
    lines_per_second: float


def open_labelled(lines: Sequence[Labelled]) -> tuple[Opened, list[Skipped]]:
    """Open the pictures; those that cannot be opened are left out."""
    opened, skipped = Opened([], []), []
    for line in lines:
        try:
            picture = open_picture(line.file, ground="contrast")
        except (FileError, InputError) as error:
            skipped.append(Skipped(str(line.file), str(error)))
            continue
        opened.lines.append(line)
        opened.pictures.append(picture)
    return opened, skipped


def evaluate_pictures(
    readers: Mapping[str, Read],
    sources: Mapping[str, Opened],
    score: Score,
    progress: Progress | None = None,
) -> list[PictureRow]:
    """Give every reader the pictures of every source. Raises InputError if the score compares
    nothing of a source's texts."""
    rows: list[PictureRow] = []
    for source, opened in sources.items():
        texts = [line.text for line in opened.lines]
        for reader, read in readers.items():
            reading = read(opened.pictures, texts)
            speed = len(texts) / reading.seconds
            rows.append(PictureRow(reader, source, rates(reading.texts, texts, score), speed))
            if progress:
                progress(len(rows), len(sources) * len(readers))
    return rows
