"""``python -m plb_ablate.reproduce``: the first epochs of the published trainings, beside the published curves."""

import argparse
import csv
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plb_ablate.config.compose import compose_sweep
from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Config, Trainer
from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import ConfigError, exit_codes
from plb_ablate.core.signals import interrupts_raised
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.models.plb.family import PLB
from plb_ablate.orchestration.sweep import Sweep
from plb_ablate.published import tables as published
from plb_ablate.published.curve_agreement import Agreement, History, compare_curves
from plb_ablate.published.curves import curves_kept, curves_known
from plb_ablate.report.figures.comparison import save_figure
from plb_ablate.report.figures.training import draw_published_curves
from plb_ablate.report.published.learning_curves import agreement_table, judged_table
from plb_ablate.report.tables.terminal import show

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.reproduce dataset=emodb                        every published variant, ten folds, 20 epochs
  python -m plb_ablate.reproduce dataset=emodb ablation=none fold=0,1,2 trainer.epochs=60
  python -m plb_ablate.reproduce dataset=ravdess ablation=dwscnn,routing --json > curves.json
  python -m plb_ablate.reproduce dataset=emodb --figure curves.png    ours drawn over the published ones

It trains what the ledger lacks, resumes what was interrupted, and uses longer trainings of the same cells where the
ledger has them. Exit code: 0, or 1 where a variant leaves the band of the published folds.
"""

DEFAULTS = {"tracking": "none", "trainer.epochs": "20"}
"""Settings that hold unless others are given."""


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Train, compare and print.

    Returns
    -------
    int
        0; 1 if a variant does not train like the published one; or the exit code of what went wrong.
    """
    options = _parser().parse_intermixed_args(argv)
    configs = _configs(options.settings)
    ledger = Ledger(Path(configs[0].ledger))
    cells = _cells(configs)
    _train(configs, cells, ledger)
    histories = _histories(cells, ledger)
    dataset = configs[0].dataset.name
    found = [compare_curves(dataset, name, folds) for name, folds in histories.items()]
    if options.figure:
        save_figure(draw_published_curves(dataset, histories), options.figure)
    _print(dataset, found, as_json=options.json)
    return 1 if any(agreement.trains_alike is False for agreement in found) else 0


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "reproduce",
        "Train the first epochs of every published variant under the published protocol, and say at which "
        "epochs its learning curves leave those of the published folds.",
        EXAMPLES,
    )
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings of a sweep, dataset= among them")
    parser.add_argument("--figure", type=path_argument, help="draw the curves into this PNG file")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    return parser


def _configs(settings: Sequence[str]) -> list[Config]:
    """Compose one configuration a variant and fold, and refuse those that are not the published training."""
    given = {setting.partition("=")[0] for setting in settings}
    if "dataset" not in given:
        raise ConfigError(f"name the corpus: dataset={' or dataset='.join(_corpora())}.")
    defaults = [f"{key}={value}" for key, value in DEFAULTS.items() if key not in given]
    (first, *_) = compose_sweep([*defaults, *settings], multirun=True)
    kept = curves_kept(first.dataset.name)
    if not kept:
        raise ConfigError(
            f"dataset={first.dataset.name} has no published learning curves. Use {' or '.join(_corpora())}."
        )
    if "ablation" not in given:
        defaults.append(f"ablation={','.join(kept)}")
    configs = compose_sweep([*defaults, *settings], multirun=True)
    known = curves_known(first.dataset.name)
    for config in configs:
        _check(config, known)
    return configs


def _corpora() -> list[str]:
    return [dataset for dataset in published.DATASETS if curves_kept(dataset)]


def _check(config: Config, known: Sequence[str]) -> None:
    name = config.dataset.name
    if config.ablation not in known:
        raise ConfigError(f"ablation={config.ablation} has no published curves of {name}. Use {', '.join(known)}.")
    published_trainer = Trainer(epochs=config.trainer.epochs, loss=PLB.loss)
    wrong = [
        (config.model.name != PLB.name, f"model={config.model.name}"),
        (bool(config.features.changed), f"features={config.features.name} with its settings"),
        (config.protocol != Protocol(), f"protocol={config.protocol.name} with its settings"),
        (config.trainer != published_trainer, f"trainer={config.trainer.name} with its settings"),
        (config.reverse.name != "coefficient", f"reverse={config.reverse.name}"),
    ]
    for differs, words in wrong:
        if differs:
            raise ConfigError(
                f"{words} is not the published training. Leave it out: of the training, trainer.epochs, seed, fold and "
                "threads may be set."
            )


