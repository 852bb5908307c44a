"""A training that is killed at any moment, and resumed, ends with the bytes of one that was left alone.

CALIBEVAL_KILLS sets the number of kills: 3 in the suite, 50 by `make fuzz`.
"""

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from calibeval.cli.main import main
from tests.cli import feature_files as files

KILLS = min(50, int(os.environ.get("CALIBEVAL_KILLS", "3")))
COMMAND = [
    "--loss", "mbls,cals", "--head", "mlp", "--hidden", 8, "--tune", "--trials", 3, "--epochs", 12, "--seeds", 2, "-q",
]  # fmt: skip


@pytest.fixture(scope="module")
def processes():
    """Where processes come from that have imported torch already: its import takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALIBEVAL_CHECKPOINT_SECONDS", "0")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["calibeval.cli.main", "calibeval.runs.run", "torch._dynamo"])
        context.Process(target=int).start()
        yield context


def begun(processes, folder, *words, out="run"):
    process = processes.Process(target=main, args=([str(word) for word in files.words(folder, *words, out=out)],))
    process.start()
    return process


@pytest.fixture(scope="module")
def finished(processes, tmp_path_factory):
    """The caches, the files of an undisturbed run, those of an older one, and how long a run takes."""
    folder = files.splits(tmp_path_factory.mktemp("finished"))
    begun(processes, folder, *COMMAND, "--seed", 5, out="old").join()
    began = time.monotonic()
    begun(processes, folder, *COMMAND, out="new").join()
    duration = time.monotonic() - began
    return folder, files.contents(folder / "new"), files.contents(folder / "old"), duration


def check_whole(found, new, old):
    """Every file is the old one or the new one; the history is the beginning of the new one, or the old one."""
    history, checkpoint = found.pop("history.jsonl"), found.pop("checkpoint.safetensors", None)
    assert history == old["history.jsonl"] or new["history.jsonl"].startswith(history)
    temporary = [name for name in found if name.endswith(".tmp")]
    assert len(temporary) <= 1
    for name in found.keys() - set(temporary):
        assert found[name] in (new.get(name), old.get(name)), name
    if found["report.json"] == new["report.json"]:
        assert all(found[name] == content for name, content in new.items() if name != "history.jsonl")
    return checkpoint


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_training_ends_as_if_left_alone(number, processes, finished, tmp_path):
    caches, new, old, duration = finished
    assert new["head.safetensors"] != old["head.safetensors"]
    rng = np.random.default_rng(number)
    out = tmp_path / "run"
    for name, content in old.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    for kill in range(1 + number % 2):
        process = begun(processes, caches, *COMMAND, *(["--resume"] if kill else ["--overwrite"]), out=out)
        time.sleep(duration * rng.uniform(0.05, 1.05 if kill == 0 else 0.5))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        started = check_whole(files.contents(out), new, old) is not None
        if not started:  # killed before the first checkpoint, or after the end
            break
    begun(processes, caches, *COMMAND, *(["--resume"] if started or kill else ["--overwrite"]), out=out).join()
    assert files.contents(out) == new
