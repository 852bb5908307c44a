"""What tests let two processes do together, over gloo: `python -m tests.integrations.in_processes`."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

K = 4
NAMES = ["accuracy", "ece", "aece", "nll"]
SHARES = {0: slice(0, 410), 1: slice(410, 600)}  # of unequal size


def rows():
    """Logits and labels of all processes."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(600, K, generator=generator)
    return logits, torch.multinomial(torch.softmax(logits / 2, 1), 1, generator=generator)[:, 0]


def scenario(rank):
    """Of torchmetrics: the values of all, of the rows of one rank only, and after more rows have come."""
    from calibeval.torchmetrics import Calibration  # noqa: PLC0415 - its worth testing that each process imports it

    logits, labels = (part[SHARES[rank]] for part in rows())
    metric = Calibration(NAMES)
    for batch in zip(logits.split(64), labels.split(64), strict=True):
        metric.update(*batch)
    found = {"all": metric.compute(), "n": metric.report().dumps[0].n, "own n": metric._rows.n}
    found["own"] = Calibration(NAMES, sync_on_compute=False)
    found["own"].update(logits, labels)
    found["own"] = found["own"].compute()
    found["batch"] = metric(logits[:50], labels[:50])
    found["more"] = metric.compute()
    one = Calibration("ece")
    if rank == 1:
        one.update(logits, labels)
    found["one rank"] = one.compute() if rank == 1 else _quietly(one)
    metric.reset()
    metric.update(logits[:100], labels[:100])
    found["next epoch"] = metric.compute()
    return found


def of_ignite(rank):
    """The values of all, which stay the same when they are computed again, and those after more rows."""
    from calibeval.ignite import Calibration  # noqa: PLC0415 - as above

    logits, labels = (part[SHARES[rank]] for part in rows())
    metric = Calibration(NAMES)
    metric.update((logits, labels))
    found = {"all": metric.compute(), "again": metric.compute(), "n": metric.report().dumps[0].n}
    metric.update((logits[:50], labels[:50]))
    found["more"] = metric.compute()
    return found


def of_lightning(rank):
    """What the callback logs, of loaders with more batches in one process than in the other."""
    import pytorch_lightning as pl  # noqa: PLC0415 - as above

    from calibeval.lightning import CalibrationCallback  # noqa: PLC0415 - as above

    class Same(pl.LightningModule):
        def validation_step(self, batch, _):
            return batch[0]

    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "none", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}
    logits, labels = (part[SHARES[rank]] for part in rows())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(logits, labels), batch_size=64)
    callback = CalibrationCallback(NAMES)
    quiet = {"enable_progress_bar": False, "enable_checkpointing": False, "enable_model_summary": False}
    trainer = pl.Trainer(
        callbacks=[callback],
        accelerator="cpu",
        strategy="ddp",
        devices=2,
        logger=False,
        use_distributed_sampler=False,
        **quiet,
    )
    (logged,) = trainer.validate(Same(), loader, verbose=False)
    return {"all": logged, "batches": len(loader), "n": callback.reports["val"][0].dumps[0].n}


def _quietly(metric):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # compute before update, which is so here
        return metric.compute()


def run_both(folder):
    """What each of the two processes found."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo",
    }
    root = Path(__file__).parents[2]
    commands = [[sys.executable, "-m", __name__, str(rank), str(folder)] for rank in range(2)]
    started = [subprocess.Popen(one, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) for one in commands]
    try:
        errors = [process.communicate(timeout=240)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    if any(process.returncode for process in started):
        raise RuntimeError("\n".join(errors))
    return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(2)]


def main(rank, folder):
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=2, timeout=timedelta(seconds=120))
    torch.save(
        {"torchmetrics": scenario(rank), "ignite": of_ignite(rank), "lightning": of_lightning(rank)},
        Path(folder) / f"{rank}.pt",
    )
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
