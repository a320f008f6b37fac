"""The command ``python -m plb_ablate.bench``."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from plb_ablate.bench.measurement import Measurement
from plb_ablate.config.compose import compose_config
from plb_ablate.config.schema import Config
from plb_ablate.core.command_line import make_parser
from plb_ablate.core.cores import available_cores
from plb_ablate.core.errors import ConfigError, exit_codes
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.core.provenance import provenance
from plb_ablate.models.plb.family import PLB
from plb_ablate.tracking.store import announce

if TYPE_CHECKING:
    from plb_ablate.bench.bench_model import Subject

__all__ = ["main"]

EXAMPLES = """
measurements (by default all of them):
  steps       time of a training step of every ablation: fast layers and plain Keras layers
  epochs      time to the first training step; shares of an epoch for scoring and outside TensorFlow
  workers     samples per second: one training with two threads, and two trainings with one thread
  features    recordings per second
  inference   milliseconds per utterance: features and network, TensorFlow and LiteRT, by threads
  memory      parameters, size of the saved weights, peak memory of a worker, training and inference
  commands    seconds for --help, the report of the published folds, and the report of the store's runs

examples:
  python -m plb_ablate.bench --quick
  python -m plb_ablate.bench --json > before.json
  python -m plb_ablate.bench inference run=best dataset=ravdess dataset.root=/corpora/ravdess
  python -m plb_ablate.bench memory ablation=cbam
"""

Say = Callable[[str], None]


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print.

    Returns
    -------
    int
        0, or the exit code of an error, whose message is printed on standard error.
    """
    options = _parser().parse_args(argv)
    progress = Console(stderr=True)
    load = os.getloadavg()[0]
    names, run, settings = _split_arguments(options.what)
    config = compose_config(settings)
    if run or options.track or "commands" in names:
        announce(config.tracking)
    results: dict[str, Any] = {"machine": provenance(), "load": load, "cores": available_cores()}
    with tempfile.TemporaryDirectory(prefix="plb-bench-") as folder, progress.status("starting") as status:
        results |= _measure(names, run, config, options, Path(folder), lambda text: status.update(text))
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        _show(results)
    return 0


def _measure(
    names: Sequence[str], run: str | None, config: Config, options: argparse.Namespace, folder: Path, say: Say
) -> dict[str, Any]:
    """Run measurements in the order of `MEASURES`; all `Measurement` values are collected in one list."""
    results: dict[str, Any] = {}
    measurements: list[Measurement] = []
    for name in names:
        if name in SINGLE:
            measurements += SINGLE[name](config, options, say)
    if measurements:
        results["figures"] = [asdict(measurement) for measurement in measurements]
    if {"inference", "memory"} & set(names):
        results |= _of_a_model(names, run, config, options, folder, say)
    return results


def _of_a_model(
    names: Sequence[str], run: str | None, config: Config, options: argparse.Namespace, folder: Path, say: Say
) -> dict[str, Any]:
    from plb_ablate.bench.inference import measure_inference
    from plb_ablate.bench.memory import measure_memory

    say("preparing the model")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with redirect_output(Path(os.devnull)):
        from plb_ablate.bench.bench_model import prepare_subject
    subject = prepare_subject(config, run, folder)
    results: dict[str, Any] = {}
    if "inference" in names:
        limit = options.limit or (20 if options.quick else len(subject.recordings))
        recordings = subject.recordings[:limit]
        results["inference"] = measure_inference(subject.models, recordings, options.threads, on_start=say)
    if "memory" in names:
        results["memory"] = measure_memory(subject.models, subject.network, config, on_start=say)
    if run or options.track:
        _track(config, subject, results)
    about = {"dataset": subject.dataset, "fold": subject.fold, "ablation": subject.ablation, "run": subject.run_id}
    return results | {"model": about}


def _track(config: Config, subject: "Subject", results: dict[str, Any]) -> None:
    from plb_ablate.bench.mlflow_log import track

    for level in list(results):
        results[f"{level}_run"] = track(config.tracking, level, subject, {level: results[level]})


