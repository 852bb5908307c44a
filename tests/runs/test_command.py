"""From what was asked to the command: defaults that depend on each other, and the threads of torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calibeval.core.errors import UsageError
from calibeval.core.heads.features import Features
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.runs.asked import Asked
from calibeval.runs.command import command_of
from calibeval.runs.data import Data
from calibeval.runs.settings import sized


def command(losses="ce", **asked):
    return command_of(
        Asked(losses=losses, device="cpu", **asked), train="t", val="v", test=None, out=Path("o"),
        reading=ReadOptions(), jobs=1,
    )  # fmt: skip


def settings(**asked):
    return command(**asked).request.settings


@pytest.mark.parametrize(
    ("asked", "epochs"),
    [({}, 40), ({"tune": True}, 10), ({"epochs": 7}, 7), ({"epochs": 7, "tune": True}, 7), ({"patience": 3}, 40)],
)
def test_epochs_are_those_that_were_asked_for_or_fewer_where_many_heads_are_tried(asked, epochs):
    assert settings(**asked).epochs == epochs


def test_a_loss_with_its_default_written_out_is_another_only_where_parameters_are_searched():
    with pytest.raises(UsageError, match="are the same: by default, margin is 10"):
        command("mbls,mbls(margin=10)")
    assert len(command("mbls,mbls(margin=10)", tune=True).request.losses) == 2


def test_no_epochs_are_refused():
    with pytest.raises(UsageError, match="--epochs is 0"):
        Asked(epochs=0)


@pytest.mark.parametrize(("said", "policy"), [({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")])
def test_threads_sleep_while_they_wait_unless_the_user_chose(said, policy):
    code = (
        "import os\nfrom calibeval.runs.torch_setup import threads_that_wait\nthreads_that_wait()\n"
        "print(os.environ.get('OMP_WAIT_POLICY'))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | said
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, env=environment)
    assert done.stdout.strip() == policy


def test_nothing_is_set_where_torch_has_its_threads_already():
    code = (
        "import os, sys\nsys.modules['torch'] = sys\nfrom calibeval.runs.torch_setup import threads_that_wait\n"
        "threads_that_wait()\nprint(os.environ.get('OMP_WAIT_POLICY'))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, env=environment)
    assert done.stdout.strip() == "None"


@pytest.mark.parametrize(
    ("rows", "asked", "size"),
    [(50, None, 8), (300, None, 12), (3199, None, 127), (3200, None, 128), (10**6, None, 128), (300, 128, 128)],
)
def test_few_rows_have_small_batches_unless_they_were_asked_for(rows, asked, size):
    features = Features(features=np.zeros((rows, 1), np.float32), labels=np.zeros(rows, np.int64))
    command = command_of(
        Asked(losses="ce", device="cpu", batch_size=asked), train=features, val=features, test=None, out=Path("o"),
        reading=ReadOptions(), jobs=1,
    )  # fmt: skip
    data = Data({"train": features, "val": features}, 2, None, ())
    assert sized(command, data).request.settings.batch_size == size
