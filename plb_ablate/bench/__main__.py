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

from plb_ablate.bench.measurement import Figure
from plb_ablate.config.compose import compose_config
from plb_ablate.config.schema import Config
from plb_ablate.config.variants import ABLATIONS
from plb_ablate.core.command_line import make_parser
from plb_ablate.core.cores import available_cores
from plb_ablate.core.errors import ConfigError, exit_codes
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.core.provenance import provenance

if TYPE_CHECKING:
    from plb_ablate.bench.bench_model import Subject

__all__ = ["main"]

EXAMPLES = """
measurements (all of them without a name):
  steps       a training step of every ablation, fast layers beside the plain port (which needs a checkout)
  epochs      seconds until the first step is done; an epoch's shares of scoring and of what is not TensorFlow
  workers     samples a second of one training of two threads and of two trainings of one
  features    recordings a second
  inference   milliseconds for one utterance: MFCC and network, TensorFlow and LiteRT, by threads
  memory      parameters, saved weights, peaks of a training and of inference
  commands    seconds of --help, of the report of the published folds, and of the store's where it has runs

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
        0, or the exit code of what went wrong, its message on standard error.
    """
    options = _parser().parse_args(argv)
    progress = Console(stderr=True)
    load = os.getloadavg()[0]
    names, run, settings = _asked(options.what)
    config = compose_config(settings)
    found: dict[str, Any] = {"machine": provenance(), "load": load, "cores": available_cores()}
    with tempfile.TemporaryDirectory(prefix="plb-bench-") as folder, progress.status("starting") as status:
        found |= _measure(names, run, config, options, Path(folder), lambda text: status.update(text))
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        _show(found)
    return 0


def _measure(
    names: Sequence[str], run: str | None, config: Config, options: argparse.Namespace, folder: Path, say: Say
) -> dict[str, Any]:
    """Do what was asked for, in the order of `MEASURES`; figures of one value each go into one list."""
    found: dict[str, Any] = {}
    figures: list[Figure] = []
    for name in names:
        if name in SINGLE:
            figures += SINGLE[name](config, options, say)
    if figures:
        found["figures"] = [asdict(figure) for figure in figures]
    if {"inference", "memory"} & set(names):
        found |= _of_a_model(names, run, config, options, folder, say)
    return found


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
    found: dict[str, Any] = {}
    if "inference" in names:
        limit = options.limit or (20 if options.quick else len(subject.recordings))
        recordings = subject.recordings[:limit]
        found["inference"] = measure_inference(subject.models, recordings, options.threads, on_start=say)
    if "memory" in names:
        batch = config.trainer.batch_size
        found["memory"] = measure_memory(subject.models, subject.classes, subject.ablation, batch, on_start=say)
    if run or options.track:
        _track(config, subject, found)
    about = {"dataset": subject.dataset, "fold": subject.fold, "ablation": subject.ablation, "run": subject.run_id}
    return found | {"model": about}


def _track(config: Config, subject: "Subject", found: dict[str, Any]) -> None:
    from plb_ablate.bench.mlflow_log import track

    for level in list(found):
        found[f"{level}_run"] = track(config.tracking, level, subject, {level: found[level]})


def _steps(config: Config, options: argparse.Namespace, say: Say) -> list[Figure]:
    from plb_ablate.bench.steps import measure_steps

    variants = ["none"] if options.quick else [name for name in ABLATIONS if "+" not in name]
    return measure_steps(variants, max(options.threads), 2 if options.quick else 4, on_start=say)


def _epochs(config: Config, options: argparse.Namespace, say: Say) -> list[Figure]:
    from plb_ablate.bench.epochs import measure_epochs

    return measure_epochs(max(options.threads), 9 if options.quick else 36, on_start=say)


def _workers(config: Config, options: argparse.Namespace, say: Say) -> list[Figure]:
    from plb_ablate.bench.workers import measure_workers

    return measure_workers([(1, 2), (2, 1)], 3.0 if options.quick else 8.0, on_start=say)


def _features(config: Config, options: argparse.Namespace, say: Say) -> list[Figure]:
    from plb_ablate.bench.features_and_commands import measure_features
    from plb_ablate.data.registry import read_corpus

    paths = read_corpus(config.dataset.name, config.dataset.root).paths
    return measure_features(paths[: 100 if options.quick else None], on_start=say)


def _commands(config: Config, options: argparse.Namespace, say: Say) -> list[Figure]:
    from plb_ablate.bench.features_and_commands import measure_commands

    return measure_commands(config.tracking.uri, config.tracking.experiment, on_start=say)


SINGLE: dict[str, Callable[[Config, argparse.Namespace, Say], list[Figure]]] = {
    "steps": _steps,
    "epochs": _epochs,
    "workers": _workers,
    "features": _features,
    "commands": _commands,
}
"""Measurements whose results are figures of one value each."""

MEASURES = (*SINGLE, "inference", "memory")
"""All measurements, in the order in which they are done."""


def _asked(what: Sequence[str]) -> tuple[Sequence[str], str | None, list[str]]:
    """Tell measurements, ``run=`` and settings apart."""
    names = [item for item in what if "=" not in item]
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise ConfigError(f"unknown measurement: {', '.join(unknown)}. Use {', '.join(MEASURES)}, or none for all.")
    runs = [item.removeprefix("run=") for item in what if item.startswith("run=")]
    settings = [item for item in what if "=" in item and not item.startswith("run=")]
    return names or MEASURES, runs[-1] if runs else None, settings


def _show(found: dict[str, Any]) -> None:
    from plb_ablate.bench.tables import show_figures, show_inference, show_memory

    console = Console() if sys.stdout.isatty() else Console(width=140)
    machine = f"{found['machine']['hardware']}, load {found['load']:.1f} at start"
    if "figures" in found:
        show_figures([Figure(**figure) for figure in found["figures"]], machine, console)
    if "inference" in found:
        model = found["model"]
        title = f"{model['dataset']} {model['ablation']}, test side of fold {model['fold']}: {machine}"
        show_inference(found["inference"], title, console)
    if "memory" in found:
        show_memory(found["memory"], machine, console)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench",
        "Measure speed and memory on this machine, as ratios within the run. Close what else is running.",
        EXAMPLES,
    )
    parser.add_argument(
        "what", nargs="*", help="measurements, run=best or run=<id>, and settings (dataset=..., fold=...)"
    )
    parser.add_argument("--quick", action="store_true", help="one ablation, few repetitions: a few minutes")
    parser.add_argument("--threads", type=_threads, default=[1, 2], help="numbers of threads, as in 1,2 (the default)")
    parser.add_argument("--limit", type=int, help="utterances that inference is timed on (default: the test side)")
    parser.add_argument("--track", action="store_true", help="log to MLflow even where no run= is named")
    parser.add_argument("--json", action="store_true", help="print JSON, to compare two commits")
    return parser


def _threads(text: str) -> list[int]:
    counts = [int(part) for part in text.split(",")]
    if min(counts) < 1:
        raise argparse.ArgumentTypeError(f"{text}: a number of threads is 1 or more")
    return counts


if __name__ == "__main__":
    sys.exit(main())
