"""Work that is recorded on a GPU: on a CPU it is called, with the same results; on a GPU, where there is one, too."""

from __future__ import annotations

import pytest
import torch

from calibeval.training.replay import FIRST_CALLS, Replayed

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


@pytest.mark.parametrize("device", DEVICES)
def test_every_call_sees_its_own_inputs(device):
    written = torch.zeros(3, device=device)

    def run(x, share):
        written.copy_(2 * x)
        return (x if share is None else x * share).sum()

    replayed = Replayed(run)
    for i in range(FIRST_CALLS + 4):
        x = torch.arange(3.0, device=device) + i
        assert float(replayed(x, None)) == 3 + 3 * i
        assert written.tolist() == [2 * i, 2 * i + 2, 2 * i + 4]
    assert float(replayed(torch.ones(2, device=device).repeat(2)[:3], None)) == 3


@pytest.mark.parametrize("device", DEVICES)
def test_inputs_of_another_shape_are_taken_as_they_are(device):
    replayed = Replayed(lambda x: x.sum())
    found = [float(replayed(torch.ones(n, device=device))) for n in [4] * (FIRST_CALLS + 2) + [3, 4]]
    assert found == [4.0] * (FIRST_CALLS + 2) + [3.0, 4.0]


@pytest.mark.parametrize("device", DEVICES)
def test_work_that_cannot_be_recorded_is_called(device):
    replayed = Replayed(lambda x: x.sum() if float(x[0]) else x.sum() + 1)  # waits for the device
    assert [float(replayed(torch.zeros(2, device=device))) for _ in range(FIRST_CALLS + 3)] == [1.0] * (FIRST_CALLS + 3)
