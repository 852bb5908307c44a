"""`--engine dask`: standard output and files are those of the plain command; what workers cannot read is told."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run
from tests.data import logits_and_labels

pytest.importorskip("distributed")
THREADS = True  # of workers


def plain_and_far(capsys, cluster, arguments, *names):
    """What a command prints, and its files, without and with the cluster."""
    found = []
    for i, engine in enumerate(([], ["--engine", f"dask={cluster.scheduler_address}"])):
        own = [one.format(out=names[i]) if names else one for one in arguments]
        ran = run(capsys, *own, *engine)
        assert ran.code in (0, 1), ran.err
        found.append(ran)
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "{dump}", "--json"],
        ["report", "{dump}", "--fit-on", "{other}"],
        ["report", "{dump}", "{other}", "--metrics", "all", "--format", "md"],
        ["compare", "{dump}", "{other}", "--full"],
        ["gate", "{dump}", "--max", "ece=0.01", "--why"],
        ["fit", "{dump}", "--json"],
        ["fit", "{dump}"],
    ],
    ids=" ".join,
)
def test_commands_print_the_same(capsys, cluster, shards, arguments):
    paths = {"dump": str(shards(ids=True)), "other": str(shards(k=10, ids=True, name="other", kind="probs"))}
    plain, far = plain_and_far(capsys, cluster, [one.format(**paths) for one in arguments])
    assert far == plain
    assert plain.out


def test_folders_hold_the_same_bytes(capsys, cluster, shards, tmp_path):
    folders = [tmp_path / name for name in ("plain", "far")]
    plain_and_far(capsys, cluster, ["report", str(shards()), "-o", "{out}"], *map(str, folders))
    names = sorted(path.name for path in folders[0].iterdir())
    assert sorted(path.name for path in folders[1].iterdir()) == names
    for name in names:
        plain, far = ((folder / name).read_bytes() for folder in folders)
        assert far.replace(b"far", b"plain") == plain, name


@pytest.mark.parametrize("suffix", ["npy", "npz", "pt", "safetensors"])
def test_files_of_every_such_format_are_read_by_workers(client, tmp_path, suffix):
    logits, labels = logits_and_labels(2000, 10)
    path = tmp_path / f"one.{suffix}"
    if suffix == "npy":
        path, beside = tmp_path / "one_logits.npy", tmp_path / "one_labels.npy"
        np.save(path, logits)
        np.save(beside, labels)
        more = {"labels": beside, "kind": "logits"}
    else:
        calibeval.Predictions(logits=logits, labels=labels).save(path)
        more = {}
    before = client.run(executed)
    found = calibeval.evaluate(path, **more, engine=client)
    assert client.run(executed) != before
    assert found.to_json() == calibeval.evaluate(path, **more).to_json()


def executed(dask_worker):
    return dask_worker.state.executed_count


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_what_workers_cannot_read_is_read_here_and_told(capsys, cluster, tmp_path, suffix):
    logits, labels = logits_and_labels(2000, 4)
    path = tmp_path / f"one.{suffix}"
    if suffix == "csv":
        calibeval.Predictions(logits=logits, labels=labels).save(path)
    else:
        np.savez_compressed(path, logits=logits, labels=labels)
    plain, far = plain_and_far(capsys, cluster, ["report", str(path), "--json"])
    assert far.out == plain.out
    told = f"note: {path.name}: its rows were read by this process, not by workers, "
    assert far.err.startswith(plain.err + told)


def test_quiet_commands_tell_nothing(capsys, cluster, tmp_path):
    logits, labels = logits_and_labels(200, 4)
    calibeval.Predictions(logits=logits, labels=labels).save(tmp_path / "one.csv")
    ran = run(
        capsys, "report", str(tmp_path / "one.csv"), "--json", "-q", "--engine", f"dask={cluster.scheduler_address}"
    )
    assert ran.err == ""


def test_python_warns_of_what_workers_cannot_read(client):
    logits, labels = logits_and_labels(200, 4)
    dump = calibeval.Predictions(logits=logits, labels=labels)
    with pytest.warns(UserWarning, match=r"its rows were read by this process, not by workers"):
        calibeval.evaluate(dump, engine=client)


@pytest.mark.slow
def test_processes_are_started_and_end_with_the_command(tmp_path):
    logits, labels = logits_and_labels(150_000, 10)
    np.savez(tmp_path / "dump.npz", logits=logits.astype(np.float32), labels=labels)
    command = [sys.executable, "-m", "calibeval", "report", "dump.npz", "--json", "--jobs", "2"]
    plain, far = (
        subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, check=True, env={**os.environ})
        for more in ([], ["--engine", "dask"])
    )
    assert (far.stdout, far.stderr) == (plain.stdout, plain.stderr)


@pytest.mark.parametrize("kind", ["npz", "csv"])
def test_shards_that_workers_cannot_read_give_the_same(client, tmp_path, kind):
    logits, labels = logits_and_labels(900, 4)
    for i in range(3):
        here = slice(300 * i, 300 * (i + 1))
        if kind == "npz":
            np.savez_compressed(tmp_path / f"part-{i}.npz", logits=logits[here], labels=labels[here])
        else:
            calibeval.Predictions(logits=logits[here], labels=labels[here]).save(tmp_path / f"part-{i}.csv")
    with pytest.warns(UserWarning, match="its rows were read by this process"):
        far = calibeval.evaluate(tmp_path, fit_on=tmp_path, allow_leak=True, engine=client)
    assert far.to_json() == calibeval.evaluate(tmp_path, fit_on=tmp_path, allow_leak=True).to_json()
