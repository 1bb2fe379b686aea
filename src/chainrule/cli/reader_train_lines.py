"""`chainrule reader train-lines`: a reader of lines, on one's own pictures or fonts, or on all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.keeping import keeps, resumed_from
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.cli.sharing import Shared, TrainOnOption, WorkersOption, shared_training
from chainrule.errors import InputError
from chainrule.io.checks import LARGEST_SEED

if TYPE_CHECKING:
    from chainrule.glyphs.lines import LineFont
    from chainrule.reader.lines.network import Size
    from chainrule.reader.reader import Reader
    from chainrule.training.state import RunOptions


@dataclass(frozen=True)
class LineOptions:
    """What trainings of lines have in common: settings other than the recipe's, who shares them,
    and where to."""

    settings: dict[str, Any]
    seed: int
    out: Path
    resume: bool
    tensorboard: Path | None
    as_json: bool
    shared: Shared
    folds: int | None = None
    device: str = "cpu"

    def checkpoint(self, fold: int | None = None) -> Path:
        """Where a training is kept: that of the model, or that of a fold."""
        kept = ".checkpoint.safetensors" if fold is None else f".fold{fold}.checkpoint.safetensors"
        return self.out.with_suffix(kept)

    @contextmanager
    def kept_and_watched(self, title: str, fold: int | None = None) -> "Iterator[RunOptions]":
        """How a training, or that of a fold, is kept beside the model's file, and shown under this
        title. Of trainings one after the other, those that were not begun begin."""
        from chainrule.training import events

        shown = self.tensorboard if self.shared.first else None
        kept, first = self.checkpoint(fold), self.checkpoint(1 if self.folds else None)
        with (
            keeps(resumed_from(kept), first, anew=not self.resume and kept == first)
            if self.shared.first
            else nullcontext(),
            progress(title, "lines") if self.shared.first else nullcontext() as report,
            events.tensorboard(shown) if shown else nullcontext() as tell,
        ):
            yield {
                "checkpoint": kept,
                "resume": self.resume and (not self.folds or kept.exists()),
                "progress": report,
                "on_epoch": tell,
                **self.shared.options,
            }


def train_lines(
    fonts: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Fonts, or folders of them, to draw lines in; can be given again.",
        ),
    ] = None,
    lines: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Pictures beside NAME.gt.txt, or a .csv, .tsv or .jsonl of file and text; can be "
            "given again.",
        ),
    ] = None,
    built: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Line fonts of `glyphs build --for-lines`, or `package` for the package's; can be "
            "given again: fonts related to one that the first file holds out are left out.",
        ),
    ] = None,
    look: Annotated[
        str | None,
        typer.Option(
            help="How drawn lines look: print, screen, scene, plate, display, counter; world for "
            "all of these, clean for some print and screens. With --lines they are mixed in.",
            show_default="plain lines",
        ),
    ] = None,
    alphabet: Annotated[
        str | None,
        typer.Option(
            help="The characters, or lowercase, letters, digits, alphanumeric, ascii or european "
            "for those. The space comes with it where the fonts have one.",
            show_default="of pictures that of their texts, else lowercase",
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="The reader to go on from; `fast` or `large` for one of the package's.",
            show_default="with --lines the package's, with --fonts its small one, with a --look "
            "its large one, else none",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="The network: small, medium, or large, which take about 1, 2 and 5 times as long.",
            show_default="that of --model, else small",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="Passes over the lines.", show_default="recipe's"),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="The largest step's factor.", show_default="recipe's")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="How that factor goes: constant, step, cosine, one-cycle or two-cycles.",
            show_default="one-cycle",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="All that is random follows from it.")
    ] = 0,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=2,
            max=100,
            help="With --lines: judge by all pictures, each read by a reader that learned the "
            "other K - 1 parts of them, then learn all.",
            show_default="a quarter is held out",
        ),
    ] = None,
    peers: Annotated[
        bool, typer.Option(help="With --lines: have Tesseract and RapidOCR read what is held out.")
    ] = True,
    out: Annotated[Path, typer.Option(help="The model's file (.safetensors).")] = Path(
        "lines.safetensors"
    ),
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where a run with the same options was stopped."),
    ] = False,
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the history there as TensorBoard events, too."),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            help="Where the steps are taken: cpu, or cuda for a GPU, in larger batches and epochs; "
            "all cores but one draw lines for it."
        ),
    ] = "cpu",
    on: TrainOnOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a network that reads lines, for `reader read`; judged by the character error rate.

    With --lines it learns your own pictures, on from the package's reader; a quarter of them (by
    group, where a list has a column group) is held out, and the error on these is printed before
    and after, beside Tesseract's and RapidOCR's. --folds 4 judges by all of them, in four
    trainings, and then learns all: five times as long. With --fonts it learns lines drawn in your
    fonts. Without either a reader is trained from nothing on the package's fonts, or on those of
    --built.

    Beside the model's file MODEL.safetensors, MODEL.checkpoint.safetensors holds the run after its
    last whole epoch: `--resume` goes on from there; with --lines MODEL.worst.png shows the held-out
    pictures that are read worst.

    Started by `torchrun -m chainrule reader train-lines ...`, several processes share each batch;
    with --on those of a Ray cluster do.

    Example: chainrule reader train-lines --lines my-pictures --out meter.safetensors

    Example: chainrule reader train-lines --lines my-pictures --folds 4 --out meter.safetensors

    Example: chainrule reader train-lines --fonts my-fonts --alphabet digits --out my.safetensors
    """
    from chainrule.io.devices import check_device
    from chainrule.io.files import check_output_file

    if folds is not None and not lines:
        raise InputError(f"--folds: found {folds} without --lines; expected them together")
    if built is not None and (fonts or lines):
        raise InputError("--built is given with --fonts or --lines; expected it alone")
    check_device(device)
    if device != "cpu" and (lines or on):
        raise InputError(f"--device {device} is given with --lines or --on; expected it alone")
    given = {"epochs": epochs, "learning_rate": learning_rate, "schedule": schedule}
    other: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with shared_training(on, workers) as shared:
        if shared.first:
            check_output_file(out, ".safetensors")
        options = LineOptions(other, seed, out, resume, tensorboard, as_json, shared, folds, device)
        if lines:
            from chainrule.cli.reader_own_pictures import train_on_own

            train_on_own(lines, fonts or [], alphabet, look, start, peers, options)
            return
        _train_drawn(fonts or [], built, alphabet or "lowercase", (look, size), start, options)


