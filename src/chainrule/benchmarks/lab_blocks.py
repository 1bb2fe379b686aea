"""The lab's room for blocks as its users find it: a filter is changed, and painted anew."""

import statistics
from typing import Any

SIDE = 512  # pixels of the picture's longer side
_EDITS = 12  # of which the first two are not counted
_READY = """side => new Promise(done => {
  const look = () => {
    const room = document.querySelector("[data-room]")?.dataset ?? {};
    const drawn = document.querySelector(".maps .sheet")?.dataset.drawn ?? "";
    const checked = document.querySelector(".check")?.dataset.checked;
    const digest = document.querySelector(".digest code")?.dataset.digest;
    const has = side === null || document.querySelector(".picture-side")?.value === String(side);
    has && room.busy === "false" && checked && digest && drawn.split(":")[1] === room.revision
      ? done(true) : setTimeout(look, 20);
  };
  look();
})"""
_EDIT = """value => new Promise(done => {
  const input = document.querySelector(".weight");
  const before = Number(document.querySelector("[data-room]").dataset.revision);
  const began = performance.now();
  input.value = value;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  const look = () => {
    const drawn = document.querySelector(".maps .sheet").dataset.drawn;
    Number(drawn.split(":")[1]) > before ? done(performance.now() - began)
      : requestAnimationFrame(look);
  };
  look();
})"""


def an_edit(tab: Any, origin: str) -> float:
    """Milliseconds from a change of a filter until what comes out is painted, the median."""
    tab.goto(f"{origin}/#blocks")
    tab.evaluate(_READY, None)
    tab.locator(".picture-side").select_option(str(SIDE))
    tab.evaluate(_READY, SIDE)
    waits = []
    for k in range(_EDITS):
        waits.append(float(tab.evaluate(_EDIT, f"0.{k + 1}")))
        tab.evaluate(_READY, SIDE)  # the check and the digest after it are over, too
    return statistics.median(waits[2:])
