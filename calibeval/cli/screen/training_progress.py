"""Progress of a training on standard error: a changing line on a terminal, else one line per stage."""

from __future__ import annotations

import math
import sys
import time
from typing import Self

from calibeval.cli.screen.progress import StatusLine
from calibeval.training.sweep import StageEpoch


class TrainingProgress(StatusLine):
    """Shows after each epoch the stage, the validation scores and the time left."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._stage, self._stage_began = 0, 0.0

    def __enter__(self) -> Self:
        self._stage_began = time.monotonic()
        return self

    def show(self, step: StageEpoch) -> None:
        """Called after each epoch."""
        now = time.monotonic()
        if step.number != self._stage:
            self._stage, self._stage_began = step.number, self._stage_began if step.epoch.number == 1 else now
        last = step.epoch.number == step.epochs or not any(step.epoch.running)
        if self.due():
            self.change(self._line(step, now))
        elif self.talks and not self.watched and last:
            sys.stderr.write(f"{self._line(step, now)}\n")
            sys.stderr.flush()
        if last:
            self._stage_began = now

    def _line(self, step: StageEpoch, now: float) -> str:
        count = len(step.stage.recipes)
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
