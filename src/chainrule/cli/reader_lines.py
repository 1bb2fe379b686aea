"""`chainrule reader train --recipe lines`: a reader of lines, for one's own fonts or for all."""

import os
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.cli.output import print_json, progress


def train_lines(
    fonts: list[Path],
    built: Path | None,
    alphabet: str,
    other: dict[str, Any],
    start: Path | None,
    seed: int,
    out: Path,
    resume: bool,
    tensorboard: Path | None,
    as_json: bool,
) -> None:
    """Train a reader of lines and write it; see `chainrule reader train`.

    fonts: to go on with, from the reader `start` or the package's; else one is trained on the fonts
    of the file `built`, or the package's, from `start` or from nothing. other: settings other than
    the recipe's. One core draws lines, the others train.
    """
    import torch

    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.glyphs.lines import load_line_fonts, restrict
    from chainrule.io.files import make_folder
    from chainrule.reader.front_door import drawn_fonts
    from chainrule.reader.lines.training import ONWARD, SCRATCH, train_reader
    from chainrule.reader.model_file import load_reader, save_reader
    from chainrule.training import events

    characters = parse_alphabet(alphabet)
    if fonts:
        with progress("drawing glyphs", "fonts") as report:
            drawn, characters, dropped = drawn_fonts(fonts, alphabet, report)
        recipe = ONWARD
    else:
        characters += "" if " " in characters else " "
        drawn, dropped = [restrict(font, characters) for font in load_line_fonts(built)], []
        recipe = SCRATCH if start is None else replace(SCRATCH, short=None)
    first = load_reader(start) if fonts or start is not None else None
    recipe = replace(recipe, settings=replace(recipe.settings, **other))
    make_folder(out.parent)
    if not as_json:
        for name, why in dropped:
            print(f"dropped: {name}: {why}")
    cores = os.cpu_count() or 1
    workers = min(1, cores - 1)
    torch.set_num_threads(cores - workers)
    started = time.perf_counter()
    with (
        progress("training, lines", "lines") as report,
        events.tensorboard(tensorboard) if tensorboard else nullcontext() as tell,
    ):
        reader, trained = train_reader(
            drawn,
            characters,
            recipe,
            start=first,
            seed=seed,
            workers=workers,
            checkpoint=out.with_suffix(".checkpoint.safetensors"),
            resume=resume,
            progress=report,
            on_epoch=tell,
        )
    seconds = time.perf_counter() - started
    save_reader(out, reader)
    if as_json:
        history = [_line(line) for line in trained.history]
        print_json({"recipe": "lines", "seconds": seconds, "epochs": history, "file": str(out)})
        return
    held_out = len({font.family for font in drawn if font.validation})
    where = f"{held_out} held-out families" if held_out else "the same fonts"
    error = 100 * trained.history[-1]["character_errors_validation"]
    print(f"{out}: trained in {seconds:.1f} s on {len(drawn)} fonts")
    print(f"character error on lines of held-out words in {where}: {error:.2f} %")


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """An epoch as for letters: top-1 is the character error rate; there is no top-5."""
    return {
        "epoch": line["epoch"],
        "seconds": line["seconds"],
        "energy_train": line["energy_train"],
        "energy_validation": line["energy_validation"],
        "top1_train": line["character_errors_train"],
        "top1_validation": line["character_errors_validation"],
        "top5_train": None,
        "top5_validation": None,
    }
