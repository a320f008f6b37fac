"""The command line: Hydra composes one or more configurations, and a sweep trains them."""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.main import _get_rerun_conf
from omegaconf import DictConfig, OmegaConf

from plb_ablate.config.compose import compose_command, composing
from plb_ablate.config.composed import to_config
from plb_ablate.config.schema import Config
from plb_ablate.config.source import ConfigSource
from plb_ablate.core.credentials import protect_secrets
from plb_ablate.core.errors import CellError, exit_codes
from plb_ablate.core.gpus import check_device
from plb_ablate.core.paths import expand_path
from plb_ablate.core.signals import end_with, ignore_ctrl_c, interrupts_raised
from plb_ablate.orchestration.race_launcher import at_once_with_joblib, check_launcher
from plb_ablate.orchestration.settled_settings import settled, share_of_cores
from plb_ablate.orchestration.slurm import largest_array

if TYPE_CHECKING:
    from plb_ablate.orchestration.sweep import Sweep

__all__ = ["SweepCallback", "main", "running_sweep"]

_FIRST_WORDS = """\
plb_ablate trains a speech-emotion network, complete and with modules removed, in cross-validation, and tests the
differences: the published Pattern Learning Block network, or your own (model=file). Without settings it trains
nothing. Examples:

  python -m plb_ablate -m experiments=demo                                   a study of a few minutes, no data needed
  python -m plb_ablate.data fetch ravdess                                    a corpus (or emodb, iemocap)
  python -m plb_ablate -m ablation=none,cbam,sa dataset=ravdess              your own sweep
  python -m plb_ablate.report                                                its tables, in reports/

python -m plb_ablate --help lists every setting and the other commands."""

_USAGE = "python -m plb_ablate [-m] [--dry-run] [key=value ...]"


class SweepCallback(Callback):
    """Does nothing: a name in settings of earlier versions. Hydra would turn what a callback raises into a warning."""


class _Failed(BaseException):
    """Carries an exception of a job out of Hydra, which would go on with the next job."""


_state: dict[str, "Sweep"] = {}
"""The sweep; empty in processes that a launcher started."""


def running_sweep() -> "Sweep":
    """Return the sweep of the multirun, in the process that started it."""
    return _state["sweep"]


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``python -m plb_ablate``.

    Returns
    -------
    int
        The exit code.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments:
        print(_FIRST_WORDS)
        return 0
    protect_secrets(arguments)
    parser = _parser()
    options = parser.parse_intermixed_args(arguments)
    source = _source(options)
    with interrupts_raised(), composing(source) as hydra:
        if not _shown(hydra, source, parser, options):
            _run(hydra, source, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = get_args_parser()
    parser.prog, parser.usage = "python -m plb_ablate", _USAGE
    parser.add_argument("--dry-run", action="store_true", help="Show what would be trained, and how long it would take")
    return parser


def _source(options: argparse.Namespace) -> ConfigSource:
    path, folder = (Path(expand_path(text)) if text else None for text in (options.config_path, options.config_dir))
    return ConfigSource(path, options.config_name, folder)


def _shown(hydra: Hydra, source: ConfigSource, parser: argparse.ArgumentParser, options: argparse.Namespace) -> bool:
    """Show what Hydra's own options ask for; whether there was one."""
    name, overrides = source.primary, options.overrides
    if options.help:
        hydra.app_help(config_name=name, args_parser=parser, args=options)
    elif options.hydra_help:
        hydra.hydra_help(config_name=name, args_parser=parser, args=options)
    elif options.cfg:
        hydra.show_cfg(name, overrides, options.cfg, options.package, options.resolve)
    elif options.info:
        hydra.show_info(options.info, name, overrides)
    elif options.shell_completion:
        hydra.shell_completion(name, overrides)
    else:
        return False
    return True


def _run(hydra: Hydra, source: ConfigSource, options: argparse.Namespace) -> None:
    """Compose and check every job, show or train what is left, and summarise."""
    if options.experimental_rerun:
        config = to_config(_get_rerun_conf(options.experimental_rerun, options.overrides))
        with _begun([config]) as sweep:
            sweep.run(config)
        return
    command = compose_command(hydra, source, options.overrides, multirun=options.multirun)
    launcher = command.composed.hydra.launcher if command.multirun else OmegaConf.create({"_target_": "basic_launcher"})
    check_launcher(command.jobs[0], launcher)
    if options.dry_run:
        from plb_ablate.orchestration.dry_run import show

        show(command.jobs, command.design)
        return
    if "plb_ablate_slurm" in launcher._target_:
        largest_array()  # fails early if SLURM is not available
    if not (launcher.get("ray") or "slurm" in launcher._target_):  # which train on other machines
        for job in command.jobs:
            check_device(job.device)
    with _begun(command.jobs) as sweep:
        overrides = [*command.overrides, *settled(command)]
        if command.jobs[0].schedule.racing and "basic_launcher" not in launcher._target_.lower():
            for job in command.jobs:
                sweep.run(job, at_once_with_joblib(launcher, command.jobs))
        elif not command.multirun:
            hydra.run(source.primary, run_composed, overrides)
        elif "basic_launcher" in launcher._target_.lower():
            hydra.multirun(source.primary, run_composed, overrides)
        else:
            sweep.follow()
            _launch(hydra, source, overrides, sweep)


def sweep_of(jobs: Sequence[Config]) -> "Sweep":
    """Return the sweep of some jobs: one that trains all cells, or one whose variants race."""
    if jobs[0].schedule.racing:
        from plb_ablate.orchestration.racing_sweep import RacingSweep  # its statistics take seconds to import

        return RacingSweep(jobs)
    from plb_ablate.orchestration.sweep import Sweep

    return Sweep(jobs)


@contextmanager
def _begun(jobs: Sequence[Config]) -> Iterator["Sweep"]:
    """Check all jobs, and make their sweep the running one for the duration of the block."""
    sweep = _state["sweep"] = sweep_of(jobs)
    try:
        with sweep.running():
            try:
                yield sweep
            except _Failed as failed:
                raise failed.args[0] from None
    finally:
        _state.clear()


def _launch(hydra: Hydra, source: ConfigSource, overrides: Sequence[str], sweep: "Sweep") -> None:
    """Run the jobs in processes of a launcher; if it fails, the finished cells are summarised nevertheless."""
    from plb_ablate.orchestration.worker import reason

    try:
        hydra.multirun(source.primary, run_composed, list(overrides))
    except HydraException:
        raise
    except Exception as error:
        print(f"the launcher ended with an error: {reason(error)}", file=sys.stderr)
        sweep.finish()
        raise CellError("all cells are done, but the launcher ended with the error above.") from error


def run_composed(composed: DictConfig) -> None:
    """Run one job, here or in a process that a launcher started."""
    config = to_config(composed)
    if not _state:
        _run_elsewhere(config)
        return
    try:
        running_sweep().run(config)
    except Exception as error:
        raise _Failed(error) from error


def _run_elsewhere(config: Config) -> None:
    """Train in a process of a launcher; it ends when its parent process ends."""
    from plb_ablate.orchestration.run_job import run_job

    multiprocessing.set_start_method("spawn", force=True)  # joblib's own start method is unknown to the workers
    ignore_ctrl_c()
    end_with(os.getppid())
    run_job(config, share_of_cores(config))
