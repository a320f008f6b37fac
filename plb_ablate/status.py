"""``python -m plb_ablate.status``: cells by state, with epochs and times, read from the ledger only."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from plb_ablate.config.compose import compose_sweep
from plb_ablate.config.schema import Config
from plb_ablate.config.source import ConfigSource
from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import ConfigError, exit_codes
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.race_records import is_spared, race_records
from plb_ablate.ledger.store import STATES, Ledger, LedgerEntry
from plb_ablate.ledger.time_estimate import duration

__all__ = ["main", "rows"]

EXAMPLES = """
examples:
  python -m plb_ablate.status                                     every cell of ./ledger
  python -m plb_ablate.status demo                                the cells of a study, including those not started
  python -m plb_ablate.status demo protocol=speaker seed=1,2      the same study with other settings of the sweep
  python -m plb_ablate.status ablation=none,cbam --json           as JSON
  python -m plb_ablate.status --watch                             updated every 2 seconds, until Ctrl-C
"""

DECIDED = "decided"
"""State of a cell without a result whose variant has left a race."""

_STATES = (*STATES, DECIDED)

Races = Mapping[str, Mapping[str, Any]]

_COLUMNS = ("state", "cell", "training", "epoch", "WA %", "time", "note")
_COLOURS = {"done": "green", "running": "cyan", "stale": "yellow", "failed": "red", "missing": "dim", DECIDED: "dim"}


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Print the state of cells.

    Returns
    -------
    int
        0, or the exit code of an error, whose message is printed on standard error.
    """
    options = _parser().parse_intermixed_args(argv)
    try:
        cells, ledger, racing = _selected(options)
        if options.watch:
            _watch(ledger, cells, options, racing)
            return 0
        races = _races(ledger, cells, racing)
        shown = rows(ledger, cells, options.study, races)
        if options.json:
            print(json.dumps(shown, indent=1))
        else:
            _show(shown, races, Console())
    except KeyboardInterrupt:
        return 0
    return 0


def rows(
    ledger: Ledger, cells: Sequence[Cell] | None = None, study: str | None = None, races: Races | None = None
) -> list[dict[str, Any]]:
    """Describe cells, sorted by state.

    Parameters
    ----------
    ledger : Ledger
    cells : sequence of Cell, optional
        Cells of a sweep; by default every cell in the ledger.
    study : str, optional
        Restricts the cells of the ledger to this study.
    races : mapping of str to mapping, optional
        Records of races by configuration: what a race has spared is ``decided`` instead of ``missing``.

    Returns
    -------
    list of dict
        ``state``, ``cell``, ``study``, ``dataset``, ``ablation``, ``seed``, ``protocol``, ``trainer``, ``fold``,
        ``epoch``, ``epochs``, ``wa`` (0 to 1; at the selected epoch once finished), ``seconds`` (of training),
        ``updated`` (seconds since 1970) and ``error``; None if not known.
    """
    if cells is None:
        described = [(entry, entry.read("cell.json")) for entry in ledger.entries()]
        described = [(entry, settings) for entry, settings in described if study in (None, settings["study"])]
    else:
        described = [(ledger.entry(cell), cell.description) for cell in cells]
    return sorted(
        (_row(entry, settings, races or {}) for entry, settings in described),
        key=lambda row: (_STATES.index(row["state"]), row["dataset"], row["ablation"], row["seed"], row["fold"]),
    )


def _races(ledger: Ledger, cells: Sequence[Cell] | None, racing: Sequence[Config]) -> Races:
    """Return how the races of a sweep stand, or those that the ledger has a record of."""
    if not racing:
        return race_records(ledger) if cells is None else {}
    from plb_ablate.orchestration.cell_race import cell_races
    from plb_ablate.orchestration.race_words import race_record

    races = cell_races(racing, cells or (), ledger)
    for race in races:
        race.advance()
    return {race.config_hash: race_record(race.name, race.race) for race in races}


def _row(entry: LedgerEntry, settings: dict[str, Any], races: Races) -> dict[str, Any]:
    state, now = entry.state, entry.read("progress.json") or {}
    if state == "missing" and is_spared(races.get(settings["config_hash"]), settings):
        state = DECIDED
    row: dict[str, Any] = {"state": state, "cell": entry.cell}
    row |= {key: settings[key] for key in ("study", "dataset", "ablation", "seed", "fold")}
    row |= {"protocol": settings["protocol"]["name"], "trainer": settings["trainer"]["name"]}
    row |= {"epoch": now.get("epoch"), "epochs": settings["trainer"]["epochs"], "wa": now.get("wa")}
    row |= {"seconds": now.get("seconds"), "updated": None, "error": None}
    if state == "done":
        scores, run = entry.read("result/scores.json"), entry.read("result/run.json")
        row |= {"epoch": row["epochs"], "wa": scores["rules"][scores["headline"]]["wa"], "seconds": run["seconds"]}
    for name in ("result", "progress.json", "error.txt"):
        if (file := entry.folder / name).exists():
            row["updated"] = round(file.stat().st_mtime, 3)
            break
    return row | ({"error": entry.error.strip()} if state == "failed" else {})


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "status",
        "Show the state of cells: done, running, stale (interrupted, the process has ended), failed, "
        "missing (not started), or decided (its variant has left a race).",
        EXAMPLES,
    )
    parser.add_argument("study", nargs="?", help="name of a study in experiments/, or of a study in the ledger")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings of the sweep, as in its command")
    parser.add_argument(
        "--config-dir", "-cd", type=path_argument, help="folder with own choices of settings, as in the sweep's command"
    )
    parser.add_argument(
        "--ledger", type=path_argument, help="folder of results (default: from the settings, otherwise ledger)"
    )
    parser.add_argument("--json", action="store_true", help="print the cells as JSON")
    parser.add_argument("--watch", action="store_true", help="update the table every 2 seconds")
    return parser


