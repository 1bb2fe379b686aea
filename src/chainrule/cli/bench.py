"""`chainrule bench`: the same work given to us and to the peers, in one run."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.output import JsonOption, print_json, print_table, progress

app = typer.Typer(
    help="""The same work given to chainrule and to its peers, in one run.

    Example: chainrule bench points
    """,
    no_args_is_help=True,
)


@app.command()
def points(as_json: JsonOption = False) -> None:
    """Time SGD with both errors after every step: eager PyTorch, NumPy, plain Numba and ours.

    At h = 7, rate 0.02, 1000 + 1000 points; and how ours grows with h, points and trials. The time
    to compile is left out.

    Example: chainrule bench points --json
    """
    from chainrule.benchmarks.points import measure

    with progress("bench points", "measurements") as report:
        document = measure(report)
    if as_json:
        print_json(document)
        return
    for row in document["rows"]:
        print(f"{row['name']:36} {row['microseconds_per_iteration']:10.3f} us an iteration")
    for name, ratio in document["ratios"].items():
        print(f"{name}: {ratio:.2f} times our time")


@app.command()
def images(
    photos: Annotated[
        Path | None,
        typer.Option(help="Compare bfloat16 with float32 on this folder of photographs instead."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Time the features of 224 px pictures: the independent EfficientNet-Lite0 and ours.

    32 pictures in memory, fifteen rounds in which every way runs once; the independent one in the
    batches that are best for it, ours as `chainrule images` runs. With --photos, nothing is timed:
    how often float32 and bfloat16 agree on the first class and on the five best, and the least
    cosine between their features.

    Example: chainrule bench images --json
    """
    if photos is not None:
        _agreement(photos, as_json)
        return
    from chainrule.benchmarks.images import measure

    with progress("bench images", "rounds") as report:
        document = measure(report)
    if as_json:
        print_json(document)
        return
    for row in document["rows"]:
        print(f"{row['name']:76} {row['images_per_second']:7.1f} pictures a second")
    low, high = document["ratio_quartiles"]
    limit = document["limit"]
    print(
        f"ours is {document['ratio']:.2f} times the best of the others (median of "
        f"{document['rounds']} rounds, quartiles {low:.2f} and {high:.2f}; {document['threads']} "
        f"threads; {document['computed_again']:.1%} of the pictures computed in float32 too)\n"
        f"{limit['multiply_adds'] / 1e6:.0f} million multiply-adds a picture and matrix products "
        f"at {limit['gemm_gflops']:.0f} GFLOP/s would allow {limit['images_per_second']:.0f} "
        f"pictures a second; ours has {limit['share']:.0%} of that"
    )


def _agreement(photos: Path, as_json: bool) -> None:
    from chainrule.benchmarks.images import agreement
    from chainrule.images.collection import read_collection

    collection = read_collection(photos)
    with progress("bench images", "pictures") as report:
        document = agreement(collection.files, report)
    if as_json:
        print_json(document)
        return
    print(f"{document['pictures']:,} photographs, bfloat16 against float32")
    for name in ("alone", "rechecked"):
        row = document[name]
        print(
            f"{name:10} same first class {row['same_first_class']:.2%}, same five classes "
            f"{row['same_five_classes']:.2%}, cosine at least {row['cosine_min']:.6f}"
        )
    print(f"computed again in float32: {document['computed_again']:.2%}")


