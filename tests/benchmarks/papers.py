"""The section of docs/benchmarks.md on CIFAR-10 from images: a ResNet trained with each loss, beside published figures.

    python -m tests.benchmarks.papers --data cifar10_jpeg.npz [--minutes M] [--records FILE] [--quick]
    python -m tests.benchmarks.papers --from FILE

Wants a GPU; --device cpu with --quick shows that it runs. The first training's speed decides the number of epochs, the
same for every training, so that all of them fit into the minutes. Each result is a line of JSON, written as soon as it
is there; --from renders the table of such a file, also one of a run that was cut off.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from calibeval import InputError, Predictions, evaluate
from calibeval.losses import CALS, FLSD, ConfidencePenalty, Criterion, CrossEntropy, FocalLoss, LabelSmoothing, MbLS
from tests.benchmarks.cifar_images import Images, read_images
from tests.benchmarks.cifar_training import K, Rows, Trainer
from tests.benchmarks.timing import machine, say, table

DATA = Path(os.environ.get("CALIBEVAL_REAL_DUMPS", Path(__file__).parents[3] / "shared" / "data")) / "cifar10_jpeg.npz"
VAL_ROWS = 5000
MOST_EPOCHS, LEAST_EPOCHS = 60, 2
SPARE = 0.93  # of the time that is left, which the trainings may take
MEASURED = {"accuracy": (100, 2), "ece": (100, 2), "aece": (100, 2), "nll": (1, 3)}
OF_THE_TEMPERATURE = ("ece", "aece", "nll")


class Candidate(NamedTuple):
    """A loss, and what was published for a ResNet-50: accuracy, ECE and AECE in percent; None where it was not."""

    make: Callable[[], Criterion]
    published: tuple[float | None, float | None, float | None] = (None, None, None)


# Published: Liu, Ben Ayed, Galdran, Dolz, CVPR 2022, the poster's table for CIFAR-10.
LOSSES = {
    "CE": Candidate(CrossEntropy, (93.20, 5.85, 5.84)),
    "ECP, beta 0.1": Candidate(lambda: ConfidencePenalty(beta=0.1), (94.75, 3.01, 2.99)),
    "LS, alpha 0.05": Candidate(lambda: LabelSmoothing(alpha=0.05), (94.87, 2.79, 3.85)),
    "FL, gamma 3": Candidate(lambda: FocalLoss(gamma=3.0), (94.82, 3.90, 3.86)),
    "FLSD": Candidate(FLSD, (94.77, 3.84, 3.60)),
    "MbLS, m 0": Candidate(lambda: MbLS(margin=0.0, alpha=0.1), (94.76, 3.72, 4.29)),
    "MbLS, m 6": Candidate(lambda: MbLS(margin=6.0, alpha=0.1), (95.25, 1.16, None)),
    "CALS, m 6": Candidate(lambda: CALS(num_classes=K, margin=6.0)),
}


def main() -> None:
    """Train, or read the records, and print the section."""
    began = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="the images")
    parser.add_argument("--from", dest="source", type=Path, help="records of an earlier run: only render the table")
    parser.add_argument("--records", type=Path, help="where the records are written; without it, $OUT/papers.jsonl")
    parser.add_argument("--minutes", type=float, default=7.0, help="that all may take, compiling included")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="so many, whatever time they take")
    parser.add_argument("--losses", help="only those whose names contain one of these words, split at commas")
    parser.add_argument("--blocks", type=int, default=2, help="of each stage; two make a ResNet-18, one a ResNet-10")
    parser.add_argument("--width", type=int, default=64, help="channels of the first stage")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--quick", action="store_true", help="1,000 images, a narrow network, two losses, one seed")
    arguments = parser.parse_args()
    if arguments.source is None and (reason := _cannot_run(arguments)):
        say(reason)
        return
    if arguments.source is None:
        arguments.source = _records(arguments)
        _run(arguments, arguments.source, began)
    print(section([json.loads(line) for line in arguments.source.read_text(encoding="utf-8").splitlines()]))


def _cannot_run(arguments: argparse.Namespace) -> str | None:
    if arguments.device == "cuda" and not torch.cuda.is_available():
        return "papers: this machine has no GPU; nothing is measured, and the page stays as it is"
    return None if arguments.data.is_file() else f"papers: {arguments.data} is not here; name the images with --data"


def _records(arguments: argparse.Namespace) -> Path:
    path = arguments.records or Path(os.environ.get("OUT", "build/gpu")) / "papers.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _run(arguments: argparse.Namespace, records: Path, began: float) -> None:
    if arguments.quick:
        arguments.width, arguments.batch, arguments.seeds = 8, 64, 1
        arguments.losses = arguments.losses or "CE,CALS"
        arguments.epochs = arguments.epochs or 2
    losses, where = chosen_losses(arguments.losses), machine()
    whole = read_images(arguments.data, "train", 1000 if arguments.quick else None)
    test_images = read_images(arguments.data, "test", 1000 if arguments.quick else None)
    train_images, val_images = split(whole, 200 if arguments.quick else VAL_ROWS)
    say(f"{len(whole.labels) + len(test_images.labels):,} images after {time.perf_counter() - began:.1f} s")
    device = arguments.device
    train, val, test = (
        Rows(images, device, padded=padded)
        for images, padded in ((train_images, True), (val_images, False), (test_images, False))
    )
    start = time.perf_counter()
    trainer = Trainer(
        arguments.blocks, arguments.width, device, batch=arguments.batch, compiled=not arguments.no_compile
    )
    compiling = time.perf_counter() - start
    steps = len(train) // arguments.batch
    step, held_out = trainer.seconds(CALS(num_classes=K, margin=6.0), train, val)
    trainings = len(losses) * arguments.seeds
    left = 60 * arguments.minutes - (time.perf_counter() - began)
    each = held_out * (2 + len(test) / len(val)) + 1.0  # logits at the end, new weights, and the metrics
    epochs = arguments.epochs or epochs_that_fit(left, trainings, steps * step + held_out, each)
    say(f"compiled in {compiling:.0f} s; {1000 * step:.2f} ms a step, {steps} steps an epoch: {epochs} epochs")
    with records.open("w", encoding="utf-8") as file:
        _write(
            file,
            {**_setting(arguments, trainer, where), "epochs": epochs, "step_seconds": step, "compiling": compiling},
        )
        longest = 0.0
        for seed in range(arguments.seeds):
            for name, candidate in losses.items():
                gone = time.perf_counter() - began
                if arguments.epochs is None and gone + longest > 60 * arguments.minutes:
                    say(f"no time for {name} with seed {seed}, after {gone:.0f} s")
                    continue
                start = time.perf_counter()
                try:
                    trained = trainer.train(candidate.make(), seed, epochs, train, val, test)
                    seconds = time.perf_counter() - start
                    found = measured(trained.val_logits, val_images.labels, trained.test_logits, test_images.labels)
                except (InputError, ValueError) as error:  # NaN, where the training diverged
                    say(f"{name}, seed {seed}: {error}")
                    _write(file, {"loss": name, "seed": seed, "reason": str(error)})
                    continue
                more = {"train_loss": trained.loss, "train_accuracy": trained.train_accuracy, "seconds": seconds}
                _write(file, {"loss": name, "seed": seed, **found, **more})
                longest = max(longest, time.perf_counter() - start)
                say(f"{name}, seed {seed}: {_short(found)}, {seconds:.1f} s, at {time.perf_counter() - began:.0f} s")


def chosen_losses(words: str | None) -> dict[str, Candidate]:
    """The losses whose names contain one of the words; all without words."""
    if words is None:
        return LOSSES
    return {name: loss for name, loss in LOSSES.items() if any(word.strip() in name for word in words.split(","))}


def split(images: Images, held_out: int) -> tuple[Images, Images]:
    """Training and held-out images, drawn once for all trainings."""
    order = np.random.default_rng(0).permutation(len(images.labels))
    parts = np.sort(order[held_out:]), np.sort(order[:held_out])
    return tuple(Images(images.pixels[part], images.labels[part]) for part in parts)


def epochs_that_fit(left: float, trainings: int, of_an_epoch: float, of_a_training: float) -> int:
    """The number of epochs with which all trainings fit into the seconds that are left, some of them spared.

    of_an_epoch: seconds. of_a_training: seconds of each training beside its epochs.

    >>> epochs_that_fit(400, 20, 0.5, 1.0)
    35
    """
    for_epochs = SPARE * left / trainings - of_a_training
    return max(LEAST_EPOCHS, min(MOST_EPOCHS, int(for_epochs / of_an_epoch)))


def measured(
    val_logits: npt.NDArray[Any], val_labels: npt.NDArray[Any], logits: npt.NDArray[Any], labels: npt.NDArray[Any]
) -> dict[str, Any]:
    """The metrics of a dump before and after the temperature of another one, by calibeval."""
    report = evaluate(
        logits=logits,
        labels=labels.astype(np.int64),
        fit_on=Predictions(logits=val_logits, labels=val_labels.astype(np.int64)),
        metrics=list(MEASURED),
        level=None,
        allow_leak=True,  # the images are other ones; a network that learned nothing gives equal logits all the same
    )
    recalibrated = report.dumps[0].recalibrated
    return {
        "temperature": recalibrated.parameters["temperature"],
        "before": {name: report[name].value for name in MEASURED},
        "after": {name: recalibrated.metrics[name].value for name in MEASURED},
    }


def _setting(arguments: argparse.Namespace, trainer: Trainer, where: str) -> dict[str, Any]:
    """The first record: what all trainings share. where: the machine, as it was before this program kept it busy."""
    gpu = torch.cuda.get_device_name() if arguments.device == "cuda" else None
    return {
        "machine": where,
        "gpu": gpu,
        "net": trainer.net.name,
        "compiled": trainer.compiled,
        "batch": arguments.batch,
        "losses": len(chosen_losses(arguments.losses)),
        "seeds": arguments.seeds,
        "test_rows": 1000 if arguments.quick else 10_000,
        "quick": arguments.quick,
    }


def _write(file: Any, record: dict[str, Any]) -> None:
    file.write(json.dumps(record) + "\n")
    file.flush()


def _short(found: dict[str, Any]) -> str:
    before, after = found["before"], found["after"]
    return (
        f"accuracy {100 * before['accuracy']:.2f} %, ECE {100 * before['ece']:.2f} -> {100 * after['ece']:.2f} %, "
        f"NLL {before['nll']:.3f} -> {after['nll']:.3f}, T {found['temperature']:.2f}"
    )


def section(records: Sequence[dict[str, Any]]) -> str:
    """The section: what was run, the results by loss, and what differs from what was published."""
    setting, results = records[0], [one for one in records[1:] if "reason" not in one]
    failed = [f"{one['loss']} with seed {one['seed']} diverged." for one in records[1:] if "reason" in one]
    by_loss = {name: [one for one in results if one["loss"] == name] for name in LOSSES}
    by_loss = {name: found for name, found in by_loss.items() if found}
    heads = ["loss", "accuracy %", "ECE %", "AECE %", "NLL", "T", "ECE after T %", "AECE after T %", "NLL after T"]
    rows = [[name, *_numbers(found)] for name, found in by_loss.items()]
    heads_beside = ["loss", "published: accuracy", "ECE", "AECE", "here: accuracy", "ECE", "AECE"]
    beside = [[name, *map(_percent, LOSSES[name].published), *_numbers(found)[:3]] for name, found in by_loss.items()]
    parts = [_said(setting, results, failed), table(heads, rows)]
    parts += ["Beside the published figures of a ResNet-50, in percent:", table(heads_beside, beside), DIFFERENCES]
    return "\n\n".join(parts)


DIFFERENCES = """\
Published: the poster of MbLS (Liu et al., CVPR 2022); it has no CALS. What differs here: the images are a JPEG copy of
CIFAR-10 (quality 75), the network is smaller and was trained for fewer epochs in bfloat16, and 5,000 of the training
images are held out, on which the temperature is fitted and the multipliers of CALS are updated. The last epoch is
kept. The entropy of ECP is summed over the classes, as in its paper; the code of MbLS takes the mean. AECE is that of
calibeval, which keeps every row. So the figures show whether the order of the losses holds, not whether they are the
same."""


def _said(setting: dict[str, Any], results: Sequence[dict[str, Any]], failed: Sequence[str]) -> str:
    planned = setting["losses"] * setting["seeds"]
    seconds = [one["seconds"] for one in results]
    gpu = f" GPU: {setting['gpu']}." if setting["gpu"] else " No GPU."
    how = "compiled" if setting["compiled"] else "not compiled"
    made = len(results) + len(failed)
    cut = "".join(f" {one}" for one in failed)
    cut += f" Cut off after {made} of {planned} trainings." if made < planned else ""
    small = " Only a trial, on 1,000 images." if setting["quick"] else ""
    mean = sum(seconds) / max(len(seconds), 1)
    return (
        f"{setting['machine']}{gpu}\n\n{setting['net']}, {setting['epochs']} epochs, batch {setting['batch']}, {how}; "
        f"{mean:.1f} s a training, {1000 * setting['step_seconds']:.2f} ms a step. Results on the "
        f"{setting['test_rows']:,} test images, mean ± standard deviation over the seeds "
        f"({setting['seeds']}).{cut}{small}"
    )


def _numbers(found: Sequence[dict[str, Any]]) -> list[str]:
    before = [_spread((one["before"][name] for one in found), *MEASURED[name]) for name in MEASURED]
    after = [_spread((one["after"][name] for one in found), *MEASURED[name]) for name in OF_THE_TEMPERATURE]
    return [*before, _spread((one["temperature"] for one in found), 1, 2), *after]


def _spread(values: Iterable[float], scale: float, places: int) -> str:
    """Mean and standard deviation; the value alone, if there is one.

    >>> _spread([0.01, 0.03], 100, 1), _spread([0.25], 1, 2)
    ('2.0 ± 1.4', '0.25')
    """
    every = [scale * value for value in values]
    mean = sum(every) / len(every)
    if len(every) < 2:
        return f"{mean:.{places}f}"
    deviation = math.sqrt(sum((value - mean) ** 2 for value in every) / (len(every) - 1))
    return f"{mean:.{places}f} ± {deviation:.{places}f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
