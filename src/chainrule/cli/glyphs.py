"""`chainrule glyphs`: letters and lines of text from fonts."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.on import OnOption
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import InputError
from chainrule.io.checks import LARGEST_SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chainrule.executors import Executor
    from chainrule.glyphs.fonts import FontFile

app = typer.Typer(
    help="""Letters and lines rendered from real fonts: fetch, build, look.

    Example: chainrule glyphs show --out letters.png
    """,
    no_args_is_help=True,
)

KEPT = {
    "capitals": "kept, with capitals in place of small letters",
    "reduced": "kept, smaller than 26 px so that all letters fit",
}

LettersOption = Annotated[
    Path | None,
    typer.Option("--letters", help="A file of `glyphs build`; the package's set if not given."),
]


@app.command()
def fetch(
    out: Annotated[Path, typer.Option("--out", help="The folder for the fonts.")],
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", help="A manifest (CSV), in place of the package's own."),
    ] = None,
    use: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="letters|lines|reader",
            help="Which of the package's sets: of its letters, of its line fonts, or of these and "
            "all that its reader was trained with.",
            show_default="letters",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=8, help="Packages at once.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Get the font files of a manifest with npm, check their SHA-256, skip those that are there.

    Stop it and start it again as you like: it goes on where it was.

    Example: chainrule glyphs fetch --out fonts
    """
    from chainrule.glyphs import fetch as fetching
    from chainrule.glyphs.manifest import read_manifest

    if use is not None and manifest is not None:
        raise InputError("both --manifest and --for are given; expected one of them")
    fonts = read_manifest(manifest, use=use or "letters")
    with progress("fetching fonts", "packages") as report:
        done = fetching.fetch(fonts, out, jobs=workers, progress=report)
    if as_json:
        print_json(
            {"packages": done.packages, "files": done.files, "kept": done.kept, "folder": str(out)}
        )
    else:
        print(f"{done.files} files of {done.packages} packages fetched, {done.kept} were there")


@app.command()
def pin(
    packages: Annotated[
        list[str], typer.Argument(help="Packages with their versions: @fontsource/lato@5.2.7")
    ],
    out: Annotated[Path, typer.Option("--out", help="The manifest to write (CSV).")],
    beside: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Fonts that `glyphs fetch` got: what is related to one held out is left out, all "
            "else is to train with.",
        ),
    ] = None,
    styles: Annotated[
        int, typer.Option(min=1, max=3, help="At most so many fonts of a family.")
    ] = 3,
    as_json: JsonOption = False,
) -> None:
    """Make a manifest: choose fonts of font packages, note their SHA-256, split the families.

    Example: chainrule glyphs pin @fontsource/lato@5.2.7 @fontsource/arvo@5.2.7 --out manifest.csv
    """
    from chainrule.glyphs import pin as pinning
    from chainrule.glyphs.manifest import open_fonts, write_manifest

    for package in packages:
        if "@" not in package[1:]:
            raise InputError(f"package {package!r} has no version; expected NAME@VERSION")
    with progress("choosing fonts", "packages") as report:
        if beside is None:
            fonts, left_out = pinning.pin(packages, styles=styles, progress=report)
        else:
            opened, families = open_fonts([beside])
            held_out = [font for font in opened if font.family in (families or ())]
            if not held_out:
                raise InputError(
                    f"{beside} holds no font out; expected a folder of `glyphs fetch`, whose "
                    "manifest.csv does"
                )
            fonts, left_out = pinning.pin_training(
                packages, held_out, styles=styles, progress=report
            )
    write_manifest(out, fonts)
    held = sum(font.set == "validation" for font in fonts)
    if as_json:
        print_json(
            {
                "file": str(out),
                "fonts": len(fonts),
                "training_fonts": len(fonts) - held,
                "validation_fonts": held,
                "left_out": [{"name": name, "reason": why} for name, why in left_out],
            }
        )
        return
    for name, why in left_out:
        print(f"left out: {name}: {why}")
    print(f"{out}: {len(fonts)} fonts, {held} of them held out for validation")