def _train_drawn(
    fonts: list[Path],
    built: list[Path] | None,
    alphabet: str,
    kind: tuple[str | None, str | None],
    start: Path | None,
    options: LineOptions,
) -> None:
    """Train a reader on drawn lines. One core draws lines, the others train; processes that share
    the training draw their part themselves."""
    import torch

    from chainrule.io.cores import available_cores
    from chainrule.reader.lines.training import ONWARD, ONWARD_LARGE, SCRATCH, on_gpu, train_reader
    from chainrule.reader.model_file import FAST, LARGE, load_reader, save_reader

    quiet = options.as_json or not options.shared.first
    drawn, characters = _drawn(fonts, built, alphabet, quiet)
    look, size = kind
    usual = LARGE if look is not None and size in (None, "large") else FAST
    first = load_reader(start or usual) if fonts or start is not None else None
    recipe = SCRATCH if first is None else replace(SCRATCH, short=None)
    if fonts and first is not None:
        recipe = ONWARD_LARGE if first.size == "large" else ONWARD
    recipe = recipe if options.device == "cpu" else on_gpu(recipe)
    recipe = replace(
        recipe,
        settings=replace(recipe.settings, **options.settings),
        looks=_looks(look),
        size=_size(size, first),
    )
    cores = available_cores()
    alone = options.shared.options.get("executor") is None
    workers = (min(1, cores - 1) if options.device == "cpu" else cores - 1) if alone else 0
    torch.set_num_threads(max(1, cores - workers))
    started = time.perf_counter()
    with options.kept_and_watched("training, lines") as kept:
        reader, trained = train_reader(
            drawn,
            characters,
            recipe,
            start=first,
            seed=options.seed,
            workers=workers,
            device=options.device,
            **kept,
        )
    if not options.shared.first:
        return
    seconds = time.perf_counter() - started
    save_reader(options.out, reader)
    if options.as_json:
        history = [_line(line) for line in trained.history]
        print_json(
            {"recipe": "lines", "seconds": seconds, "epochs": history, "file": str(options.out)}
        )
        return
    print(f"{options.out}: trained in {seconds:.1f} s on {len(drawn)} fonts")
    _print_error(drawn, trained.history[-1]["character_errors_validation"])


def _print_error(drawn: "list[LineFont]", error: float) -> None:
    held_out = len({font.family for font in drawn if font.validation})
    where = f"{held_out} held-out families" if held_out else "the same fonts"
    print(f"character error on lines of held-out words in {where}: {error:.2%}")


def _drawn(
    fonts: list[Path], built: list[Path] | None, alphabet: str, quiet: bool
) -> "tuple[list[LineFont], str]":
    """The fonts of files and folders, or built ones, and the characters of the lines."""
    from chainrule.reader.front_door import drawn_fonts

    if fonts:
        with progress("drawing glyphs", "fonts") as report:
            drawn, characters, dropped = drawn_fonts(fonts, alphabet, report)
    else:
        drawn, characters, dropped = _built_fonts(built or [Path("package")], alphabet)
    for name, why in [] if quiet else dropped:
        print(f"dropped: {name}: {why}")
    return drawn, characters


def _built_fonts(
    built: list[Path], alphabet: str
) -> "tuple[list[LineFont], str, list[tuple[str, str]]]":
    """The fonts of some files, each once, the alphabet, and what is left out with the reason.

    Those of one file draw all of the alphabet. Of several each draws what it has of it, and those
    of all files but the first are for training, without the families that are related to one that
    the first holds out.
    """
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.glyphs.lines import load_line_fonts, restrict
    from chainrule.glyphs.related import unrelated

    characters = parse_alphabet(alphabet)
    first, *others = (load_line_fonts(None if str(file) == "package" else file) for file in built)
    if " " not in characters and all(" " in font.index for font in first):
        characters += " "
    if not others:
        return [restrict(font, characters) for font in first], characters, []
    more = {font.name: replace(font, validation=False) for fonts in others[::-1] for font in fonts}
    kept, left_out = unrelated(
        [font for name, font in more.items() if name not in {one.name for one in first}],
        [font for font in first if font.validation],
    )
    return [*first, *kept], characters, left_out


def _looks(look: str | None) -> dict[str, float]:
    """How often each look is drawn: nine lines of ten in the one, or those of a mixture."""
    from chainrule.glyphs.looks import LOOKS
    from chainrule.io.checks import one_of
    from chainrule.reader.lines.training import CLEAN, WORLD

    if look is None:
        return {}
    mixtures = {"world": WORLD, "clean": CLEAN}
    if look in mixtures:
        return dict(mixtures[look])
    return {one_of("look", look, [*LOOKS, *mixtures]): 0.9}


def _size(size: str | None, first: "Reader | None") -> "Size":
    from typing import get_args

    from chainrule.io.checks import one_of
    from chainrule.reader.lines.network import Size

    sizes: tuple[Size, ...] = get_args(Size)
    if size is None:
        return "small" if first is None else first.size
    return sizes[sizes.index(one_of("size", size, sizes))]


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
