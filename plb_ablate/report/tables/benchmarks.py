"""Tables of inference time and memory, measured by ``python -m plb_ablate.bench``, with the published values."""

from typing import TYPE_CHECKING

from plb_ablate.models.plb.family import PLB
from plb_ablate.models.registry import family_in_results
from plb_ablate.published import tables as published
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, rounded, text
from plb_ablate.tracking.mlflow_reader import StoredRun, experiment_id, finished_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["inference_table", "memory_table", "read_measurements"]

LEVELS = ("inference", "memory")
"""Values of the tag ``level`` of runs with measurements, and first part of the names of their metrics."""


def read_measurements(client: "MlflowClient", experiment: str, dataset: str) -> dict[str, list[StoredRun]]:
    """Read the latest measurement of each variant on each processor, by level.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    number, tags = experiment_id(client, experiment), ("ablation", "hardware", "model")
    by_level = {}
    for level in LEVELS:
        runs = finished_runs(client, number, {"level": level, "dataset": dataset}, tags, None)
        latest = {tuple(run.tags.get(tag, "") for tag in tags): run for run in sorted(runs, key=lambda run: run.ended)}
        by_level[level] = [latest[key] for key in sorted(latest)]
    return by_level


def _name(run: StoredRun) -> str:
    return family_in_results(run.tags.get("model", PLB.name)).display_name(run.tags.get("ablation", ""))


def inference_table(runs: list[StoredRun], dataset: str) -> Table:
    """Make the table of milliseconds per utterance at batch size 1: our measurements, then the published means."""
    rows = []
    for run in runs:
        measured = {name.rsplit("/", 2)[0] for name in run.metrics if name.endswith("/network/mean")}
        for place in sorted(measured):
            _, runtime, device, threads = place.split("/")
            times = [run.metrics.get(f"{place}/network/{name}") for name in ("mean", "p50", "p95")]
            mfcc = run.metrics.get(f"{place}/mfcc/mean")
            where = f"{runtime}, {device}, {threads}"
            name, hardware = _name(run), run.tags.get("hardware", "")
            rows.append((text(name), text(hardware), text(where), *(rounded(t) for t in times), rounded(mfcc)))
    if dataset in published.DATASETS:
        for hardware, times_of in published.inference_times().items():
            mean = rounded(1e3 * times_of[dataset])
            blank = TableCell(MISSING)
            rows.append((text("proposed"), text(hardware), text("as published"), mean, blank, blank, blank))
    return Table(
        "inference",
        "Real-time inference, ms per utterance at batch size 1, after a warm-up.",
        ("Name", "Hardware", "Runtime", "network mean", "p50", "p95", "MFCC mean"),
        tuple(rows),
        "lllrrrr",
        ("The published times are means of one forward pass, without feature extraction.",),
    )


def memory_table(runs: list[StoredRun]) -> Table:
    """Make the table of parameters, saved size and peak memory (MB = 10^6 bytes): our measurements, then published."""
    rows = []
    for run in runs:
        own = {name.removeprefix("memory/"): value for name, value in run.metrics.items()}
        peaks = [
            own.get(f"{process}/resident_mb") for process in ("training", "inference TensorFlow", "inference LiteRT")
        ]
        name, hardware = _name(run), run.tags.get("hardware", "")
        sizes = (number(own.get("params"), ",.0f"), rounded(own.get("weights_mb"), 3))
        gpu = rounded(own.get("training/gpu_mb"), 3)
        rows.append((text(name), text(hardware), *sizes, *(rounded(peak, 0) for peak in peaks), gpu))
    printed = published.memory()
    blank = TableCell(MISSING)
    sizes = (text(printed.params), rounded(printed.size_mb, 3))
    rows.append(
        (text("proposed"), text("as published"), *sizes, blank, blank, blank, rounded(1e3 * printed.peak_gb, 3))
    )
    return Table(
        "memory",
        "Memory, MB (10^6 bytes): saved weights, peak resident memory of a process, peak GPU memory.",
        ("Name", "Hardware", "#Params", "weights", "training", "inference, TensorFlow", "inference, LiteRT", "GPU"),
        tuple(rows),
        "llrrrrrr",
        ("Resident memory includes the loaded libraries.",),
    )
