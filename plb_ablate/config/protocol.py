"""The names of the evaluation protocols, their settings, and the rules that may choose the scored epoch."""

from dataclasses import dataclass

from plb_ablate.core.errors import ConfigError

__all__ = ["ALLOWED_RULES", "FEWEST_GROUPS", "PROTOCOLS", "RULES", "RULE_LABELS", "Protocol"]

RULES = ("best_test", "best_validation", "last")
"""Every rule that chooses the scored epoch of a training."""

RULE_LABELS = {
    "best_test": "best epoch on test (optimistic)",
    "best_validation": "best epoch on validation",
    "last": "last epoch",
}
"""What a reader sees for each rule."""

ALLOWED_RULES = {
    "published": ("best_test", "last"),
    "nested": ("best_validation", "best_test", "last"),
    "speaker": ("best_validation", "best_test", "last"),
}
"""The rules that a protocol's folds allow; the first is the protocol's headline."""

PROTOCOLS = tuple(ALLOWED_RULES)
"""Names of the protocols."""

FEWEST_GROUPS = 3
"""Test, validation and training part need a group of speakers each."""


@dataclass
class Protocol:
    """How folds are made and how the scored epoch is chosen.

    Parameters
    ----------
    name : str
        One of `PROTOCOLS`.
    n_splits : int
        Number of folds. Under ``speaker`` the corpus decides: it is ignored where one speaker or session is left out at
        a time, and elsewhere the nearest number of folds that balances the genders is taken (`plb_ablate.splits`).
    random_state : int
        Seed of the folds, and of the validation part of ``nested``; ``speaker`` draws nothing.
    validation_fraction : float
        ``nested`` only: share of a fold's training data that becomes its validation part. The default, 1/9 for 10
        folds, makes it as large as the test part.
    headline : str
        Rule whose scores come first, one of the protocol's `ALLOWED_RULES`; empty means the first of them. Read it as
        `rule`.

    Raises
    ------
    ConfigError
        If a value is not possible; the message names the values that are.
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
            raise ConfigError(f"protocol.random_state={self.random_state} is not in the range 0 to 2**32 - 1.")
        if not 0 < self.validation_fraction < 1:
            raise ConfigError(f"protocol.validation_fraction={self.validation_fraction} must lie between 0 and 1.")
        if self.rule not in self.rules:
            raise ConfigError(
                f"protocol.headline={self.headline} is not possible under {self.name}. "
                f"Use one of {', '.join(self.rules)}."
            )

    @property
    def rules(self) -> tuple[str, ...]:
        """Every rule that this protocol's folds allow, the usual headline first."""
        return ALLOWED_RULES[self.name]

    @property
    def rule(self) -> str:
        """The rule whose scores come first."""
        return self.headline or self.rules[0]
