"""Figures of one cell: its confusion matrix and its learning curves."""

from pathlib import Path
from typing import Any

import pandas as pd

from plb_ablate.core.library_caches import settle_matplotlib_cache

settle_matplotlib_cache()
import matplotlib  # noqa: E402

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

__all__ = ["confusion_figure", "curves_figure", "draw_confusion"]

_SAVE: dict[str, Any] = {"dpi": 110, "bbox_inches": "tight", "metadata": {"Software": None}}


def confusion_figure(matrix: pd.DataFrame, title: str, path: Path) -> None:
    """Draw a confusion matrix as PNG.

    Parameters
    ----------
    matrix : DataFrame of int (classes, classes)
        Utterances; rows are true classes, columns predicted ones.
    title : str
    path : Path
    """
    size = 2.2 + 0.55 * len(matrix)
    figure, axes = plt.subplots(figsize=(size, size * 0.9))
    draw_confusion(axes, matrix, title)
    figure.savefig(path, **_SAVE)
    plt.close(figure)


def draw_confusion(axes: Axes, matrix: pd.DataFrame, title: str) -> None:
    """Draw a confusion matrix, shaded by the share of each true class, into existing axes."""
    counts = matrix.to_numpy()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(len(matrix)):
        for column in range(len(matrix)):
            ink = "white" if shares[row, column] > 0.55 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=ink, fontsize=9)
    axes.set_xticks(range(len(matrix)), list(matrix.columns), rotation=45, ha="right")
    axes.set_yticks(range(len(matrix)), list(matrix.index))
    axes.set(xlabel="predicted", ylabel="true", title=title)


def curves_figure(history: pd.DataFrame, chosen: int, title: str, path: Path) -> None:
    """Draw loss and accuracy of every epoch as PNG.

    Parameters
    ----------
    history : DataFrame (epochs, curves)
        Columns such as ``train/loss`` and ``test/wa``.
    chosen : int
        Selected epoch (from 0); marked by a line.
    title : str
    path : Path
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    epochs = range(1, len(history) + 1)
    for axes, names in ((left, ("loss",)), (right, ("accuracy", "wa"))):
        for column in history.columns:
            split, _, name = column.partition("/")
            if name in names:
                axes.plot(epochs, history[column], label=split, marker="." if len(history) < 30 else None)
        axes.axvline(chosen + 1, color="grey", linestyle=":", label="selected epoch")
        axes.set_xlabel("epoch")
    left.set_ylabel("loss")
    right.set(ylabel="weighted accuracy", ylim=(0, 1))
    right.legend(fontsize=8)
    figure.suptitle(title)
    figure.savefig(path, **_SAVE)
    plt.close(figure)
