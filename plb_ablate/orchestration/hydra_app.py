"""The command line: Hydra composes one or more configurations, and a sweep trains them."""

import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict, read_write

from plb_ablate.config.compose import (
    compose_jobs,
    compose_sweep,
    config_root,
    register_schema,
    to_config,
    without_hydra,
)
from plb_ablate.config.schema import Config
from plb_ablate.core.cores import available_cores
from plb_ablate.core.credentials import protect_secrets
from plb_ablate.core.errors import PlbError
from plb_ablate.core.signals import Interrupted, end_with, ignore_ctrl_c, interrupts_raised
from plb_ablate.orchestration.slurm import largest_array

if TYPE_CHECKING:
    from plb_ablate.orchestration.sweep import Sweep

__all__ = ["SweepCallback", "main", "running_sweep"]

_DRY_RUN = "--dry-run"

_FIRST_WORDS = """\
plb_ablate trains the Pattern Learning Block network for speech emotion recognition, complete and with modules removed,
in cross-validation, and tests the differences. Without settings it trains nothing. Examples:

  python -m plb_ablate -m experiments=demo                                   a study of a few minutes, no data needed
  python -m plb_ablate.data fetch ravdess                                    a corpus (or emodb, iemocap)
  python -m plb_ablate -m ablation=none,cbam,sa dataset=ravdess              your own sweep
  python -m plb_ablate.report                                                its tables, in reports/

python -m plb_ablate --help lists every setting and the other commands."""


class SweepCallback(Callback):
    """Checks a complete multirun before its first job, and summarises it after its last."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse an invalid setting before anything is written."""
        with _clean_errors():
            to_config(without_hydra(config))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Compose and check every job, and show what is left to train."""
        with _clean_errors():
            launcher = config.hydra.launcher
            if "plb_ablate_slurm" in launcher._target_:
                largest_array()  # fails early if SLURM is not available
            jobs = compose_jobs(config)
            _settle_launcher(launcher, len(jobs))
            sweep = _begin(jobs)
            if "basic_launcher" not in launcher._target_.lower():
                sweep.follow()

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Report failures and set the exit code."""
        with _clean_errors():
            _finish()


_state: dict[str, "Sweep"] = {}
"""The sweep; empty in processes that a launcher started."""


def running_sweep() -> "Sweep":
    """Return the sweep of the multirun, in the process that started it."""
    return _state["sweep"]


def run_composed(composed: DictConfig) -> None:
    """Run one job: a sweep of its own or a part of a multirun, here or in a process that a launcher started."""
    settings = HydraConfig.get()
    if settings.mode == RunMode.MULTIRUN and not _state:
        _run_elsewhere(to_config(composed))
        return
    with _clean_errors():
        config = to_config(composed)
        if settings.mode == RunMode.MULTIRUN:
            running_sweep().run(config)
            return
        _begin([config]).run(config)
        _finish()


def _run_elsewhere(config: Config) -> None:
    """Train in a process of a launcher; it ends when its parent process ends."""
    from plb_ablate.orchestration.run_job import run_job

    multiprocessing.set_start_method("spawn", force=True)  # joblib's own start method is unknown to the workers
    ignore_ctrl_c()
    end_with(os.getppid())
    run_job(config, _share_of_cores(config))


def _begin(jobs: list[Config]) -> "Sweep":
    from plb_ablate.orchestration.sweep import Sweep

    _state["sweep"] = Sweep(jobs)
    _state["sweep"].progress.__enter__()
    return _state["sweep"]


def _finish() -> None:
    sweep = _state.pop("sweep")
    sweep.progress.__exit__(None, None, None)
    sweep.finish()


def _settle_launcher(launcher: DictConfig, n_jobs: int) -> None:
    """Limit joblib's processes to the number of jobs and cores, so that each job knows its share of the cores."""
    if launcher.get("n_jobs"):
        wanted = launcher.n_jobs if launcher.n_jobs > 0 else max(1, available_cores() + 1 + launcher.n_jobs)
        with read_write(launcher), open_dict(launcher):
            launcher.n_jobs = min(wanted, n_jobs)


def _share_of_cores(config: Config) -> int | None:
    """Return how many cells a job may train at the same time if a launcher runs several jobs; None for no limit."""
    launcher = HydraConfig.get().launcher
    if config.n_jobs is not None:
        return None
    if launcher.get("ray"):
        return 1
    beside = launcher.get("n_jobs")
    return max(1, available_cores() // beside) if beside else None


@contextmanager
def _clean_errors() -> Iterator[None]:
    """Print expected errors without a traceback, and exit with their code."""
    try:
        yield
    except (PlbError, HydraException) as error:
        cause = [error.__cause__] if isinstance(error, HydraException) and error.__cause__ else []
        print(f"error: {error}", *cause, sep="\n", file=sys.stderr)
        sys.exit(getattr(error, "exit_code", PlbError.exit_code))


def main() -> None:
    """Entry point of ``python -m plb_ablate``."""
    if len(sys.argv) == 1:
        print(_FIRST_WORDS)
        return
    with _clean_errors():
        protect_secrets(sys.argv[1:])
    register_schema()
    # hydra/launcher/ray.yaml and the Ray launcher's schema have the same name on purpose
    warnings.filterwarnings("ignore", "(?s).*validated against ConfigStore schema with the same name", UserWarning)
    if _DRY_RUN in sys.argv[1:]:
        with _clean_errors():
            _dry_run([argument for argument in sys.argv[1:] if argument != _DRY_RUN])
        return
    run: Callable[[], None] = hydra.main(
        version_base="1.3", config_path=str(config_root() / "conf"), config_name="config"
    )(run_composed)
    with interrupts_raised():
        try:
            run()
        except Interrupted as stop:
            kept = _state["sweep"].stop() if _state else "No training had started."
            print(f"stopped by {stop.name}: {kept}", file=sys.stderr)
            sys.exit(stop.exit_code)
        except SystemExit:
            if _state:  # a launcher has failed: its finished cells are summarised nevertheless
                with _clean_errors():
                    _finish()
            raise


def _dry_run(arguments: list[str]) -> None:
    from plb_ablate.orchestration.dry_run import show

    overrides = [argument for argument in arguments if argument not in ("-m", "--multirun")]
    show(compose_sweep(overrides, multirun=len(overrides) < len(arguments)))
