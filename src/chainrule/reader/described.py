"""A line that was read, as JSON values: what `chainrule reader read --json` prints of a picture."""

import os
from typing import Any

from chainrule.reader.line import Line
from chainrule.reader.page import line_box


def described(path: str | os.PathLike[str], line: Line) -> dict[str, Any]:
    """{"file", "text", "confidence", "reason", "lines": [{"text", "confidence", "box"}],
    "characters": [{"character", "box", "confidence", "alternatives"}]}."""
    return {
        "file": str(path),
        "text": line.text,
        "confidence": line.confidence,
        "reason": line.reason,
        "lines": [
            {"text": one.text, "confidence": one.confidence, "box": list(line_box(one))}
            for one in line.each
        ],
        "characters": [
            {
                "character": character.character,
                "box": list(character.box),
                "confidence": character.confidence,
                "alternatives": [
                    {"character": other, "confidence": confidence}
                    for other, confidence in character.alternatives
                ],
            }
            for character in line.characters
        ],
    }