@app.command()
def reader(
    seeds: Annotated[int, typer.Option(min=1, help="Trainings by each recipe.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Train a letter network by the original's recipe and by the fast one; time both.

    And measure what jitter costs a training, and a line against its windows one by one. This trains
    for minutes: each seed's line is told on standard error as soon as it is done.

    Example: chainrule bench reader --seeds 1 --json
    """
    from chainrule.benchmarks.reader import measure

    with progress("bench reader", "letters") as report:
        document = measure(
            range(seeds), report, lambda row: print(json.dumps(row), file=sys.stderr, flush=True)
        )
    if as_json:
        print_json(document)
        return
    print("seed  original: top-1  top-5  seconds   fast: top-1  top-5  seconds   to the original's")
    for row in document["rows"]:
        reached = row["seconds_to_original"]
        print(
            f"{row['seed']:4} {row['original_top1']:16.2%} {row['original_top5']:6.2%} "
            f"{row['original_seconds']:8.1f} {row['fast_top1']:13.2%} {row['fast_top5']:6.2%} "
            f"{row['fast_seconds']:8.1f}   "
            + ("never" if reached is None else f"{reached:.1f} s ({row['time_ratio']:.1%})")
        )
    for name, jitter in document["jitter"].items():
        line = document["line"][name]
        print(
            f"{name}: with jitter a training takes {jitter['ratio']:.3f} times as long; a line "
            f"costs {line['ratio_one_by_one']:.3f} of its windows one by one, "
            f"{line['ratio']:.3f} of them as a batch"
        )


@app.command()
def training(
    network: Annotated[
        list[str] | None,
        typer.Option(help="original, fast or residual; may be given several times. Default: all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Time training steps: an equal PyTorch module with PyTorch's own optimizer, and ours.

    The original's character network, the fast recipe's, and a small residual network with batch
    normalisation; eager, channels last, bfloat16 autocast and torch.compile, on one thread and on
    all, each in the batches that are best for it. Ways that cannot run here (torch.compile needs a
    C++ compiler) are left out, and said on standard error.

    Example: chainrule bench training --network fast --json
    """
    from chainrule.benchmarks.training import NETWORKS, measure
    from chainrule.errors import InputError

    names = network or list(NETWORKS)
    for name in names:
        if name not in NETWORKS:
            raise InputError(f"--network: found {name!r}; expected one of {', '.join(NETWORKS)}")
    with progress("bench training", "rounds") as report:
        document = measure(names, report, lambda said: print(said, file=sys.stderr, flush=True))
    if as_json:
        print_json(document)
        return
    for name, ratio in zip(names, document["ratios"], strict=True):
        rows = [
            (row["name"], f"{row['images_per_second']:,.0f}")
            for row in document["rows"]
            if row["network"] == name
        ]
        print_table(f"{name} network", ("way", "images a second"), rows)
        print(
            f"ours is {ratio['to_best_peer']:.2f} times the best of the others "
            f"({ratio['best_peer']}), and {ratio['to_limit']:.0%} of the limit\n"
        )


@app.command()
def lab(
    seconds: Annotated[float, typer.Option(min=1, help="How long the class works.")] = 20,
    students: Annotated[int, typer.Option(min=1, help="Sessions of the class.")] = 30,
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of class folders, which is dropped and trained."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the lab as its users find it: in a headless browser, and with a class at work.

    How soon it is usable; its training's speed beside the library's while the page draws; frames a
    second; curves of 10^7 iterations; how long a photograph takes; with --photos how long a folder
    takes until it is a measured classifier, beside `images train`; and for a class of --students on
    this machine how long the answer to a click takes, what fails, and the memory at the end. Needs
    Chromium.

    Example: chainrule bench lab --seconds 120 --json
    """
    from chainrule.benchmarks.lab import measure

    with progress("bench lab", "measurements") as report:
        document = measure(students, seconds, photos, report)
    if as_json:
        print_json(document)
        return
    for row in document["rows"]:
        print(f"{row['name']:58} {row['value']:12,.4g} {row['unit']}")


@app.command()
def checks(as_json: JsonOption = False) -> None:
    """Give layers that are wrong on purpose to our check and to torch.autograd.gradcheck.

    Each mistake with the verdict and the kind that `check_derivatives` names, and whether gradcheck
    finds it as it is by default; and the same layers without their mistakes.

    Example: chainrule bench checks --json
    """
    from chainrule.benchmarks.checks import measure

    with progress("bench checks", "mistakes") as report:
        document = measure(report)
    if as_json:
        print_json(document)
        return
    for row in document["rows"]:
        found = "found" if row["gradcheck_finds"] else "-"
        print(f"{row['name']:46} {row['verdict']:11} {row['kind'] or '-':12} gradcheck: {found}")
    print(
        f"found {document['found']} of {document['mistakes']}, gradcheck "
        f"{document['gradcheck_found']}; {document['false_alarms']} false alarms on the layers "
        "without the mistakes"
    )


@app.command()
def cluster(as_json: JsonOption = False) -> None:
    """Time a study, features and reading on threads and on Ray here; model 1 to 1,000 nodes.

    With 1, 2 and 4 Ray workers on this machine's cores, beside threads. The table of nodes is a
    model and no measurement: from the measured times, messages and bytes, and an assumed network
    and storage of 10 Gbit/s each, with what limits it. Needs the extra `ray`.

    Example: chainrule bench cluster --json
    """
    from chainrule.benchmarks.cluster import measure

    with progress("bench cluster", "measurements") as report:
        document = measure(report)
    if as_json:
        print_json(document)
        return
    print_table(
        "measured on this machine",
        ("work", "executor", "workers", "items/s", "efficiency"),
        [
            (
                row["work"],
                row["executor"],
                str(row["workers"]),
                f"{row['items_per_second']:,.0f}",
                f"{row['efficiency']:.0%}",
            )
            for row in document["rows"]
        ],
    )
    print_table(
        "\nmodelled, not measured",
        ("work", "nodes", "items/s", "limit"),
        [
            (row["work"], str(row["nodes"]), f"{row['items_per_second']:,.0f}", row["limit"])
            for row in document["model"]
        ],
    )
