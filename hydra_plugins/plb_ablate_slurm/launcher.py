"""``hydra/launcher=slurm``: one array task per job; a killed task is reported, an interrupted sweep cancels its tasks.

Hydra's submitit launcher stops waiting at the first killed task, and leaves its array running when it is interrupted.
This launcher uses its settings and its task code unchanged.
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
else:  # without the extra `slurm` this class stays abstract, and Hydra does not offer it
    BaseQueueConf = SlurmLauncher = Launcher

if TYPE_CHECKING:
    from plb_ablate.orchestration.sweep import Sweep

__all__ = ["CellLauncher"]

_POLL = 2.0
"""Seconds between two checks of the tasks."""


class CellLauncher(SlurmLauncher):
    """Submits unfinished jobs as arrays, waits for all of them, and reports to the sweep how each ended."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs of a sweep; jobs whose cells are all finished are not submitted.

        Parameters
        ----------
        job_overrides : sequence of sequence of str
        initial_job_idx : int
            Index of the first of them in the sweep.

        Raises
        ------
        ConfigError
            If SLURM is not available or has no job accounting.
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
        with _cancelled_on_error(tasks):
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
        running = []
        for number, task in waiting:
            if task.done():
                sweep.settle(number, _problem(task))
            else:
                running.append((number, task))
        waiting = running
        time.sleep(_POLL if waiting else 0)


def _problem(task: Any) -> str:
    """Return why an ended task failed as a whole; empty if it did not."""
    if task.state != "COMPLETED" and not task.paths.result_pickle.exists():
        return f"SLURM task {task.job_id} ended as {task.state} (its log: {task.paths.stdout})"
    try:
        task.result().return_value  # noqa: B018 - raises what the job raised
    except Exception as error:
        return f"{str(error).strip().splitlines()[-1]} (SLURM task {task.job_id}, its log: {task.paths.stdout})"
    return ""


@contextmanager
def _cancelled_on_error(tasks: list[tuple[int, Any]]) -> Iterator[None]:
    """Cancel the submitted tasks if the block ends with an exception, also after Ctrl-C and SIGTERM."""
    try:
        yield
    except BaseException:
        arrays = sorted({task.job_id.split("_")[0] for _, task in tasks})
        if arrays:
            subprocess.run(["scancel", *arrays], check=False, timeout=60)
            print(f"cancelled SLURM job {', '.join(arrays)}", flush=True)
        raise
