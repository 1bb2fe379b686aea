"""Other people's readers, to be measured beside ours: Tesseract 5 and RapidOCR."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chainrule.errors import InputError
from chainrule.reader.evaluation.error_rates import edit_distance
from chainrule.reader.evaluation.rendered import Pictures, Read, Reading, timed

SIZES = (32, 48, 64)  # px high; Tesseract gets each line at each
_BORDER = 10  # px of paper all round, which Tesseract's manual advises


def tesseract(processes: int = 2, alphabet: str | None = None) -> Read:
    """Tesseract 5 with `--psm 7` (one line), English, its usual model.

    The lines are shared among so many processes of one thread each, which is faster than threads in
    one. Every line is read at each of SIZES, and the reading with the fewest errors is taken, line
    by line, which is as good as a perfect choice of size could make it. The seconds are those of
    the fastest size, its start and files included. With an alphabet it reads no other characters.
    Raises InputError if the command is not there.
    """
    command = shutil.which("tesseract")
    if command is None:
        raise InputError(
            "the command tesseract is not there; expected Tesseract 5 (on Debian: apt-get install "
            "tesseract-ocr)"
        )

    def read(pictures: Pictures, truths: Sequence[str]) -> Reading:
        runs = [_tesseract(command, pictures, height, processes, alphabet) for height in SIZES]
        best = [
            _nearest([run.texts[place] for run in runs], truth)
            for place, truth in enumerate(truths)
        ]
        return Reading(best, min(run.seconds for run in runs))

    return read


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
        colours = [np.repeat(picture[:, :, None], 3, axis=2) for picture in pictures]
        found = recognizer(TextRecInput(img=colours)).txts
        return [text.lower() if small else text for text in found]

    return timed(texts)


def _nearest(texts: Sequence[str], truth: str) -> str:
    return min(texts, key=lambda text: edit_distance(" ".join(text.split()), truth))


def _tesseract(
    command: str, pictures: Pictures, height: int, processes: int, alphabet: str | None
) -> Reading:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(processes) as pool:
        lists = []
        for share in range(min(processes, len(pictures))):
            paths = []
            for number in range(share, len(pictures), processes):
                paths.append(str(Path(folder, f"{number}.png")))
                _bordered(pictures[number], height).save(paths[-1])
            lists.append(Path(folder, f"lines{share}.txt"))
            lists[-1].write_text("\n".join(paths) + "\n", encoding="utf-8")
        started = time.perf_counter()
        shares = list(pool.map(lambda listed: _read(command, listed, alphabet), lists))
        seconds = time.perf_counter() - started
    texts = [""] * len(pictures)
    for share, found in enumerate(shares):
        texts[share::processes] = found
    return Reading(texts, seconds)


def _read(command: str, listed: Path, alphabet: str | None) -> list[str]:
    """What one process, of one thread, makes of the files in a list."""
    known = ["-c", f"tessedit_char_whitelist={alphabet}"] if alphabet else []
    done = subprocess.run(
        [command, str(listed), "stdout", "--psm", "7", *known],
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


def _bordered(picture: NDArray[np.uint8], height: int) -> Image.Image:
    line = Image.fromarray(picture)
    width = max(1, round(line.width * height / line.height))
    larger = line.resize((width, height), Image.Resampling.BICUBIC)
    paper = int(np.median(np.concatenate([picture[0], picture[-1]])))
    bordered = Image.new("L", (width + 2 * _BORDER, height + 2 * _BORDER), paper)
    bordered.paste(larger, (_BORDER, _BORDER))
    return bordered
