"""The settings ``design``, ``modules`` and ``ablation=controls``: variants, before Hydra makes the jobs of a sweep."""

from collections.abc import Sequence

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from plb_ablate.config.designs import known_design, model_lattice, planned_variants
from plb_ablate.config.grammar import listed_values
from plb_ablate.config.model import Model
from plb_ablate.core.errors import ConfigError
from plb_ablate.models.family import WHOLE, ModelFamily

__all__ = ["CONTROLS", "expand_design"]

CONTROLS = "controls"
"""In ``ablation=``: every control of the model."""


def _family(composed: DictConfig) -> ModelFamily:
    return Model(composed.model.name, composed.model.get("file")).family


def expand_design(composed: DictConfig, typed: Sequence[Override], *, multirun: bool) -> tuple[str, list[str]]:
    """Return the design of a command, empty for none, and its overrides with the variants instead of the design.

    What is typed wins over a study: a typed design over its ablations, and typed ablations over its design. Modules
    without a design are left out one at a time.

    Parameters
    ----------
    composed : DictConfig
        The composed configuration with Hydra's own settings.
    typed : sequence of Override
        The overrides of the command line.
    multirun : bool
        Whether the command is a sweep.

    Raises
    ------
    ConfigError
        If the design is unknown, is itself swept over, comes together with ablations, or the command is no sweep.
    """
    lines = [str(override.input_line) for override in typed]
    given = {key: [o for o in typed if o.key_or_group == key] for key in ("design", "modules", "ablation")}
    params = composed.hydra.sweeper.get("params") or {}
    if any(override.is_sweep_override() for override in given["design"]) or "design" in params:
        raise ConfigError(
            "design= cannot be swept over: a sweep has one design, and a study names it as `design: half`. Run one "
            "design after the other; cells that are done are not trained again."
        )
    if any(override.is_sweep_override() for override in given["modules"]) or "modules" in params:
        raise ConfigError("modules= cannot be swept over. Join the modules of a study with '+': modules=<a>+<b>.")
    design = composed.get("design") or ("leave_one_out" if composed.get("modules") else None)
    if design is None:
        return "", _with_controls(composed, given["ablation"], lines, multirun=multirun)
    known_design(design)
    named = given["design"] or given["modules"]
    if given["ablation"] and not named:
        return "", [*lines, "design=null", "modules=null"]
    if given["ablation"] or (not named and ("ablation" in params or composed.ablation != WHOLE)):
        raise ConfigError(
            f"design={design} and ablation= both say which variants to train. Leave one of them out; design={design} "
            f"stands for\n  ablation={_swept(design, composed)}"
        )
    if not multirun:
        raise ConfigError(f"design={design} is a sweep over variants: add -m to run all of it.")
    others = [str(o.input_line) for o in typed if o not in given["design"]]
    return design, [*others, "design=null", f"ablation={_swept(design, composed)}"]


def _with_controls(composed: DictConfig, typed: Sequence[Override], lines: list[str], *, multirun: bool) -> list[str]:
    """Return the overrides with the names of all controls where an ablation is `CONTROLS`."""
    params = composed.hydra.sweeper.get("params") or {}
    named = [name.strip() for name in listed_values("ablation", typed, params)]
    if CONTROLS not in named:
        return lines
    family = _family(composed)
    if not family.controls:
        raise ConfigError(
            f"ablation={CONTROLS}: model={family.name} has no controls. It has {', '.join(family.modules)}."
        )
    if not multirun:
        raise ConfigError(f"ablation={CONTROLS} is a sweep over {', '.join(family.controls)}: add -m to run all of it.")
    wanted = [one for name in named for one in (family.controls if name == CONTROLS else [name])]
    others = [line for line in lines if line not in {str(override.input_line) for override in typed}]
    return [*others, f"ablation={','.join(dict.fromkeys(wanted))}"]


def _swept(design: str, composed: DictConfig) -> str:
    return ",".join(planned_variants(design, model_lattice(_family(composed), composed.get("modules"))))