def _steps(config: Config, options: argparse.Namespace, say: Say) -> list[Measurement]:
    from plb_ablate.bench.steps import measure_steps

    variants = ["none"] if options.quick else [name for name in PLB.ablations if "+" not in name]
    return measure_steps(variants, max(options.threads), 2 if options.quick else 4, on_start=say)


def _epochs(config: Config, options: argparse.Namespace, say: Say) -> list[Measurement]:
    from plb_ablate.bench.epochs import measure_epochs

    return measure_epochs(max(options.threads), 9 if options.quick else 36, on_start=say)


def _workers(config: Config, options: argparse.Namespace, say: Say) -> list[Measurement]:
    from plb_ablate.bench.workers import measure_workers

    return measure_workers([(1, 2), (2, 1)], 3.0 if options.quick else 8.0, on_start=say)


def _features(config: Config, options: argparse.Namespace, say: Say) -> list[Measurement]:
    from plb_ablate.bench.features_and_commands import measure_features
    from plb_ablate.data.registry import read_dataset

    paths = read_dataset(config.dataset).paths
    return measure_features(paths[: 100 if options.quick else None], config.features, on_start=say)


def _commands(config: Config, options: argparse.Namespace, say: Say) -> list[Measurement]:
    from plb_ablate.bench.features_and_commands import measure_commands

    return measure_commands(config.tracking.uri, config.tracking.experiment, on_start=say)


SINGLE: dict[str, Callable[[Config, argparse.Namespace, Say], list[Measurement]]] = {
    "steps": _steps,
    "epochs": _epochs,
    "workers": _workers,
    "features": _features,
    "commands": _commands,
}
"""Functions that return a list of `Measurement`."""

MEASURES = (*SINGLE, "inference", "memory")
"""All measurements, in the order in which they run."""


def _split_arguments(arguments: Sequence[str]) -> tuple[Sequence[str], str | None, list[str]]:
    """Split the arguments into measurements, ``run=`` and settings."""
    names = [item for item in arguments if "=" not in item]
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise ConfigError(
            f"unknown measurement: {', '.join(unknown)}. Use {', '.join(MEASURES)}, or give no name for all of them."
        )
    runs = [item.removeprefix("run=") for item in arguments if item.startswith("run=")]
    settings = [item for item in arguments if "=" in item and not item.startswith("run=")]
    return names or MEASURES, runs[-1] if runs else None, settings


def _show(results: dict[str, Any]) -> None:
    from plb_ablate.bench.tables import show_inference, show_measurements, show_memory

    console = Console() if sys.stdout.isatty() else Console(width=140)
    machine = f"{results['machine']['hardware']}, load {results['load']:.1f} at start"
    if "figures" in results:
        show_measurements([Measurement(**row) for row in results["figures"]], machine, console)
    if "inference" in results:
        model = results["model"]
        title = f"{model['dataset']} {model['ablation']}, test split of fold {model['fold']}: {machine}"
        show_inference(results["inference"], title, console)
    if "memory" in results:
        show_memory(results["memory"], machine, console)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench",
        "Measure speed and memory on this machine. Close all other programs first.",
        EXAMPLES,
    )
    parser.add_argument(
        "what", nargs="*", help="measurements, run=best or run=<id>, and settings (dataset=..., fold=...)"
    )
    parser.add_argument("--quick", action="store_true", help="one ablation and few repetitions: takes a few minutes")
    parser.add_argument(
        "--threads", type=_threads, default=[1, 2], help="numbers of threads, separated by commas (default: 1,2)"
    )
    parser.add_argument("--limit", type=int, help="number of utterances for inference (default: the whole test split)")
    parser.add_argument("--track", action="store_true", help="log the results to MLflow even without run=")
    parser.add_argument(
        "--json", action="store_true", help="print the results as JSON, for example to compare two commits"
    )
    return parser


def _threads(text: str) -> list[int]:
    counts = [int(part) for part in text.split(",")]
    if min(counts) < 1:
        raise argparse.ArgumentTypeError(f"{text}: a number of threads must be 1 or more")
    return counts


if __name__ == "__main__":
    sys.exit(main())
