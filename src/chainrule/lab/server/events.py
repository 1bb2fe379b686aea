"""One stream of small signals a tab. A slow tab misses signals, never the newest of a run.

Each tab has one slot a run, which the newest signal overwrites: a tab that has stalled costs the
same whatever happens meanwhile.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

_QUIET = 10.0  # seconds after which a stream without news says that it is there


class _Tab:
    def __init__(self, slots: dict[str, dict[str, Any]]) -> None:
        self.slots = slots
        self.wake = asyncio.Event()
        self.wake.set()


class Hub:
    """Signals of runs to the tabs of their owners."""

    def __init__(self) -> None:
        self._tabs: defaultdict[str, set[_Tab]] = defaultdict(set)
        self._newest: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._is_open = True

    def say(self, owner: str, run: str, signal: dict[str, Any]) -> None:
        """Overwrite the run's slot in every tab of its owner."""
        self._newest[owner][run] = signal
        for tab in self._tabs[owner]:
            tab.slots[run] = signal
            tab.wake.set()

    def forget(self, owner: str, run: str) -> None:
        """The run gives no more signals: new tabs are not told of it."""
        self._newest[owner].pop(run, None)

    def tabs(self, owner: str) -> int:
        """How many streams the owner has open."""
        return len(self._tabs[owner])

    def close(self) -> None:
        """End all streams."""
        self._is_open = False
        for tabs in self._tabs.values():
            for tab in tabs:
                tab.wake.set()

    def stream(self, owner: str) -> StreamingResponse:
        """The answer that is a tab's stream: the newest of each live run, then the news."""
        return StreamingResponse(
            self._signals(owner),
            media_type="text/event-stream",
            headers={"cache-control": "no-store"},
        )

    async def _signals(self, owner: str) -> AsyncIterator[str]:
        tab = _Tab(dict(self._newest[owner]))
        self._tabs[owner].add(tab)
        try:
            yield "retry: 500\n\n"
            while self._is_open:
                try:
                    await asyncio.wait_for(tab.wake.wait(), _QUIET)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                tab.wake.clear()
                signals, tab.slots = tab.slots, {}
                for signal in signals.values():
                    yield f"data: {json.dumps(signal, allow_nan=False)}\n\n"
        finally:
            self._tabs[owner].discard(tab)
