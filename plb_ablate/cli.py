"""The command line: Hydra composes a configuration or many, a sweep trains them."""

import sys
from collections.abc import Callable
from typing import Any

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from plb_ablate.config import Config, config_root, register_schema, to_config
from plb_ablate.errors import PlbError

__all__ = ["SweepCallback", "main"]


class SweepCallback(Callback):
    """Checks a whole multirun before its first job, and sums it up after its last."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Compose every job, check all of them, and show what is to do."""
        with _clean_errors():
            jobs = compose_jobs(config)
            from plb_ablate.sweep import Sweep

            _state["sweep"] = Sweep(jobs)
            _state["sweep"].progress.__enter__()

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Report failures, with the exit code they deserve."""
        with _clean_errors():
            _state["sweep"].progress.__exit__(None, None, None)
            _state["sweep"].finish()


_state: dict[str, Any] = {}
"""The multirun's sweep, in the process that started it."""


def compose_jobs(config: DictConfig) -> list[Config]:
    """Compose the configuration of every job of a multirun, without running any.

    Parameters
    ----------
    config : DictConfig
        What Hydra hands to ``on_multirun_start``.

    Raises
    ------
    ConfigError
        If a job has an unknown or impossible setting.
    """
    loader = GlobalHydra.instance().config_loader()
    fixed = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    overrides = OverridesParser.create(config_loader=loader).parse_overrides([*fixed, *config.hydra.overrides.task])
    (batch,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return [to_config(_without_hydra(loader.load_sweep_config(config, list(job)))) for job in batch]


def _without_hydra(composed: DictConfig) -> DictConfig:
    plain = composed.copy()
    OmegaConf.set_readonly(plain, False)
    with open_dict(plain):
        plain.pop("hydra", None)
    return plain


def run_job(composed: DictConfig) -> None:
    """Run one job: its part of the multirun's sweep, or a sweep of its own."""
    with _clean_errors():
        config = to_config(composed)
        from plb_ablate.sweep import Sweep

        if sweep := _state.get("sweep"):
            sweep.run(config)
            return
        sweep = Sweep([config])
        with sweep.progress:
            sweep.run(config, _share_of_cores(config))
        if HydraConfig.get().mode == RunMode.RUN:
            sweep.finish()


def _share_of_cores(config: Config) -> int | None:
    """Cells that a job may train at the same time when a launcher runs several jobs beside it."""
    beside = HydraConfig.get().launcher.get("n_jobs")
    return 1 if beside and config.n_jobs is None else None


class _clean_errors:  # noqa: N801
    """Print our own errors without a traceback and exit with their code."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PlbError | HydraException):
            print(f"error: {error}", *([error.__cause__] if error.__cause__ else []), sep="\n", file=sys.stderr)
            sys.exit(getattr(error, "exit_code", PlbError.exit_code))


def main() -> None:
    """Entry point of ``python -m plb_ablate``."""
    register_schema()
    run: Callable[[], None] = hydra.main(
        version_base="1.3", config_path=str(config_root() / "conf"), config_name="config"
    )(run_job)
    run()