def _selected(options: argparse.Namespace) -> tuple[list[Cell] | None, Ledger, list[Config]]:
    """Return the cells of the sweep that the arguments describe (None: all), the ledger, and the jobs of a race."""
    words = [word for word in (options.study, *options.settings) if word]
    names = [word for word in words if "=" not in word]
    settings = [word for word in words if "=" in word]
    if len(names) > 1:
        raise ConfigError(f"give one study only, not {', '.join(names)}.")
    options.study = names[0] if names else None
    source = ConfigSource(folder=options.config_dir)
    if names and source.has_study(names[0]):
        settings.insert(0, f"experiments={names[0]}")
    configs: list[Config] = compose_sweep(settings, multirun=True, source=source) if settings else []
    ledger = Ledger(options.ledger or Path(configs[0].ledger if configs else Config().ledger), create=False)
    if not configs and not ledger.root.is_dir():
        raise ConfigError(
            f"the ledger {ledger.root} does not exist. Name another with --ledger, or a study of experiments/."
        )
    racing = configs if configs and configs[0].schedule.racing else []
    return Plan().cells(*configs) if configs else None, ledger, racing


def _show(cells: Sequence[dict[str, Any]], races: Races, console: Console) -> None:
    if console.is_terminal:
        console.print(_table(cells))
    else:
        for line in [_COLUMNS, *map(_texts, cells)]:
            print("\t".join(line).rstrip())
    console.print(_summary(cells), highlight=False)
    if races:
        _show_races(races, console)


def _show_races(races: Races, console: Console) -> None:
    from plb_ablate.orchestration.race_words import RACE_COLUMNS, race_rows, race_summary

    for record in races.values():
        console.print(race_summary(record), highlight=False, soft_wrap=True)
        if console.is_terminal:
            table = Table(*RACE_COLUMNS)
            for row in race_rows(record):
                table.add_row(*row)
            console.print(table)
        else:
            print(*("\t".join(row).rstrip() for row in [RACE_COLUMNS, *race_rows(record)]), sep="\n")


def _summaries(races: Races) -> list[str]:
    """Describe how far each race is; its statistics are imported only if there is one, because they take seconds."""
    if not races:
        return []
    from plb_ablate.orchestration.race_words import race_summary

    return [race_summary(record) for record in races.values()]


def _watch(ledger: Ledger, cells: Sequence[Cell] | None, options: argparse.Namespace, racing: Sequence[Config]) -> None:
    with Live(console=Console(), auto_refresh=False, vertical_overflow="visible") as live:
        while True:
            races = _races(ledger, cells, racing)
            current = rows(ledger, cells, options.study, races)
            caption = "\n".join([_summary(current), *_summaries(races)])
            live.update(_table(current, caption), refresh=True)
            time.sleep(2)


def _table(cells: Sequence[dict[str, Any]], caption: str = "") -> Table:
    table = Table(*_COLUMNS, caption=caption)
    for row in cells:
        table.add_row(*_texts(row), style=_COLOURS[row["state"]])
    return table


def _texts(row: dict[str, Any]) -> tuple[str, ...]:
    training = f"{row['dataset']} {row['ablation']} seed {row['seed']} fold {row['fold']} ({row['protocol']})"
    wa = "" if row["wa"] is None else f"{100 * row['wa']:.1f}"
    seconds = "" if row["seconds"] is None else duration(row["seconds"])
    note = (row["error"] or "").split("\n")[0]
    if row["state"] in ("running", "stale") and row["updated"]:
        note = f"last epoch {duration(time.time() - row['updated'])} ago"
    return row["state"], row["cell"], training, f"{row['epoch'] or 0}/{row['epochs']}", wa, seconds, note


def _summary(cells: Sequence[dict[str, Any]]) -> str:
    counts = Counter(row["state"] for row in cells)
    shown = _STATES if counts[DECIDED] else STATES
    return f"{len(cells)} cells: " + ", ".join(f"{counts[state]} {state}" for state in shown) + "."


if __name__ == "__main__":
    sys.exit(main())
