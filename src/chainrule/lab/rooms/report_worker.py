"""The worker that makes a report: `chainrule report` in a report's folder, told as it goes."""

import os
import shutil
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import ChainruleError
from chainrule.io.files import make_folder, write_json
from chainrule.lab.jobs.frames import packed, unpacked

if TYPE_CHECKING:
    from chainrule.report import AnsweredPart

SECTIONS = "sections.json"
"""What the page shows of a finished report."""
_EVERY = 0.2  # seconds between two reports of progress
_WHOLE = 1000  # of the progress


def main(pipe: Connection) -> None:
    """Take one message, make the report that it asks for, and tell how far it is."""
    asked, _ = unpacked(pipe.recv_bytes())

    def send(what: str, **values: Any) -> None:
        pipe.send_bytes(packed({"what": what, **values}))

    folder = Path(asked["folder"])
    temporary = folder / "temporary"
    shutil.rmtree(temporary, ignore_errors=True)  # of one that was cancelled
    try:
        make_folder(temporary)
        os.environ["TMPDIR"] = str(temporary)  # for the processes that it starts, too
        result = _made(folder, asked, send)
    except (ChainruleError, OSError, MemoryError) as error:
        send("failed", said=str(error) or "there is not enough memory for this report")
        return
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    send("finished", result=result)


def told(what: str, found: list[dict[str, Any]], of: int) -> dict[str, Any]:
    """What is kept of a report in the list of runs."""
    return {"what": what, "done": f"{len(found)} of {of} parts", "found": found}


def _made(folder: Path, asked: dict[str, Any], send: Any) -> dict[str, Any]:
    began = time.monotonic()
    send("phase", said="loading the experiments")
    from chainrule.lab.rooms.report_sections import sections
    from chainrule.report import ReportSettings
    from chainrule.report.making import make_report
    from chainrule.report.page import counted

    settings = ReportSettings(
        asked["seed"], asked["trials"], asked["workers"], quick=asked["quick"]
    )
    found: list[dict[str, Any]] = []
    last = -_EVERY

    def on_part(part: "AnsweredPart", left: float) -> None:
        verdicts = counted(fact for section in part.sections for fact in section.facts)
        found.append({"number": part.number, "title": part.title, "verdicts": verdicts})
        send("epoch", line=found[-1])

    def on_progress(share: float, left: float) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            done = round(_WHOLE * share)
            send("phase", said="making the report", done=done, of=_WHOLE, left=left)

    parts, _ = make_report(
        settings, asked["parts"], folder, folder, on_part=on_part, on_progress=on_progress
    )
    write_json(folder / SECTIONS, sections(parts, settings))
    found.sort(key=lambda line: int(line["number"]))
    seconds = time.monotonic() - began
    return {**told(asked["what"], found, len(parts)), "seconds": seconds}
