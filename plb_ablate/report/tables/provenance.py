"""Provenance: the runs, commits, settings and versions that produced the numbers."""

import csv
import io

from plb_ablate.report.study import Study
from plb_ablate.report.tables.model import Table, TableCell, number, text
from plb_ablate.training.metrics import PREDICTED_CLASSES, SCORES

__all__ = ["fold_csv", "origin_table", "run_table"]


def origin_table(study: Study) -> Table:
    """Make the table of settings, commits, hardware and versions; if runs differ, all values are listed."""
    key = study.key
    facts = {
        "dataset": key.dataset,
        "protocol": key.protocol,
        "trainer": key.trainer,
        **{name: words for name in ("training", "features") if (words := getattr(study.folds[0], name))},
        "reverse": key.reverse,
        "config hash": key.config_hash,
        "seeds": ", ".join(map(str, study.seeds)),
        "fold runs": f"{len(study.folds):,}",
        "utterances": f"{study.n_utterances:,}" if study.n_utterances else "unknown: no variant has all its folds",
    }
    tags = [run.tags for run in study.folds if run.tags] + [run.tags for run in study.configs if run.tags]
    names = dict.fromkeys(name for run_tags in tags for name in run_tags)
    facts |= {name.replace("_", " "): ", ".join(sorted({t[name] for t in tags if name in t})) for name in names}
    return Table(
        "provenance",
        "Provenance of these numbers. The ids and scores of all fold runs are in `folds.csv`.",
        ("item", "value"),
        tuple((text(name), text(value)) for name, value in facts.items()),
        "ll",
    )


def run_table(study: Study, run_page: str = "") -> Table:
    """Make the table of the parent runs' MLflow ids, linked to their pages if `run_page` is given."""

    def linked(run_id: str) -> TableCell:
        return TableCell(run_id, run_id, link=f"{run_page}{run_id}" if run_page else "")

    rows = [
        (text(study.display_name(run.ablation)), number(run.seed, "d"), linked(run.run_id)) for run in study.configs
    ]
    return Table("runs", "MLflow parent runs.", ("Name", "seed", "run id"), tuple(rows), "lrl")


def fold_csv(study: Study) -> str:
    """Return every fold run with all its scores as CSV, for further analysis."""
    columns = [(rule, metric) for rule in study.rules for metric in (*SCORES, PREDICTED_CLASSES, "epoch")]
    fixed = ("ablation", "seed", "fold", "n_train", "n_validation", "n_test", "seconds")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow((*fixed, *(f"{rule}/{metric}" for rule, metric in columns), "run_id"))
    for run in study.folds:
        scores = (run.value(rule, metric) for rule, metric in columns)
        writer.writerow((*(getattr(run, name) for name in fixed), *scores, run.run_id))
    return buffer.getvalue()
