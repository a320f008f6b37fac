"""``hydra/launcher=slurm``: one array task a job; one that dies is reported, an interrupted sweep takes its tasks back.

Hydra's submitit launcher stops waiting at the first task that was killed, and leaves the array behind when it is
interrupted itself. Its settings, and what it runs in a task, are used as they are.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

if find_spec("hydra_plugins.hydra_submitit_launcher"):
    from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
else:  # without the extra `slurm` this launcher stays abstract, and Hydra does not offer it
    BaseQueueConf = SlurmLauncher = Launcher

if TYPE_CHECKING:
    from plb_ablate.orchestration.sweep import Sweep

__all__ = ["CellLauncher"]

_POLL = 2.0
"""Seconds between two looks at the tasks."""


class CellLauncher(SlurmLauncher):
    """Submits the jobs that are not done as arrays, waits for all of them, and tells the sweep how each ended."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs of a sweep; those whose cells are all done are not submitted.

        Parameters
        ----------
        job_overrides : sequence of sequence of str
        initial_job_idx : int
            Number of the first of them in the sweep.

        Raises
        ------
        ConfigError
            If SLURM is not there or keeps no accounts.
        """
        from plb_ablate.orchestration.hydra_app import running_sweep
        from plb_ablate.orchestration.slurm import largest_array

        sweep = running_sweep()
        todo = []
        for number, overrides in enumerate(job_overrides, initial_job_idx):
            if sweep.is_done(number):
                sweep.settle(number)
            else:
                todo.append((list(overrides), "hydra.sweep.dir", number, f"job_{number}", Singleton.get_state()))
        tasks: list[tuple[int, Any]] = []
        with _taken_back(tasks):
            executor, size = self._executor(), largest_array()
            for start in range(0, len(todo), size):
                array = todo[start : start + size]
                submitted = executor.map_array(self, *zip(*array, strict=True))
                tasks += [(job[2], task) for job, task in zip(array, submitted, strict=True)]
            _wait(tasks, sweep)
        return [JobReturn(overrides=job, status=JobStatus.COMPLETED) for job in job_overrides]

    def _executor(self) -> Any:
        import submitit

        settings = dict(self.params)
        folder, retries = settings.pop("submitit_folder"), settings.pop("max_num_timeout")
        executor = submitit.AutoExecutor(folder, cluster="slurm", slurm_max_num_timeout=retries)
        common = BaseQueueConf.__dataclass_fields__
        executor.update_parameters(**{k if k in common else f"slurm_{k}": value for k, value in settings.items()})
        return executor


def _wait(tasks: list[tuple[int, Any]], sweep: "Sweep") -> None:
    waiting = tasks
    while waiting:
        going_on = []
        for number, task in waiting:
            if task.done():
                sweep.settle(number, _problem(task))
            else:
                going_on.append((number, task))
        waiting = going_on
        time.sleep(_POLL if waiting else 0)


def _problem(task: Any) -> str:
    """Why a task that ended has failed as a whole; empty if it has not."""
    if task.state != "COMPLETED" and not task.paths.result_pickle.exists():
        return f"SLURM task {task.job_id} ended as {task.state} (its log: {task.paths.stdout})"
    try:
        task.result().return_value  # noqa: B018 - raises what the job raised
    except Exception as error:
        return f"{str(error).strip().splitlines()[-1]} (SLURM task {task.job_id}, its log: {task.paths.stdout})"
    return ""


@contextmanager
def _taken_back(tasks: list[tuple[int, Any]]) -> Iterator[None]:
    """Cancel what was submitted when the block is left by an exception, Ctrl-C and SIGTERM too."""
    try:
        yield
    except BaseException:
        arrays = sorted({task.job_id.split("_")[0] for _, task in tasks})
        if arrays:
            subprocess.run(["scancel", *arrays], check=False, timeout=60)
            print(f"cancelled SLURM job {', '.join(arrays)}", flush=True)
        raise
