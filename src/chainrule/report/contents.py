"""What the report holds: its parts, and their questions in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.report.facts import FACTS, Fact
from chainrule.report.settings import ReportSettings


@dataclass(frozen=True)
class Question:
    """A section of the page. work: what answers it; its template has that name, too."""

    number: str  # "1.2.B", as the original numbers it; "+" for what goes beyond it
    title: str
    work: str

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What the original states here."""
        return tuple(fact for fact in FACTS if fact.id.startswith(f"{self.number}."))


@dataclass(frozen=True)
class Part:
    """A part of the original."""

    number: int
    title: str
    questions: tuple[Question, ...]


PARTS = (
    Part(
        1,
        "Back-propagation in a two-layer network",
        (
            Question("1.1", "The network and its derivation", "derivation"),
            Question("1.2.A", "The numerical derivative", "numerical_derivative"),
            Question("1.2.B", "Table 1: the derivative check", "gradient_table"),
            Question("1.3.A", "Training on two half-moons", "one_training"),
            Question("1.3.A+", "The points, inferred from the runs", "inferred_points"),
            Question("1.3.B", "Table 2: other initial weights", "initial_weights"),
            Question("1.3.C", "Table 3: the learning rate", "learning_rates"),
            Question("1.3.D", "Table 4: the number of hidden units", "hidden_units"),
            Question("1.3+", "Where this network can be trained", "trainability_map"),
        ),
    ),
    Part(
        2,
        "The blocks of a convolutional network",
        (
            Question("2.1", "Convolution: the Laplacian", "blocks_on_picture"),
            Question("2.2", "Why there must be a non-linearity", "linear_chain"),
            Question("2.3", "Max pooling", "max_pooling"),
        ),
    ),
    Part(
        3,
        "Derivatives, and a small network learned by hand",
        (
            Question("3.1.A", "The size of a derivative", "derivative_shapes"),
            Question("3.2", "The blocks' derivatives, checked", "derivative_checks"),
            Question("3.3", "A small network learned by hand", "blob_filter"),
            Question("3.3+", "Without the median, without momentum", "momentum_and_median"),
        ),
    ),
    Part(
        4,
        "A network that reads letters",
        (
            Question("4.1", "The letters", "letter_data"),
            Question("4.2.A", "The network", "letter_network"),
            Question("4.2.B", "Softmax and log-loss", "log_loss"),
            Question("4.3", "Training", "letter_training"),
            Question("4.4", "The filters of the first layer", "letter_filters"),
            Question("4.5.A", "A picture of another size", "line_sizes"),
            Question("4.5.B", "The network on a sentence", "line_scores"),
            Question("4.6", "Jitter", "jitter"),
        ),
    ),
    Part(
        5,
        "Pretrained networks on photographs",
        (
            Question("5.1", "A pretrained network names a photograph", "classification"),
            Question("5.2", "Table 5: classes of photographs", "photograph_classes"),
        ),
    ),
)


def command(numbers: Sequence[int], settings: ReportSettings) -> str:
    """The command that makes the report of the parts of these numbers again."""
    words = ["chainrule report", f"--seed {settings.seed}", f"--trials {settings.trials}"]
    if list(numbers) != [part.number for part in PARTS]:
        words.append(f"--parts {','.join(map(str, numbers))}")
    if settings.photos is not None:
        words.append(f"--photos {settings.photos}")
    words += ["--original-recipe"] * settings.original_recipe + ["--quick"] * settings.quick
    return " ".join(words)
