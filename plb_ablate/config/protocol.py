"""Evaluation protocols: their names, their settings and the rules that select the epoch to score."""

from dataclasses import dataclass

from plb_ablate.core.errors import ConfigError

__all__ = ["ALLOWED_RULES", "FEWEST_GROUPS", "PROTOCOLS", "RULES", "RULE_LABELS", "Protocol"]

RULES = ("best_test", "best_validation", "last")
"""All rules for selecting the epoch of a training whose scores are reported."""

RULE_LABELS = {
    "best_test": "best epoch on test (optimistic)",
    "best_validation": "best epoch on validation",
    "last": "last epoch",
}
"""Display name of each rule."""

ALLOWED_RULES = {
    "published": ("best_test", "last"),
    "nested": ("best_validation", "best_test", "last"),
    "speaker": ("best_validation", "best_test", "last"),
    "predefined": ("last", "best_test"),
}
"""Rules available under each protocol; the first is the default."""

PROTOCOLS = tuple(ALLOWED_RULES)
"""Names of the protocols."""

FEWEST_GROUPS = 3
"""Fewest groups of speakers: the test, validation and training splits need at least one each."""


@dataclass
class Protocol:
    """How folds are made and how the epoch to score is selected.

    Parameters
    ----------
    name : str
        One of `PROTOCOLS`.
    n_splits : int
        Number of folds. Under ``speaker`` it depends on the corpus: leave-one-speaker-out and leave-one-session-out
        ignore this setting; otherwise the nearest number of folds with balanced genders is used (`plb_ablate.splits`).
        Under ``predefined`` the corpus has its folds.
    random_state : int
        Seed of the folds, and of the validation split of ``nested``; ``speaker`` and ``predefined`` use no random
        numbers.
    validation_fraction : float
        ``nested`` only: fraction of a fold's training data that becomes the validation split. With 10 folds, the
        default of 1/9 makes it as large as the test split.
    headline : str
        Rule for selecting the epoch of the primary scores, one of the protocol's `ALLOWED_RULES`; empty selects the
        first of them. Code reads it through the property `rule`.

    Raises
    ------
    ConfigError
        If a value is invalid; the message names the valid ones.
    """

    name: str = "published"
    n_splits: int = 10
    random_state: int = 98
    validation_fraction: float = 1 / 9
    headline: str = ""

    def __post_init__(self) -> None:
        if self.name not in PROTOCOLS:
            raise ConfigError(f"protocol={self.name} is unknown. Use one of {', '.join(PROTOCOLS)}.")
        fewest = FEWEST_GROUPS if self.name == "speaker" else 2
        if self.n_splits < fewest:
            raise ConfigError(f"protocol.n_splits={self.n_splits} is too few: {self.name} needs {fewest} or more.")
        if not 0 <= self.random_state < 2**32:
            raise ConfigError(f"protocol.random_state={self.random_state} must be in the range 0 to 2**32 - 1.")
        if not 0 < self.validation_fraction < 1:
            raise ConfigError(f"protocol.validation_fraction={self.validation_fraction} must be between 0 and 1.")
        if self.rule not in self.rules:
            raise ConfigError(
                f"protocol.headline={self.headline} is not available under protocol={self.name}. "
                f"Use one of {', '.join(self.rules)}."
            )

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules available under this protocol, the default one first."""
        return ALLOWED_RULES[self.name]

    @property
    def rule(self) -> str:
        """The rule that selects the epoch of the primary scores."""
        return self.headline or self.rules[0]
