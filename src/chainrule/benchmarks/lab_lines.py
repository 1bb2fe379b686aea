"""The lab's room for lines as its users find it: a line typed and read, a training cancelled."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.benchmarks.lab import Client

_TEXTS = ("near the mill", "clean corner", "burnt modern", "turn learner", "inner manner")


class OwnSheet:
    """A sheet of one's own, without a line."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        made = client.post("/api/lines/sheets", {"with": "nothing"})
        self.place = f"/api/lines/sheets/{made['id']}"

    def read(self, text: str) -> str:
        """Type a line; give what was read, as the page's list has it."""
        self._client.post(f"{self.place}/typed", {"text": text})
        rows = json.loads(self._client.get(f"{self.place}/lines?first=0&count=1"))
        return str(rows["lines"][0]["read"]["text"])


def a_cancel(client: "Client", processes: Callable[[], set[int]]) -> float:
    """Seconds from the cancel of a reader's training until its process is no more.

    processes: the numbers of those that the lab has started. Raises ValueError if it fails first.
    """
    sheet = OwnSheet(client)
    for text in _TEXTS:
        sheet.read(text)
    before = processes()
    client.post(f"{sheet.place}/do", {"do": "train", "epochs": 1000})
    while not json.loads(client.get(sheet.place))["going"]["history"]:
        time.sleep(0.05)
    training = processes() - before
    began = time.perf_counter()
    client.post(f"{sheet.place}/do", {"do": "cancel"})
    while training & processes():
        time.sleep(0.001)
    found = json.loads(client.get(sheet.place))
    if found["state"] != "cancelled":
        raise ValueError(f"the training is {found['state']}; expected it to be cancelled")
    return time.perf_counter() - began
