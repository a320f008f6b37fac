"""GPUs are shared evenly by the processes of a machine; without one, asking for it is an error."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from plb_ablate.core.errors import ConfigError
from plb_ablate.core.gpus import check_device, count_gpus, settled_device, take_gpu

without_gpu = pytest.mark.skipif(count_gpus() > 0, reason="this machine has a GPU")


def hold(pipe: Connection, gpus: int) -> None:
    pipe.send(take_gpu(range(gpus)))
    pipe.recv()


class Workers:
    """Processes that take a GPU and keep it until they are ended."""

    def __init__(self) -> None:
        self.started: list[multiprocessing.process.BaseProcess] = []

    def start(self, gpus: int) -> int:
        spawn = multiprocessing.get_context("spawn")
        here, there = spawn.Pipe()
        self.started.append(spawn.Process(target=hold, args=(there, gpus)))
        self.started[-1].start()
        assert here.poll(60)
        self.pipes = [*getattr(self, "pipes", []), here]
        return int(here.recv())

    def kill(self, index: int) -> None:
        self.started[index].kill()
        self.started[index].join()


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    made = Workers()
    yield made
    for index in range(len(made.started)):
        made.kill(index)


def test_processes_share_gpus_evenly_and_a_new_one_takes_the_place_of_one_that_was_killed(workers: Workers) -> None:
    assert [workers.start(gpus=2) for _ in range(4)] == [0, 1, 0, 1]
    workers.kill(1)
    assert workers.start(gpus=2) == 1


def test_allocations_of_a_cluster_count_their_own_gpus(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    for job in ("17", "18"):
        monkeypatch.setenv("SLURM_JOB_ID", job)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        assert [workers.start(gpus=2) for _ in range(2)] == [0, 1]


@without_gpu
def test_a_machine_without_gpu_trains_on_its_cores_and_refuses_to_do_otherwise() -> None:
    assert settled_device("auto") == "cpu"
    assert settled_device("gpu") == "gpu", "other machines may have one"
    check_device("cpu")
    with pytest.raises(ConfigError, match=r"device=gpu: TensorFlow finds no GPU .*'\.\[gpu\]'.*device=cpu"):
        check_device("gpu")


TRAINING = """
import numpy as np, tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Trainer
from plb_ablate.core.gpus import take_gpu
from plb_ablate.models.family import Network
from plb_ablate.models.plb.family import PLB
from plb_ablate.splits.folds import Fold
from plb_ablate.training.trainer import FoldTrainer
device = take_gpu(tf.config.list_logical_devices("CPU"))
x, y = np.random.default_rng(0).normal(0, 20, (12, 196, 39)).astype("float32"), np.arange(12) % 3
with tf.device(device.name):
    trainer = FoldTrainer(Network(PLB, 3, (196, 39, 1)), Trainer(epochs=1, batch_size=8))
    trainer.fit_fold(x, y, Fold(0, np.arange(8), np.arange(0), np.arange(8, 12)), Protocol("published"), 1)
print({weight.value.device.rpartition("device:")[2] for weight in trainer.model.weights})
"""


@pytest.mark.slow
def test_a_training_runs_on_the_device_that_was_assigned(workers: Workers) -> None:
    """Two of TensorFlow's logical devices stand for two GPUs; another process holds the first."""
    assert workers.start(gpus=2) == 0
    command = [sys.executable, "-c", TRAINING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'CPU:1'}"
