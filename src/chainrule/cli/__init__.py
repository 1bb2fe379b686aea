"""The command line: parse, call, print. Nothing below this package prints or exits."""

import contextlib
import logging
import os
import re
import signal
import sys
import threading
from itertools import pairwise
from typing import Annotated, NoReturn

import typer

import chainrule
from chainrule.cli import bench, blocks, glyphs, images, keeping, points, practical, reader, streams
from chainrule.cli import lab as lab_command
from chainrule.cli import report as report_command
from chainrule.cli.stopping import end_as_ctrl_c, forget_ctrl_c
from chainrule.errors import ChainruleError, InputError
from chainrule.io.extras import missing_extra
from chainrule.io.files import remove_empty_folders

RENAMED = {  # said for one release
    "--jobs": "--workers",
    "--threads": "--workers",
    "--start": "--model",
    "glyphs build --lines": "--for-lines",
    "reader evaluate --lines": "--count",
}

app = typer.Typer(
    name="chainrule",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(blocks.app, name="blocks")
app.add_typer(points.app, name="points")
app.add_typer(glyphs.app, name="glyphs")
app.add_typer(images.app, name="images")
app.add_typer(reader.app, name="reader")
app.add_typer(practical.app, name="practical")
app.add_typer(bench.app, name="bench")
app.command("report")(report_command.report)
app.command("lab")(lab_command.lab)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"chainrule {chainrule.__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Neural networks in vision, taken apart: every derivative by hand, checked, and fast.

    Example: chainrule report --out report
    """


def main() -> NoReturn:
    """Run the command line and leave with its exit code.

    0: done, or the reader of our output has gone (`| head`). 2: bad input, or an output that cannot
    be written. 130: Ctrl-C. 143: ended by SIGTERM.
    """
    # threads that wait for each other sleep, before OpenMP is loaded: by spinning, two runs on the
    # cores of one take tens of times as long as one after the other
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # that its folder for fonts cannot be written makes Matplotlib slower, and is not of our doing
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    streams.guard()
    _refuse_empty_out(sys.argv[1:])
    ended = end_as_ctrl_c(signal.SIGTERM)
    try:
        code = _run()
        sys.stdout.flush()
    except streams.ReaderGoneError:
        streams.abandon()
        code = 0
    except ChainruleError as error:
        _complain(str(error))
        streams.abandon()
        code = 2
    if code == 130:
        _complain("stopped" + (f"; {kept}" if (kept := keeping.kept()) else ""))
        code = 143 if ended else 130
        forget_ctrl_c()
    if code:
        remove_empty_folders()
        _end_if_others_work(code)
    sys.exit(code)


def _end_if_others_work(code: int) -> None:
    """End at once if there are threads that Python would wait for: nobody wants their results."""
    others = [thread for thread in threading.enumerate() if not thread.daemon]
    if others != [threading.current_thread()]:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(code)


def _run() -> int:
    """Run the command: 130 if it was stopped."""
    try:
        return int(app(standalone_mode=False) or 0)  # Typer gives 130 for Ctrl-C
    except KeyboardInterrupt:
        return 130
    except (ChainruleError, streams.ReaderGoneError):
        raise
    except ModuleNotFoundError as error:
        sentence = missing_extra(error)
        if sentence is None:
            raise
        raise InputError(sentence) from error
    except Exception as error:
        return _usage_exit_code(error)


def _refuse_empty_out(arguments: list[str]) -> None:
    """An empty name would be taken for the folder that we are in."""
    for option, value in pairwise([*arguments, "-"]):
        if (option == "--out" and value == "") or option == "--out=":
            _complain("--out: found an empty name; expected a file or a folder")
            sys.exit(2)


def _usage_exit_code(error: Exception) -> int:
    """Print a wrong option's message in one line; anything else is a bug and is raised again."""
    # Typer's usage errors come from the Click inside it, which has no public name of its own
    message = getattr(error, "format_message", None)
    if message is None:
        if type(error).__name__ == "Abort":
            return 130
        raise error
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        print(context.get_help(), file=sys.stderr)
    elif found := re.match(r"No such option: (--[\w-]+)", message()):
        path = context.command_path if context is not None else "chainrule"
        given = f" {path} {found[1]}"
        now = next((new for old, new in RENAMED.items() if given.endswith(f" {old}")), None)
        has = {name for p in (context.command.params if context else ()) for name in p.opts}
        renamed = f"; it is called {now} now" if now and now.split()[0] in has else ""
        _complain(f"no such option: {found[1]}{renamed} (see `{path} --help`)")
    else:
        hint = f" (see `{context.command_path} --help`)" if context is not None else ""
        _complain((_out_of_range(error) or " ".join(message().split())) + hint)
    return 2


def _out_of_range(error: Exception) -> str | None:
    """What was found and what was expected, whether Pydantic checks the values for Typer or, up to
    Typer 0.28, Click."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return None
    failures = getattr(error.__context__, "errors", None)
    if failures is not None:
        first = failures()[0]
        found, expected = first["input"], first["msg"].removeprefix("Input should be ")
    else:
        told = re.fullmatch(
            r"'?(.*?)'? is not (in the range|a valid) (.*)\.", getattr(error, "message", "")
        )
        if told is None:
            return None
        found, expected = told[1], f"a valid {told[3]}"
        if told[2] == "in the range":
            expected = _bound(float(told[1]), told[3])
    expected = expected.partition(", unable")[0]
    return f"{max(parameter.opts, key=len)}: found {found!r}; expected a value that is {expected}"


def _bound(value: float, interval: str) -> str:
    """The end of an interval, as "1<=x<=9" or "x>0", that a value is beyond."""
    words = {"<": "less than", "<=": "less than or equal to",
             ">": "greater than", ">=": "greater than or equal to"}  # fmt: skip
    (ends,) = re.findall(r"^(?:(.+?)(<=?))?x(?:([<>]=?)(.+))?$", interval)
    low, below, sign, end = ends
    if low and value <= float(low):
        return f"{words[below.replace('<', '>')]} {low}"
    return f"{words[sign]} {end}"


def _complain(sentence: str) -> None:
    if sys.stderr is not None:
        print(f"chainrule: {sentence}", file=sys.stderr)
