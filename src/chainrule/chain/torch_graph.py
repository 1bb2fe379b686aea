"""A chain that is a graph as a torch module."""

from collections.abc import Mapping

from torch import Tensor, nn


class GraphModule(nn.Module):
    """Modules by name, each of which takes inputs or the outputs of earlier ones by their names."""

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        wires: list[tuple[str, tuple[str, ...]]],
        inputs: tuple[str, ...],
    ) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self._wires, self._inputs = wires, inputs

    def forward(self, *x: Tensor) -> Tensor:
        values = dict(zip(self._inputs, x, strict=True))
        for name, taken in self._wires:
            values[name] = self.get_submodule(name)(*(values[source] for source in taken))
        return values[name]
