"""Work that a GPU repeats in every step, recorded once and then started as a whole: small kernels are started faster.

Starting some fifty small kernels one by one takes a processor longer than a GPU needs to run them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

FIRST_CALLS = 2  # that are not recorded: they choose kernels and make buffers

Inputs: TypeAlias = tuple[Tensor | None, ...]


class Replayed:
    """A function of tensors, which on a GPU is recorded as a CUDA graph and replayed for inputs of the same shapes.

    The function may read and write other tensors, too, as long as these stay where they are; it must not wait for the
    GPU. Its result is overwritten by the next call. On a CPU, for inputs of other shapes, and where recording fails,
    the function is simply called.
    Source: CUDA Graphs in the documentation of torch.cuda.
    """

    def __init__(self, run: Callable[..., Tensor]) -> None:
        self._run = run
        self._calls = 0
        self._shapes: tuple[object, ...] = ()
        self._inputs: Inputs = ()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: Tensor | None = None

    def __call__(self, *inputs: Tensor | None) -> Tensor:
        """The function's result for the inputs."""
        first = inputs[0]
        if first is None or first.device.type != "cuda" or self._calls < 0:
            return self._run(*inputs)
        self._calls += 1
        if self._calls <= FIRST_CALLS:
            return self._run(*inputs)
        shapes = tuple(None if one is None else (one.shape, one.dtype) for one in inputs)
        if self._graph is None and not self._record(inputs, shapes):
            return self._run(*inputs)
        if shapes != self._shapes or self._graph is None or self._result is None:
            return self._run(*inputs)
        for kept, one in zip(self._inputs, inputs, strict=True):
            if kept is not None and one is not None:
                kept.copy_(one)
        self._graph.replay()
        return self._result

    def _record(self, inputs: Inputs, shapes: tuple[object, ...]) -> bool:
        """Record the function for inputs of these shapes; whether that worked. It is never tried twice."""
        kept = tuple(None if one is None else one.clone() for one in inputs)
        graph = torch.cuda.CUDAGraph()
        try:
            torch.cuda.synchronize()
            with torch.cuda.graph(graph):
                result = self._run(*kept)
        except RuntimeError:
            self._calls = -1
            return False
        self._graph, self._result, self._inputs, self._shapes = graph, result, kept, shapes
        return True
