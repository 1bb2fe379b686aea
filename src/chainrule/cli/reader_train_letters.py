"""`chainrule reader train-letters`: the network of single letters, on letters of many fonts."""

import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.glyphs import LettersOption
from chainrule.cli.keeping import keeps, resumed_from
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.cli.sharing import TrainOnOption, WorkersOption, shared_training
from chainrule.io.checks import LARGEST_SEED

if TYPE_CHECKING:
    from chainrule.training.state import RunOptions

_FIGURES = (
    "energy_train",
    "energy_validation",
    "top1_train",
    "top1_validation",
    "top5_train",
    "top5_validation",
)


class RecipeName(StrEnum):
    """The names of `chainrule.reader.letters.recipes.RECIPES`."""

    FAST = "fast"
    ORIGINAL = "original"


def train_letters(
    recipe: Annotated[
        RecipeName,
        typer.Option(help="original: as it was published. fast: sooner, to a smaller error."),
    ] = RecipeName.FAST,
    jitter: Annotated[
        bool, typer.Option("--jitter", help="Put neighbours beside each letter, and shift it.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="All that is random follows from it.")
    ] = 0,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="Passes over the letters.", show_default="recipe's"),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="The largest step's factor.", show_default="recipe's")
    ] = None,
    letters: LettersOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The model's file (.safetensors).", show_default="letters-RECIPE.safetensors"
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where a run with the same options was stopped."),
    ] = False,
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the history there as TensorBoard events, too."),
    ] = None,
    on: TrainOnOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train the network that reads single letters; lines: train-lines.

    32x32 letters in, scores for each class out; judged by the top-1 and top-5 error.

    Trains on the training families and judges on the others after each epoch. Beside the model's
    file MODEL.safetensors, MODEL.checkpoint.safetensors holds the run after its last whole epoch:
    `--resume` goes on from there, to the same bits.

    Started by `torchrun -m chainrule reader train-letters ...`, several processes share each batch;
    with --on those of a Ray cluster do.

    Example: chainrule reader train-letters --recipe original --jitter --out letters.safetensors
    """
    from chainrule.glyphs.letters import load_letters
    from chainrule.io.files import check_output_file
    from chainrule.reader.letters import recipes
    from chainrule.reader.letters.files import save_letter_network

    out = out or Path(f"letters-{recipe}.safetensors")
    given = {"epochs": epochs, "learning_rate": learning_rate}
    other: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    chosen = recipes.find_recipe(recipe)
    chosen = replace(chosen, settings=replace(chosen.settings, **other))
    data = load_letters(letters)
    started = time.perf_counter()
    with ExitStack() as stack:
        shared = stack.enter_context(shared_training(on, workers))
        if shared.first:
            check_output_file(out, ".safetensors")
        listeners: list[Any] = [] if as_json else [_print_epoch]

        def tell(line: dict[str, Any], parameters: Any) -> None:
            for listen in listeners:
                listen(line, parameters)

        if tensorboard is not None and shared.first:
            from chainrule.training import events

            listeners.append(stack.enter_context(events.tensorboard(tensorboard)))
        watched = progress(f"training, {recipe}", "letters") if shared.first else nullcontext()
        checkpoint = out.with_suffix(".checkpoint.safetensors")
        if shared.first:
            stack.enter_context(keeps(resumed_from(checkpoint), checkpoint, anew=not resume))
        options: RunOptions = {
            "checkpoint": checkpoint,
            "resume": resume,
            "progress": stack.enter_context(watched),
            "on_epoch": tell,
            **shared.options,
        }
        found = recipes.train_letters(data, chosen, seed=seed, jitter=jitter, **options)
    if not shared.first:
        return
    seconds = time.perf_counter() - started
    save_letter_network(out, found, chosen.name)
    if as_json:
        history = [
            {key: line[key] for key in ("epoch", "seconds", *_FIGURES)}
            for line in found.trained.history
        ]
        print_json({"recipe": chosen.name, "seconds": seconds, "epochs": history, "file": str(out)})
    else:
        print(f"{out}: trained in {seconds:.1f} s")


def _print_epoch(line: dict[str, Any], parameters: Any) -> None:
    if line["epoch"] == 1:
        print("epoch  seconds  letters/s |  energy         top-1 error      top-5 error")
        print("                          |  train  valid.  train   valid.   train   valid.")
    energies = " ".join(f"{line[name]:7.4f}" for name in _FIGURES[:2])
    errors = " ".join(f"{100 * line[name]:6.2f}%" for name in _FIGURES[2:])
    print(
        f"{line['epoch']:5} {line['seconds']:8.1f} {line['images_per_second']:10,.0f} | "
        f"{energies} {errors}",
        flush=True,
    )
