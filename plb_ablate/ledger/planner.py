"""What configurations come to: their corpora, each read once, and their cells."""

from collections.abc import Iterable
from pathlib import Path

from plb_ablate.config.schema import Config
from plb_ablate.features.dataset import PreparedCorpus, prepare
from plb_ablate.ledger.cells import Cell, plan_cells

__all__ = ["Plan"]


class Plan:
    """Cells of configurations. Corpora are read, and their features extracted, as they are first asked for."""

    def __init__(self) -> None:
        self._corpora: dict[tuple[str, str], tuple[PreparedCorpus, Path]] = {}

    def corpus(self, config: Config) -> PreparedCorpus:
        """The corpus of a configuration, with its features."""
        return self._prepared(config)[0]

    def cells(self, *configs: Config) -> list[Cell]:
        """Every cell of the configurations, in their order; one that several ask for comes once."""
        return list({cell.id: cell for cell in self._all(configs)}.values())

    def _all(self, configs: Iterable[Config]) -> Iterable[Cell]:
        for config in configs:
            yield from plan_cells(config, *self._prepared(config))

    def _prepared(self, config: Config) -> tuple[PreparedCorpus, Path]:
        key = (config.dataset.name, config.dataset.root)
        if key not in self._corpora:
            cache = Path(config.cache)
            prepared = prepare(config.dataset.name, Path(config.dataset.root), cache / "features")
            self._corpora[key] = prepared, prepared.save(cache / "corpora").resolve()
        return self._corpora[key]
