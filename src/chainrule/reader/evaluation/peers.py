"""Other people's readers, to be measured beside ours: Tesseract 5 and RapidOCR."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from chainrule.errors import InputError
from chainrule.io.pictures import open_picture
from chainrule.io.temporary import temporary_folder
from chainrule.reader.evaluation.error_rates import edit_distance
from chainrule.reader.evaluation.readings import Pictures, Read, Reading, timed

HEIGHTS = (32, 48, 64)
"""Pixels, of rendered lines: Tesseract reads each at each, and the best reading counts."""

_BORDER = 10  # px of paper all round, which Tesseract's manual advises


def tesseract(
    processes: int = 2,
    alphabet: str | None = None,
    heights: Sequence[int | None] = (None,),
) -> Read:
    """Tesseract 5 with `--psm 7` (one line), English, its usual model.

    The lines are shared among so many processes of one thread each, which is faster than threads in
    one. It gets each picture with a border of its paper, as it is (None) or scaled to a height in
    pixels. Of several heights the reading with the fewest errors is taken, line by line, which is
    as good as a perfect choice of size could make it; the seconds are those of the fastest, its
    start and files included. With an alphabet it reads no other characters. Raises InputError if
    the command is not there.
    """
    command = _command()

    def read(pictures: Pictures, truths: Sequence[str]) -> Reading:
        opened = [open_picture(picture) for picture in pictures]
        runs = [
            _tesseract(command, [_bordered(one, height) for one in opened], processes, alphabet)
            for height in heights
        ]
        best = [
            _nearest([run.texts[place] for run in runs], truth)
            for place, truth in enumerate(truths)
        ]
        return Reading(best, min(run.seconds for run in runs))

    return read


def tesseract_pages(processes: int = 2) -> Callable[[Pictures], list[str]]:
    """The same with `--psm 3`, for pages, each as it is. Raises InputError as that does."""
    command = _command()

    def read(pages: Pictures) -> list[str]:
        opened = [open_picture(page) for page in pages]
        return list(_tesseract(command, opened, processes, None, mode=3).texts)

    return read


def _command() -> str:
    command = shutil.which("tesseract")
    if command is None:
        raise InputError(
            "the command tesseract is not there; expected Tesseract 5 (on Debian: apt-get install "
            "tesseract-ocr)"
        )
    return command


def rapidocr(threads: int = 2, alphabet: str | None = None) -> Read:
    """RapidOCR's recognition only, with the model in its wheel, in batches as it makes them.

    With an alphabet without capitals its text is put in small letters. Raises InputError if the
    package is not installed.
    """
    try:
        from rapidocr import RapidOCR
        from rapidocr.ch_ppocr_rec import TextRecInput
    except ImportError:
        raise InputError(
            "the package rapidocr is not installed; expected it (pip install 'chainrule[peers]')"
        ) from None
    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
        }
    )

    # the recognition is made when it is first asked for
    engine(np.full((32, 64, 3), 255, np.uint8), use_det=False, use_cls=False, use_rec=True)
    recognizer: Any = engine.text_rec
    small = alphabet is not None and alphabet == alphabet.lower()

    def texts(pictures: Pictures) -> list[str]:
        # OpenCV's order of colours: blue first
        colours = [np.asarray(open_picture(one))[..., ::-1].copy() for one in pictures]
        found = recognizer(TextRecInput(img=colours)).txts
        return [text.lower() if small else text for text in found]

    return timed(texts)


def _nearest(texts: Sequence[str], truth: str) -> str:
    return min(texts, key=lambda text: edit_distance(" ".join(text.split()), truth))


def _tesseract(
    command: str,
    images: Sequence[Image.Image],
    processes: int,
    alphabet: str | None,
    mode: int = 7,
) -> Reading:
    with temporary_folder() as folder, ThreadPoolExecutor(processes) as pool:
        lists = []
        for share in range(min(processes, len(images))):
            paths = []
            for number in range(share, len(images), processes):
                paths.append(str(folder / f"{number}.png"))
                images[number].save(paths[-1])
            lists.append(folder / f"lines{share}.txt")
            lists[-1].write_text("\n".join(paths) + "\n", encoding="utf-8")
        started = time.perf_counter()
        shares = list(pool.map(lambda listed: _read(command, listed, alphabet, mode), lists))
        seconds = time.perf_counter() - started
    texts = [""] * len(images)
    for share, found in enumerate(shares):
        texts[share::processes] = found
    return Reading(texts, seconds)


def _read(command: str, listed: Path, alphabet: str | None, mode: int) -> list[str]:
    """What one process, of one thread, makes of the files in a list."""
    known = ["-c", f"tessedit_char_whitelist={alphabet}"] if alphabet else []
    done = subprocess.run(
        [command, str(listed), "stdout", "--psm", str(mode), *known],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    expected = len(listed.read_text(encoding="utf-8").splitlines())
    texts = done.stdout.split("\f")[:expected]
    if done.returncode or len(texts) != expected:
        raise InputError(
            f"tesseract gave {len(texts)} texts and exit code {done.returncode}; expected "
            f"{expected} texts ({done.stderr.strip()[-200:]})"
        )
    return [text.strip() for text in texts]


def _bordered(picture: Image.Image, height: int | None) -> Image.Image:
    if height is not None:
        width = max(1, round(picture.width * height / picture.height))
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    shades = np.asarray(picture)
    paper = np.median(np.concatenate([shades[0], shades[-1]]), axis=0)
    size = picture.width + 2 * _BORDER, picture.height + 2 * _BORDER
    bordered = Image.new("RGB", size, tuple(int(shade) for shade in paper))
    bordered.paste(picture, (_BORDER, _BORDER))
    return bordered
