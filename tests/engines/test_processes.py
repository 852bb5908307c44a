"""Processes that work on items: order, errors, and a process that dies."""

import os
import pickle
import subprocess
import sys
import time

import pytest

from calibeval import InputError
from calibeval.core.survey.axes import as_number, natural
from calibeval.engines.processes import CHILD, processes
from calibeval.engines.worker import put_message


def test_results_come_in_the_order_of_the_items_and_errors_are_raised():
    with processes(2) as running:
        assert list(running.in_order(as_number, ["3", "1e-2", "7"])) == [3, 0.01, 7]
        with pytest.raises(ValueError, match="could not convert"):
            list(running.in_order(as_number, ["3", "x"]))
        assert list(running.in_order(natural, ["a2"])) == [natural("a2")]  # they go on


def test_a_process_that_dies_is_told_and_replaced():
    with processes(1) as running:
        with pytest.raises(
            InputError, match="a process that measured died, perhaps of too little memory: try --jobs 1"
        ):
            list(running.in_order(os._exit, [3]))
        assert list(running.in_order(as_number, ["3"])) == [3]


def test_a_process_ends_with_its_parent_whatever_it_is_at():
    with subprocess.Popen([sys.executable, "-P", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        put_message(process.stdin, pickle.dumps((time.sleep, 3600)))
        process.stdin.close()
        assert process.wait(60) == 0
