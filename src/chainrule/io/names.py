"""File names in sentences."""

import os


def shown(path: str | os.PathLike[str]) -> str:
    """The path as it stands in a sentence: quoted if it holds a line break or the like.

    A name that is no text in the system's encoding is shown with escapes, so that it can always be
    printed.
    """
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)
