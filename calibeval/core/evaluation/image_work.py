"""Images that come one by one: what threads compute of one, and how it is added to those before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from calibeval.core.data.block import Block
from calibeval.core.dense.case import Case
from calibeval.core.dense.image_sums import ImageParts, Part, Pixels
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.batches import Batch
from calibeval.core.evaluation.chunk_work import Ready, Worked
from calibeval.core.evaluation.first_batch import GROUP
from calibeval.core.evaluation.mergeable import check_alike
from calibeval.core.evaluation.running import Running
from calibeval.core.sums.engine import chunk_rows


class ImageWork(NamedTuple):
    """The sums of an image, and those of its pixels, piece by piece."""

    parts: ImageParts
    pieces: tuple[Worked, ...]


def expecting(rows: Accumulation, batch: Batch) -> Running:
    """What an image is added to. rows: all images before it.

    Raises: InputError, UsageError if it is of another sort.
    """
    running = rows.running or rows.begin(batch, GROUP)
    check_alike(running.facts, batch, weighted=False)
    return running


def image_work(batch: Batch, case: Case, running: Running) -> ImageWork:
    """What is computed of an image alone. running: what it will be added to, which does not change."""
    labels, keep, step = batch.rows.labels, batch.keep, chunk_rows(running.facts.kinds)
    done, parts = [], []
    for start in range(0, len(keep), step):
        here = slice(start, start + step)
        scores, own, kept = batch.scores[here], labels[here], keep[here]
        if not kept.all():
            scores, own = scores[kept], own[kept]
        if len(own):  # channels come first in a case: from here on, the scores of a pixel lie together
            block = Block(np.ascontiguousarray(scores), own.astype(np.int64), 0)
            worked = running.work(Ready(block, None, kept, start))
            parts.append(Part(block, worked.sums))
            done.append(worked.let_go())
    pixels = Pixels(np.flatnonzero(keep), case.labels, case.spacing)
    return ImageWork(ImageParts.of(pixels, parts, running.facts.kinds.k or 0, running.compared), tuple(done))


def add_image(running: Running, batch: Batch, work: ImageWork, name: int | str) -> None:
    """The next image. name: of its group."""
    counts = running.counts
    code = None if running.groups is None else running.groups.code_of(name)
    first = counts.stored
    counts.add_images(first, 1, batch.rows.layout[1:])
    running.warn(batch.rows.warnings)
    for piece in work.pieces:
        ready = piece.ready
        codes = None if code is None else np.full(len(ready.block.labels), code, np.intp)
        running.take(piece._replace(ready=ready._replace(codes=codes, stored=first + ready.stored)))
    counts.stored = first + len(batch.keep)
