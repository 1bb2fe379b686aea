"""How often lines are right by how sure they are, as a table and as JSON."""

from typing import TYPE_CHECKING, Any

from chainrule.cli.output import print_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def described_reliability(
    sure: "NDArray[np.float64]", right: "NDArray[np.bool_]"
) -> dict[str, Any]:
    """The table of lines with these confidences, and the row of those that are sure."""
    from chainrule.reader.evaluation.reliability import over, reliability_table

    surest = over(sure, right)
    return {
        "lines": len(sure),
        "table": [row._asdict() for row in reliability_table(sure, right)],
        "over": surest and surest._asdict(),
    }


def print_reliability(found: dict[str, Any], when: str = "") -> None:
    """Print what `described_reliability` gives."""
    from chainrule.reader.confidence import SURE

    print_table(
        f"{when}how often {found['lines']:,} lines are right by how sure they are",
        ("confidence", "lines", "on average", "right", "95 % interval"),
        [
            (
                f"{row['low']:.1f} to {row['high']:.1f}",
                f"{row['lines']:,}",
                f"{row['confidence']:.2f}",
                f"{row['right']:.1%}",
                f"{row['interval'][0]:.1%} to {row['interval'][1]:.1%}",
            )
            for row in found["table"]
        ],
    )
    over = found["over"]
    share = f"{over['right']:.1%} of these are right" if over else "none"
    print(f"{over['lines'] if over else 0} of {found['lines']} lines are over {SURE}: {share}")
