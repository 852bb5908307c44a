"""What the processes of distributed training tell each other, so that all of them go on alike, or all of them stop."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import torch
import torch.distributed as dist
from torch import Tensor

NOTE_BYTES = 1024  # of the text that a process tells the others
DONE = "\n"  # begins the text of a process that did not fail
KINDS: dict[str, type[Exception]] = {"ValueError": ValueError, "TypeError": TypeError}  # others become RuntimeError


class Processes:
    """The processes of a group, as one of them sees them; also a context that all of them leave, or that all raise in.

    An exception in the context of one process would let the others wait for it: here they raise it, too. Every process
    must enter the context, and call `rows` in the same order. same: a text that all must have in common, such as the
    settings that `rows` depends on.
    """

    def __init__(self, group: dist.ProcessGroup | None, device: torch.device, same: str) -> None:
        self._group, self._device, self._same = group, _of_messages(group, device), same
        self._ranks = dist.get_process_group_ranks(group)

    def __enter__(self) -> Self:
        """Start what every process must finish."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise what another process raised; an exception of this process goes on.

        Raises: ValueError, too, if the processes have different texts.
        """
        if kind is not None and not issubclass(kind, Exception):
            return  # the user stops the process, and may not have to wait for the others
        notes = self._notes(DONE + self._same if kind is None else f"{kind.__name__}\n{error}")
        failed = next((i for i, note in enumerate(notes) if not note.startswith(DONE)), None)
        if kind is not None:
            return
        if failed is not None:
            name, _, message = notes[failed].partition("\n")
            shown = message if name in KINDS else f"update: {name}: {message}"
            raise KINDS.get(name, RuntimeError)(f"{shown} ({self.place(failed)})")
        other = next((i for i, note in enumerate(notes) if note != notes[0]), None)
        if other is not None:
            raise ValueError(f"update: another loss, or other parameters, than on rank 0 ({self.place(other)})")

    def place(self, process: int) -> str:
        """Where something is, for messages."""
        return f"on rank {self._ranks[process]}"

    def rows(self, values: Tensor) -> Tensor:
        """The values of every process, as rows in the order of the processes, in float64; all have the same number."""
        return self._gathered(values.to(self._device, torch.float64)).to(values.device)

    def _notes(self, text: str) -> list[str]:
        """A text of every process."""
        written = text.encode()[:NOTE_BYTES].ljust(NOTE_BYTES, b"\0")
        found = self._gathered(torch.frombuffer(bytearray(written), dtype=torch.uint8).to(self._device))
        return [bytes(note).rstrip(b"\0").decode(errors="ignore") for note in found.tolist()]

    def _gathered(self, mine: Tensor) -> Tensor:
        found = [torch.empty_like(mine) for _ in self._ranks]
        dist.all_gather(found, mine, group=self._group)
        return torch.stack(found)


def processes(group: dist.ProcessGroup | None, device: torch.device, same: str) -> Processes | None:
    """The processes of a group, or all if it is None; None if there is only this one. device: of the tensors.

    Raises: ValueError if this process is not in the group.

    >>> processes(None, torch.device("cpu"), "") is None
    True
    """
    if not (dist.is_available() and dist.is_initialized()):
        return None
    if dist.get_rank(group) < 0:
        raise ValueError("process_group: this process is not in it")
    return Processes(group, device, same) if dist.get_world_size(group) > 1 else None


def _of_messages(group: dist.ProcessGroup | None, device: torch.device) -> torch.device:
    """Where the backend of the group takes tensors from: the CPU, or for nccl and its like a device of theirs."""
    types = [part.partition(":")[0] for part in dist.get_backend_config(group).split(",")]
    if "cpu" in types:
        return torch.device("cpu")
    return device if device.type in types else torch.device(types[0])
