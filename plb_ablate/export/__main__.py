"""The command ``python -m plb_ablate.export``."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from plb_ablate.config.compose import compose_config
from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import ConfigError, exit_codes
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.tracking.store import announce

if TYPE_CHECKING:
    from plb_ablate.export.verify import FormatCheck

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.export run=best dataset=ravdess
  python -m plb_ablate.export run=3b2c... dataset=ravdess dataset.root=/corpora/ravdess --out exports/best
  python -m plb_ablate.export run=best dataset=synthetic --json > export.json
"""


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Export a model, check every file that was written, and log it to MLflow.

    Returns
    -------
    int
        0; 1 if a format cannot hold the model; or the exit code of an error. Reasons are printed on standard error.
    """
    options = _parser().parse_args(argv)
    console = Console(stderr=True)
    with console.status("starting") as status:
        checks, refused, folder, uri = _export(options, lambda step: status.update(step))
    for name, reason in refused.items():
        print(f"not written: {name}: {reason}", file=sys.stderr)
    if options.json:
        found = {"formats": [asdict(check) for check in checks], "refused": refused}
        print(json.dumps({"folder": str(folder), "model": uri} | found, indent=1))
        return 1 if refused else 0
    _show(checks, options.threads)
    print(f"Wrote {len(checks)} formats below {folder}.", *([f"MLflow has the model as {uri}."] if uri else []))
    return 1 if refused else 0


def _export(
    options: argparse.Namespace, say: Callable[[str], None]
) -> "tuple[list[FormatCheck], dict[str, str], Path, str | None]":
    """Return the checks of what was written, why other formats were not, the folder, and the model in MLflow."""
    run, settings = _run_of(options.settings)
    config = compose_config(settings)
    announce(config.tracking)
    say("loading TensorFlow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with redirect_output(Path(os.devnull)):  # TensorFlow prints its build and devices, whatever its log level
        from plb_ablate.export.convert import convert_all
        from plb_ablate.export.load_run import load_run
        from plb_ablate.export.verify import check_formats
        from plb_ablate.training.setup import set_up_tensorflow

        set_up_tensorflow(options.threads)
    with tempfile.TemporaryDirectory() as artifacts:
        say(f"fetching run={run}")
        trained = load_run(config, run, Path(artifacts))
    folder = options.out / trained.name
    refused: dict[str, str] = {}
    files = convert_all(trained, folder, on_start=lambda name: say(f"writing {name}"), on_refused=refused.__setitem__)
    checks = check_formats(trained, files, options.threads, on_start=lambda name: say(f"checking {name}"))
    (folder / "export.json").write_text(json.dumps([asdict(check) for check in checks], indent=1) + "\n")
    uri = None
    if not options.no_track:
        say("logging to MLflow")
        from plb_ablate.export.mlflow_upload import upload_export

        uri = upload_export(config.tracking, trained, files, checks)
    return checks, refused, folder, uri


def _run_of(settings: Sequence[str]) -> tuple[str, list[str]]:
    """Separate ``run=`` from the settings of a study."""
    runs = [item.removeprefix("run=") for item in settings if item.startswith("run=")]
    if len(runs) != 1 or not runs[0]:
        raise ConfigError("give exactly one run: run=best for the best fold of a dataset, or run=<id> from MLflow.")
    return runs[0], [item for item in settings if not item.startswith("run=")]


def _show(checks: "Sequence[FormatCheck]", threads: int) -> None:
    table = Table(title=f"Each file reloaded and compared with the trained model on its test fold, {threads} threads")
    table.add_column("format", no_wrap=True)
    for name in ("file", "size kB", "WA %", "WA difference, points", "largest difference", "p50 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for check in checks:
        table.add_row(
            check.format,
            check.file,
            f"{check.bytes / 1000:,.0f}",
            f"{100 * check.wa:.2f}",
            f"{100 * check.wa_difference:+z.2f}",
            f"{check.largest_difference:.1e}",
            f"{check.p50_ms:.2f}",
        )
    (Console() if sys.stdout.isatty() else Console(width=150)).print(table)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "export",
        "Write a trained model as Keras, SavedModel and LiteRT (float32, float16, int8), check each file "
        "against the trained model on the run's test fold, and log the model to MLflow. Takes settings of a study, "
        "which say where the corpus and the store are.",
        EXAMPLES,
    )
    parser.add_argument("settings", nargs="+", metavar="key=value", help="run=best or run=<id>, dataset=..., ...")
    parser.add_argument(
        "--out", type=path_argument, default=Path("exports"), help="folder to write below (default: exports)"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads while timing (default: 1)")
    parser.add_argument("--no-track", action="store_true", help="do not log the model to MLflow")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