@app.command()
def build(
    fonts: Annotated[
        list[Path], typer.Argument(help="TTF, OTF or WOFF2 files, or folders of them.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write (.safetensors).")],
    alphabet: Annotated[
        str,
        typer.Option(
            help="The characters, or lowercase, letters, digits, alphanumeric, ascii or european "
            "for those."
        ),
    ] = "lowercase",
    lines: Annotated[
        bool, typer.Option("--for-lines", help="Glyphs to compose lines of, not 32x32 letters.")
    ] = False,
    styles: Annotated[
        int, typer.Option(min=1, help="With --for-lines: at most so many fonts of a family.")
    ] = 2,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render each character in each font: dark on white, 26 px, centred, 32x32, 8 bit.

    A font that lacks a character, draws one without ink, draws two the same, or draws all as an
    earlier font does is left out, and the output says so. The families are split: a quarter is
    held out for validation, or what a manifest.csv in the folder says, as `glyphs fetch` leaves it.

    Example: chainrule glyphs build fonts/ --alphabet digits --out digits.safetensors
    """
    from chainrule.executors import Here, open_executor
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.glyphs.manifest import open_fonts

    if out.suffix != ".safetensors":
        raise InputError(f"file {out} ends in {out.suffix!r}; expected .safetensors")
    characters = parse_alphabet(alphabet)
    opened, held = open_fonts(fonts)
    with open_executor(on, here=lambda _: Here()) as executor:
        if lines:
            built = _build_lines(opened, characters, held, styles, out, executor)
        else:
            built = _build_letters(opened, characters, held, out, executor)
    if as_json:
        print_json({"file": str(out), "bytes": out.stat().st_size, **built})
        return
    for dropped in built["dropped"]:
        print(f"dropped: {dropped['font']}: {dropped['reason']}")
    print(f"dropped {len(built['dropped'])} of {len(opened)} fonts")
    for what in ("capitals", "reduced"):
        if what in built:
            print(f"{KEPT[what]}: {len(built[what])}")
    counts = ", ".join(
        f"{value:,} {what.replace('_', ' ')}"
        for what, value in built.items()
        if isinstance(value, int)
    )
    print(f"{out}: {counts}, {out.stat().st_size / 1e6:.2f} MB")


@app.command()
def show(
    out: Annotated[Path, typer.Option("--out", help="The picture to write (.png or .svg).")],
    letter: Annotated[str | None, typer.Option(help="One letter in all fonts.")] = None,
    font: Annotated[
        str | None, typer.Option(help="The letters of the fonts whose names begin so.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="A line of text, in a few fonts and under each condition.")
    ] = None,
    letters: LettersOption = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Which fonts, and the noise, for --text.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw a sheet: one letter in many fonts, one font's letters, or a line of text.

    Example: chainrule glyphs show --letter g --out g.png
    """
    from chainrule.glyphs import figures
    from chainrule.glyphs.letters import load_letters
    from chainrule.io.figures import check_figure_path, write_figure

    given = [value for value in (letter, font, text) if value is not None]
    if len(given) != 1:
        raise InputError(
            f"{len(given)} of --letter, --font and --text are given; expected exactly one"
        )
    check_figure_path(out)
    if letter is not None:
        if len(letter) != 1:
            raise InputError(f"--letter: found {letter!r}; expected one character")
        figure = figures.letter_sheet(load_letters(letters), letter)
    elif font is not None:
        figure = figures.font_sheet(load_letters(letters), font)
    else:
        figure = figures.line_sheet(_lines(given[0], seed))
    write_figure(out, figure)
    if as_json:
        print_json({"file": str(out)})
    else:
        print(out)


def _build_letters(
    fonts: "list[FontFile]",
    alphabet: str,
    held: set[str] | None,
    out: Path,
    executor: "Executor",
) -> dict[str, Any]:
    from chainrule.glyphs.letters import build_letters, save_letters

    with progress("rendering", "fonts") as report:
        letters, built = build_letters(
            fonts, alphabet, validation_families=held, executor=executor, progress=report
        )
    save_letters(out, letters)
    return {**asdict(built), "dropped": _as_objects(built.dropped)}


def _build_lines(
    fonts: "list[FontFile]",
    alphabet: str,
    held: set[str] | None,
    styles: int,
    out: Path,
    executor: "Executor",
) -> dict[str, Any]:
    from chainrule.glyphs.lines import build_line_fonts, save_line_fonts

    with progress("drawing glyphs", "fonts") as report:
        built, dropped = build_line_fonts(
            fonts,
            alphabet,
            validation_families=held,
            styles=styles,
            executor=executor,
            progress=report,
        )
    save_line_fonts(out, built)
    return {
        "fonts": len(built),
        "families": len({font.family for font in built}),
        "validation_fonts": sum(font.validation for font in built),
        "dropped": _as_objects(dropped),
    }


def _as_objects(dropped: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"font": font, "reason": why} for font, why in dropped]


def _lines(text: str, seed: int) -> "list[tuple[str, NDArray[np.uint8]]]":
    import numpy as np

    from chainrule.glyphs.degrade import CONDITIONS, degrade
    from chainrule.glyphs.lines import load_line_fonts, render_line

    rng = np.random.default_rng(seed)
    fonts = load_line_fonts()
    chosen = [fonts[number] for number in rng.choice(len(fonts), 6, replace=False)]
    clean = [(font.name, render_line(font, text).image) for font in chosen]
    worse = [
        (f"{chosen[0].name}: {name}", degrade(clean[0][1], strengths, rng))
        for name, strengths in CONDITIONS.items()
    ]
    return clean + worse
