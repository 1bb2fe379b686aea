"""Work on many files in threads, with the results in the files' order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from chainrule.errors import FileError

S = TypeVar("S")
T = TypeVar("T")

THREADS = 2


def in_order(
    items: Sequence[S], work: Callable[[S], T], threads: int, ahead: int
) -> Iterator[T | FileError]:
    """`work(item)` for each item, in threads but in order, at most `ahead` items in advance.

    A FileError is given in the place of a result.
    """
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= ahead:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()


def _result(future: Future[Any]) -> Any:
    try:
        return future.result()
    except FileError as error:
        return error
