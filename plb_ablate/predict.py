"""``python -m plb_ablate.predict``: classify the emotion of recordings with an exported model.

Needs only LiteRT, librosa and NumPy (``pip install .[edge]``): no TensorFlow, no MLflow.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import RecordingError, exit_codes
from plb_ablate.core.progress_bar import with_progress
from plb_ablate.data.recording_files import find_recordings
from plb_ablate.features.coefficients import Windows, check_window, feature_windows
from plb_ablate.inference.litert import LiteRTModel

__all__ = ["main", "predict_file", "recordings_of"]

EXAMPLES = """
examples:
  python -m plb_ablate.predict speech.wav --model model_float32.tflite
  python -m plb_ablate.predict recordings/ --model model_int8.tflite --json > emotions.json
  python -m plb_ablate.predict interview.flac --model model_float32.tflite --window 4.535 --hop 1
"""


def recordings_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files of `paths`; folders are searched recursively, in natural order.

    In a folder only recordings are used (`plb_ablate.data.recording_files`); a file in `paths` is always used.
    """
    from natsort import natsorted

    files: list[Path] = []
    for path in paths:
        files += natsorted(find_recordings(path, recursive=True), key=str) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def predict_file(model: LiteRTModel, path: Path, window: float | None = None, hop: float = 1.0) -> dict[str, Any]:
    """Classify one recording.

    Parameters
    ----------
    model : LiteRTModel
    path : Path
        Audio file.
    window, hop : float
        Seconds, see `plb_ablate.features.coefficients.feature_windows`; without a window only the central segment of
        the recording is classified.

    Returns
    -------
    dict
        ``file``, ``seconds``, ``emotion``, ``probabilities`` by class (the mean over windows), and ``windows``, each
        with ``start`` and ``end`` in seconds, ``emotion`` and ``probabilities``.

    Raises
    ------
    RecordingError
        If the recording cannot be used.
    """
    windows = feature_windows(path, window, hop, model.card.features)
    probabilities = model.predict(windows.features)
    whole = {"file": str(path), "seconds": round(windows.seconds, 3)} | _verdict(model, probabilities.mean(axis=0))
    return whole | {"windows": list(_window_verdicts(model, windows, probabilities))}


def _window_verdicts(
    model: LiteRTModel, windows: Windows, probabilities: NDArray[np.float32]
) -> Iterator[dict[str, Any]]:
    for start, end, row in zip(windows.starts, windows.ends, probabilities, strict=True):
        yield {"start": round(float(start), 3), "end": round(float(end), 3)} | _verdict(model, row)


def _verdict(model: LiteRTModel, probabilities: NDArray[np.float32]) -> dict[str, Any]:
    classes = model.card.classes
    named = {name: round(float(value), 6) for name, value in zip(classes, probabilities, strict=True)}
    return {"emotion": classes[int(probabilities.argmax())], "probabilities": named}


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Classify recordings.

    Returns
    -------
    int
        0, or the exit code of an error: 2 if some recordings cannot be used; the others are classified nevertheless.
    """
    options = _parser().parse_args(argv)
    model = LiteRTModel(options.model, options.threads)
    if options.window is not None:
        check_window(options.window, options.hop, model.card.features)
    results, problems = _predict_all(model, recordings_of(options.files), options)
    if options.json:
        failures = [{"file": str(path), "reason": reason} for path, reason in problems]
        print(json.dumps({"classes": model.card.classes, "results": results, "failures": failures}, indent=1))
    else:
        _show(results, model.card.classes, windows=options.window is not None)
    return _report_problems(results, problems, model.card.features.seconds if options.window is None else None)


def _predict_all(
    model: LiteRTModel, files: Sequence[Path], options: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[tuple[Path, str]]]:
    results: list[dict[str, Any]] = []
    problems: list[tuple[Path, str]] = []
    for path in with_progress(files, "Classifying", len(files)):
        try:
            results.append(predict_file(model, path, options.window, options.hop))
        except RecordingError as error:
            problems += error.problems
    return results, problems


def _show(results: Sequence[dict[str, Any]], classes: Sequence[str], *, windows: bool) -> None:
    table = Table()
    table.add_column("file", overflow="fold")
    for name in ("start s", "end s") if windows else ():
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("emotion", no_wrap=True)
    for name in classes:
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        if windows:
            for part in result["windows"]:
                table.add_row("", f"{part['start']:.2f}", f"{part['end']:.2f}", *_cells(part))
        span = ("0.00", f"{result['seconds']:.2f}") if windows else ()
        table.add_row(result["file"], *span, *_cells(result), style="bold" if windows else None, end_section=windows)
    (Console() if sys.stdout.isatty() else Console(width=200)).print(table)


def _cells(verdict: dict[str, Any]) -> tuple[str, ...]:
    return verdict["emotion"], *(f"{value:.3f}" for value in verdict["probabilities"].values())


def _report_problems(
    results: Sequence[dict[str, Any]], problems: Sequence[tuple[Path, str]], segment: float | None
) -> int:
    """Print on standard error what was not classified, and return the exit code.

    `segment` is the length in seconds of the central segment; None if windows cover the whole recordings.
    """
    longer = [r for r in results if segment is not None and r["seconds"] - r["windows"][0]["end"] > 1e-3]
    if longer and segment is not None:
        window = math.floor(1000 * segment) / 1000
        print(
            f"note: only the central segment of {len(longer)} of {len(results)} recordings was classified; "
            f"--window {window} --hop {min(window, 1)} classifies whole recordings.",
            file=sys.stderr,
        )
    if problems:
        lines = "\n".join(f"  {path}: {reason}" for path, reason in problems)
        print(
            f"error: {len(problems)} of {len(problems) + len(results)} recordings cannot be used:\n{lines}",
            file=sys.stderr,
        )
        return RecordingError.exit_code
    if not results:
        print("error: no recordings were found in the given files and folders.", file=sys.stderr)
        return RecordingError.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "predict",
        "Classify the emotion of recordings, with the probability of each emotion that the model knows.",
        EXAMPLES,
    )
    parser.add_argument(
        "files", nargs="+", type=path_argument, metavar="FILE", help="recording, or folder of recordings"
    )
    parser.add_argument(
        "--model", type=path_argument, required=True, help="a .tflite file written by `python -m plb_ablate.export`"
    )
    parser.add_argument(
        "--window", type=float, help="window length in seconds; without it, only the central segment is classified"
    )
    parser.add_argument("--hop", type=float, default=1.0, help="seconds between the starts of two windows (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the model (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
