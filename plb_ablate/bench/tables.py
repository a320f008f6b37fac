"""Measurements as tables for a terminal, with the published numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from plb_ablate.bench.measurement import Measurement
from plb_ablate.published import tables as published

__all__ = ["show_inference", "show_measurements", "show_memory"]


def show_measurements(measurements: Sequence[Measurement], title: str, console: Console) -> None:
    """Print measurements: one row each, with its ratio."""
    table = Table(title=title)
    for name in ("measure", "setting"):
        table.add_column(name, no_wrap=True)
    for name in ("value", "unit", "ratio", "to"):
        table.add_column(name, justify="left" if name in ("unit", "to") else "right", no_wrap=True)
    for m in measurements:
        ratio, against = "–", ""
        if m.ratio is not None:
            decimals = 2 if m.ratio > 0.1 else 4
            ratio, against = f"{m.ratio:.{decimals}f}", m.against
        table.add_row(m.measure, m.setting, f"{m.value:,.2f}", m.unit, ratio, against)
    console.print(table)


def show_inference(rows: Sequence[Mapping[str, Any]], title: str, console: Console) -> None:
    """Print the latencies and the published table."""
    table = Table(title=title, caption="ms per utterance at batch size 1; the published mean is of the network only")
    for name in ("runtime", "device", "threads"):
        table.add_column(name, no_wrap=True)
    columns = [(part, name) for part in ("network", "mfcc") for name in ("mean", "p50", "p95")]
    for part, name in columns:
        table.add_column(f"{part} {name}", justify="right", no_wrap=True)
    for row in rows:
        values = (f"{row[part][name]:.2f}" for part, name in columns)
        table.add_row(row["runtime"], row["device"], str(row["threads"]), *values)
    console.print(table)
    printed = Table(title="Published mean, ms", caption=published.SOURCE)
    printed.add_column("hardware", no_wrap=True)
    for dataset in published.DATASETS:
        printed.add_column(dataset, justify="right")
    for hardware, times in published.inference_times().items():
        printed.add_row(hardware, *(f"{1e3 * times[dataset]:.2f}" for dataset in published.DATASETS))
    console.print(printed)


def show_memory(memory: Mapping[str, Any], title: str, console: Console) -> None:
    """Print parameters, sizes and peak memory with the published values."""
    printed = published.memory()
    table = Table(title=title, caption="MB = 10^6 bytes; resident memory includes the loaded libraries")
    table.add_column("quantity", no_wrap=True)
    for name in ("here", "published"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("parameters", f"{memory['params']:,.0f}", printed.params)
    table.add_row("saved weights, MB", f"{memory['weights_mb']:.3f}", f"{printed.size_mb:.3f}")
    for process, peaks in memory.items():
        if isinstance(peaks, dict):
            runtime = f"{peaks['resident_mb']:,.0f} ({peaks['runtime_mb']:,.0f} before the model)"
            table.add_row(f"{process}, peak resident memory, MB", runtime, "–")
            gpu = "no GPU" if peaks["gpu_mb"] is None else f"{peaks['gpu_mb']:.3f}"
            table.add_row(f"{process}, peak GPU memory, MB", gpu, f"{1e3 * printed.peak_gb:.3f}")
    console.print(table)