def _cells(configs: Sequence[Config]) -> list[Cell]:
    """Plan the cells, and refuse a corpus whose folds are not the published ones."""
    plan = Plan()
    name = configs[0].dataset.name
    found, wanted = len(plan.corpus(configs[0]).corpus.labels), published.UTTERANCES[name]
    if found != wanted:
        raise ConfigError(
            f"dataset.root={configs[0].dataset.root} holds {found:,} of {wanted:,} utterances of {name}: its folds are "
            f"not the published ones. `python -m plb_ablate.data check {name}` says what is missing."
        )
    cells = plan.cells(*configs)
    if len({(cell.settings["seed"], cell.settings["threads"]) for cell in cells}) > 1:
        raise ConfigError("one seed and one number of threads at a time: folds of several are not independent.")
    return cells


def _train(configs: Sequence[Config], cells: Sequence[Cell], ledger: Ledger) -> None:
    """Train the cells of which no long enough training is kept."""
    kept = _kept(ledger)
    lacking = {(cell.settings["ablation"], cell.fold) for cell in cells if _longest(cell, kept) is None}
    todo = [
        dataclasses.replace(config, fold=fold)
        for config in configs
        for fold in range(config.protocol.n_splits)
        if config.fold in (None, fold) and (config.ablation, fold) in lacking
    ]
    if not todo:
        return
    with interrupts_raised():
        sweep = Sweep(todo)
        with sweep.running():
            sweep.run(todo[0])


def _kept(ledger: Ledger) -> dict[str, list[tuple[int, Path]]]:
    """Histories of finished trainings by what decides their epochs, each with its number of epochs."""
    kept: dict[str, list[tuple[int, Path]]] = {}
    for entry in ledger.entries():
        if entry.state != "done":
            continue
        described = entry.read("cell.json")
        settings = {key: value for key, value in described.items() if key not in Cell.PLACE}
        cell = Cell(settings, described["fold"], described["n_folds"], (), Path())
        if cell.id == entry.cell:  # of this version
            kept.setdefault(_but_for_epochs(cell), []).append(
                (settings["trainer"]["epochs"], entry.result / "history.csv")
            )
    return kept


def _but_for_epochs(cell: Cell) -> str:
    settings = cell.settings | {"trainer": cell.settings["trainer"] | {"epochs": 0}}
    return Cell(settings, cell.fold, cell.n_folds, (), Path()).id


def _longest(cell: Cell, kept: Mapping[str, list[tuple[int, Path]]]) -> Path | None:
    """History of the longest training of a cell; None if all are too short."""
    epochs, history = max(kept.get(_but_for_epochs(cell), []), default=(0, Path()))
    return history if epochs >= cell.settings["trainer"]["epochs"] else None


def _histories(cells: Sequence[Cell], ledger: Ledger) -> dict[str, list[History]]:
    """Curves of every fold by variant, cut to the epochs asked for."""
    kept = _kept(ledger)
    found: dict[str, list[History]] = {}
    for cell in cells:
        history = _longest(cell, kept)
        assert history is not None, f"{cell.label} was trained"
        with history.open(newline="") as file:
            rows = list(csv.DictReader(file))[: cell.settings["trainer"]["epochs"]]
        curves = {name: [float(row[name]) for row in rows] for name in rows[0] if name != "epoch"}
        found.setdefault(cell.settings["ablation"], []).append(curves)
    return found


def _print(dataset: str, found: Sequence[Agreement], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([dict(_plain(agreement)) for agreement in found], indent=1))
        return
    show(f"{dataset}: training loss", judged_table(dataset, found), "")
    table = agreement_table(dataset, found)
    alike = sum(agreement.trains_alike is True for agreement in found)
    show(f"{dataset}: learning curves", table, f"{alike} of {len(found)} variants train like the published ones.")


def _plain(agreement: Agreement) -> Iterator[tuple[str, Any]]:
    yield from dataclasses.asdict(agreement).items()
    yield "answer", agreement.answer


if __name__ == "__main__":
    sys.exit(main())
