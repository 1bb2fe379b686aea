"""Which layer of a chain takes what: the one before it, or those that it names."""

import difflib
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from chainrule.blocks.block import Block, check_block
from chainrule.errors import InputError

V = TypeVar("V")


class Step(NamedTuple):
    """One layer: what it takes, and which of these no later layer takes."""

    name: str
    block: Block
    inputs: tuple[str, ...]
    done: tuple[str, ...]

    def take(self, values: Mapping[str, V]) -> V | tuple[V, ...]:
        """What the block takes: one value, or a tuple of several."""
        if self.block.several_inputs:
            return tuple(values[name] for name in self.inputs)
        return values[self.inputs[0]]


class Wired(Block):
    """A block made of layers, each of which takes inputs of it, or outputs of other layers."""

    inputs: Sequence[str]

    @property
    @abstractmethod
    def steps(self) -> tuple[Step, ...]:
        """The layers in their order, each with the names of what it takes."""


def typed_layers(layers: Any) -> tuple[tuple[Any, ...], ...]:
    """Pairs (name, block), and triples with the inputs' names where these are not the layer before.

    Raises InputError if there is anything else, or a name is not right.
    """
    if not isinstance(layers, Sequence) or isinstance(layers, str):
        raise InputError(f"Chain: `layers` is {layers!r}; expected a list")
    found: list[tuple[Any, ...]] = []
    seen: set[str] = set()
    for layer in layers:
        if not isinstance(layer, tuple | list) or len(layer) not in (2, 3):
            raise InputError(
                f"Chain: `layers` holds {layer!r}; expected pairs of a name and a block, or "
                "triples with the names of what it takes"
            )
        name, block, *taken = layer
        if not isinstance(name, str) or not name or "." in name or name in seen:
            raise InputError(
                f"layer name {name!r}; expected a name without a dot that no other layer has"
            )
        check_block(f"layer {name!r}", block)
        inputs = _names(name, taken[0]) if taken else ()
        before = (found[-1][0],) if found else ()
        plain = not inputs or (inputs == before and not block.several_inputs)
        found.append((name, block) if plain else (name, block, inputs))
        seen.add(name)
    return tuple(found)


def steps_of(layers: Sequence[tuple[Any, ...]], inputs: tuple[str, ...]) -> tuple[Step, ...]:
    """The layers in their order, each with what it takes.

    Raises InputError if a name is not there (yet), a block takes another number of inputs, or a
    layer's output is taken by none.
    """
    known, before = list(inputs), inputs[0]
    wired = []
    for name, block, *taken in layers:
        sources: tuple[str, ...] = taken[0] if taken else (before,)
        for source in sources:
            if source not in known:
                near = difflib.get_close_matches(source, known, 1)
                hint = f", did you mean {near[0]!r}?" if near else ""
                raise InputError(
                    f"layer {name!r} takes {source!r}, which is no layer before it{hint}; expected "
                    f"one of {', '.join(known)}"
                )
        _check_number(name, block, sources, named=bool(taken))
        wired.append((name, block, sources))
        known.append(name)
        before = name
    if any(len(layer) == 3 for layer in layers) or len(inputs) > 1:
        _check_graph(wired, inputs)
    last = {source: i for i, (_, _, sources) in enumerate(wired) for source in sources}
    return tuple(
        Step(name, block, sources, tuple(s for s in dict.fromkeys(sources) if last[s] == i))
        for i, (name, block, sources) in enumerate(wired)
    )


def as_pairs(layers: Iterable[tuple[Any, ...]], inputs: Sequence[str]) -> list[tuple[Any, ...]]:
    """Triples (name, block, inputs), as pairs where the names go without saying."""
    found, before = [], (inputs[0],)
    for name, block, taken in layers:
        plain = taken == before and not block.several_inputs
        found.append((name, block) if plain else (name, block, taken))
        before = (name,)
    return found


def input_names(inputs: Any) -> tuple[str, ...]:
    """The names of a chain's inputs. Raises InputError."""
    names = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    right = all(isinstance(name, str) and name and "." not in name for name in names)
    if not names or not right or len(set(names)) < len(names):
        raise InputError(f"Chain: `inputs` is {inputs!r}; expected different names without a dot")
    return names


def by_name(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What a chain is given, by its inputs' names: one thing, or a tuple or mapping of several.

    Raises InputError if it is not as many.
    """
    if isinstance(value, Mapping):
        if set(value) != set(names):
            raise InputError(
                f"Chain: the inputs are {', '.join(map(repr, value))}; expected "
                f"{', '.join(map(repr, names))}"
            )
        return {name: value[name] for name in names}
    if len(names) == 1:
        return {names[0]: value}
    if not isinstance(value, tuple | list) or len(value) != len(names):
        found = len(value) if isinstance(value, tuple | list) else 1
        raise InputError(f"Chain: found {found} inputs; expected {len(names)}: {', '.join(names)}")
    return dict(zip(names, value, strict=True))


def _names(layer: str, taken: Any) -> tuple[str, ...]:
    names = (taken,) if isinstance(taken, str) else taken
    if (
        not isinstance(names, tuple | list)
        or not names
        or not all(isinstance(name, str) for name in names)
    ):
        raise InputError(
            f"layer {layer!r} takes {taken!r}; expected the name of a layer, or names of several"
        )
    return tuple(names)


def _check_number(name: str, block: Block, sources: tuple[str, ...], *, named: bool) -> None:
    kind = type(block).__name__
    if block.several_inputs and not named:
        raise InputError(
            f"layer {name!r}: a {kind} takes several inputs; expected their names, as in "
            f"({name!r}, {kind}(...), ('one', 'other'))"
        )
    if not block.several_inputs and len(sources) > 1:
        raise InputError(
            f"layer {name!r} takes {', '.join(map(repr, sources))}; expected one, which is what a "
            f"{kind} takes"
        )


def _check_graph(wired: list[tuple[str, Block, tuple[str, ...]]], inputs: tuple[str, ...]) -> None:
    """Check that names are told apart, and that everything leads to the last layer."""
    names = [name for name, _, _ in wired]
    for name in inputs:
        if name in names:
            raise InputError(
                f"{name!r} is the name of a layer and of an input; expected another for one of them"
            )
    taken = {source for _, _, sources in wired for source in sources}
    for name in (*inputs, *names[:-1]):
        if name not in taken:
            what = "input" if name in inputs else "layer"
            raise InputError(f"{what} {name!r} leads nowhere; expected a layer that takes it")
