"""The plan of a sweep: its corpora, each read once, and its cells."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from plb_ablate.config.schema import Config
from plb_ablate.features.dataset import PreparedCorpus, prepare
from plb_ablate.ledger.cells import Cell, plan_cells
from plb_ablate.ledger.store import Ledger
from plb_ablate.models.user_file import read_user_model

__all__ = ["Plan"]


class Plan:
    """Cells of configurations. A corpus is read, and its features are extracted, when it is first needed."""

    def __init__(self) -> None:
        self._corpora: dict[tuple[str, str, str], tuple[PreparedCorpus, Path]] = {}

    def corpus(self, config: Config) -> PreparedCorpus:
        """Return the corpus of a configuration, with its features."""
        return self._prepared(config)[0]

    def cells(self, *configs: Config) -> list[Cell]:
        """Return every cell of the configurations, in their order; one of several configurations only once."""
        return [cell for job in self.jobs(configs) for cell in job]

    def jobs(self, configs: Sequence[Config]) -> Iterator[list[Cell]]:
        """Yield the cells of each configuration; a cell of several configurations belongs to the first of them only.

        Features that are too small for the network are refused before the first recording is read.
        """
        for config in configs:
            config.model.family.check_input(config.features.shape)
        seen: set[str] = set()
        for config in configs:
            planned = plan_cells(config, *self._prepared(config), _model_copy(config))
            cells = [cell for cell in planned if cell.id not in seen]
            seen |= {cell.id for cell in cells}
            yield cells

    @property
    def remarks(self) -> list[str]:
        """What a user should know of the corpora read so far (`PreparedCorpus.remarks`), each line once."""
        return list(dict.fromkeys(line for prepared, _ in self._corpora.values() for line in prepared.remarks))

    def _prepared(self, config: Config) -> tuple[PreparedCorpus, Path]:
        protocol = config.protocol.name if config.dataset.reader else ""  # what an own corpus needs depends on it
        key = (repr(config.dataset), repr(config.features), protocol)
        if key not in self._corpora:
            cache = Path(config.cache)
            prepared = prepare(config.dataset, cache / "features", features=config.features, protocol=protocol)
            prepared = _as_stored(prepared, Ledger(Path(config.ledger), create=False))
            self._corpora[key] = prepared, prepared.save(cache / "corpora").resolve()
        return self._corpora[key]


def _model_copy(config: Config) -> Path | None:
    """Copy a user's model file into the cache, from which the workers read it."""
    if config.model.file is None:
        return None
    return read_user_model(Path(config.model.file)).copy_to(Path(config.cache) / "models").resolve()


def _as_stored(prepared: PreparedCorpus, ledger: Ledger) -> PreparedCorpus:
    """Return the corpus as the ledger knows it, so that cells trained by an earlier version are found."""
    earlier = prepared.as_earlier()
    if earlier.content == prepared.content:
        return prepared
    stored = {entry.read("cell.json").get("content") for entry in ledger.entries()}
    return earlier if earlier.content in stored and prepared.content not in stored else prepared
