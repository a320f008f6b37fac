"""Where configurations are found: ``conf/`` and ``experiments/``, or folders that a command names."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from hydra.conf import HydraConf, RunDir, SweepDir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ConfigError

__all__ = ["BUILT_IN", "ConfigSource", "config_root", "register_schema"]

_LOGS = "logs/${now:%Y-%m-%d_%H-%M-%S}"


def config_root() -> Path:
    """Folder that contains ``conf/`` and ``experiments/``: the package if installed, else the checkout."""
    package = Path(__file__).resolve().parents[1]
    return package if (package / "conf").is_dir() else package.parent


def register_schema() -> None:
    """Register the schema, and the studies for ``experiments=<study>``, with Hydra.

    Studies are registered one by one, because Hydra treats every folder on its search path as a config group, including
    the ``.venv`` of a checkout.
    """
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    logs = HydraConf(run=RunDir(_LOGS), sweep=SweepDir(_LOGS, "${hydra.job.num}"))
    store.store(group="hydra", name="config", node=logs, provider="plb_ablate")  # for every primary configuration
    # hydra/launcher/ray.yaml and the Ray launcher's schema have the same name on purpose
    warnings.filterwarnings("ignore", "(?s).*validated against ConfigStore schema with the same name", UserWarning)
    for file in sorted((config_root() / "experiments").glob("*.yaml")):
        store.store(group="experiments", name=file.stem, node=OmegaConf.load(file), package="_global_")


@dataclass(frozen=True)
class ConfigSource:
    """Where configurations come from, as Hydra's options ``--config-path``, ``--config-name`` and ``--config-dir``.

    Parameters
    ----------
    path : Path, optional
        Folder of the primary configuration, for example ``logs/<time>/.hydra``; relative to the current folder.
    name : str, optional
        Name of the primary configuration.
    folder : Path, optional
        Folder with further choices of the groups, for example ``<folder>/dataset/mine.yaml``.

    Raises
    ------
    ConfigError
        If a folder or the primary configuration does not exist.
    """

    path: Path | None = None
    name: str | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        for option, folder in (("--config-path", self.path), ("--config-dir", self.folder)):
            if folder and not folder.is_dir():
                raise ConfigError(f"{option} {folder}: the folder does not exist in {Path.cwd()}.")
        if self.path and not (file := self.path / f"{self.primary}.yaml").is_file():
            found = ", ".join(sorted(other.stem for other in self.path.glob("*.yaml"))) or "no YAML file"
            raise ConfigError(f"--config-path {self.path}: {file.name} is not in it. --config-name can be: {found}.")

    @property
    def primary(self) -> str:
        """Name of the primary configuration, without ``.yaml``."""
        return (self.name or "config").removesuffix(".yaml")

    def has_study(self, name: str) -> bool:
        """Whether there is a study of this name."""
        folders = [config_root(), *([self.folder] if self.folder else [])]
        return any((folder / "experiments" / f"{name}.yaml").is_file() for folder in folders)


BUILT_IN = ConfigSource()
"""The configurations of this package only."""
