"""Progress of a training on standard error: a line that changes where somebody watches, else one per stage."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import Self

from calibeval.training.sweep import Step

INTERVAL = 0.2


class TrainingProgress:
    """Says after each epoch where the training is, how good, and how long it will take; use it in a with statement."""

    def __init__(self, *, quiet: bool) -> None:
        self._talks = not quiet and sys.stderr is not None
        self._watched = self._talks and sys.stderr.isatty()
        self._began = time.monotonic()
        self._stage_began = self._began
        self._stage, self._next, self._shown = 0, 0.0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, step: Step) -> None:
        """One epoch is done."""
        now = time.monotonic()
        if step.number != self._stage:
            self._stage, self._stage_began = step.number, self._stage_began if step.epoch.number == 1 else now
        last = step.epoch.number == step.epochs or not any(step.epoch.running)
        if self._watched and now >= self._next:
            self._next, self._shown = now + INTERVAL, True
            sys.stderr.write(f"\r\x1b[K{self._line(step, now)}")
            sys.stderr.flush()
        elif self._talks and not self._watched and last:
            sys.stderr.write(f"{self._line(step, now)}\n")
            sys.stderr.flush()
        if last:
            self._stage_began = now

    def _line(self, step: Step, now: float) -> str:
        count = len(step.stage.candidates)
        what = (
            f"{count} trials"
            if step.stage.trial
            else f"seed {step.stage.seed}, {count} heads"
            if count > 1
            else "training"
        )
        validation = step.epoch.validation
        best = min(range(count), key=lambda i: validation.nll_after[i])
        parts = [
            f"{step.number}/{step.stages} {what}: epoch {step.epoch.number}/{step.epochs}",
            f"loss {_shown(step.epoch.losses[best])}",
            f"VAL NLL {_shown(validation.nll[best])} ({_shown(validation.nll_after[best])} after temperature)",
            f"accuracy {100 * validation.accuracy[best]:.1f} %",
        ]
        if not math.isfinite(validation.nll[best]):
            parts[1:] = ["diverged"]
        spent = (now - self._stage_began) / max(step.epoch.number, 1)
        left = spent * (step.epochs - step.epoch.number + step.epochs * (step.stages - step.number))
        if left >= 1:
            parts.append(f"{_duration(left)} left at most")
        return ", ".join(parts)


def _shown(number: float) -> str:
    return f"{number:.4f}" if abs(number) < 1e6 else f"{number:.3g}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
