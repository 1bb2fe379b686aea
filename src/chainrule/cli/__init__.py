"""The command line: parse, call, print. Nothing below this package prints or exits."""

import os
import sys
from typing import Annotated, NoReturn

import typer

import chainrule
from chainrule.cli import bench, blocks, glyphs, images, points, reader
from chainrule.cli import report as report_command
from chainrule.errors import ChainruleError

_STOPPED = "stopped; what was finished is kept"

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
app.add_typer(bench.app, name="bench")
app.command("report")(report_command.report)


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
    """Run the command line and leave with its exit code: 0, 2 for bad input, 130 for Ctrl-C."""
    try:
        code = app(standalone_mode=False)
        if code == 130:  # what Typer makes of Ctrl-C
            _complain(_STOPPED)
    except ChainruleError as error:
        _complain(str(error))
        code = 2
    except KeyboardInterrupt:
        _complain(_STOPPED)
        code = 130
    except BrokenPipeError:
        # the reader of our output has gone (`| head`): nothing is left to tell it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code = _usage_exit_code(error)
    sys.exit(code)


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
    else:
        hint = f" (see `{context.command_path} --help`)" if context is not None else ""
        _complain(" ".join(message().split()) + hint)
    return 2


def _complain(sentence: str) -> None:
    print(f"chainrule: {sentence}", file=sys.stderr)
