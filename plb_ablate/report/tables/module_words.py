"""What is shown of modules and pairs, in words; only what is shown is claimed."""

from collections.abc import Sequence

from plb_ablate.config.designs import constructed_effects
from plb_ablate.models.family import ModelFamily
from plb_ablate.report.analysis import effect, points
from plb_ablate.report.module_effects import ModuleEffects
from plb_ablate.report.tables.module_effects import pair_name
from plb_ablate.report.tables.verdict import evidence
from plb_ablate.statistics.contrast_tests import Estimate

__all__ = ["interaction_words", "module_words"]

_DESIGNS = {
    "factorial": "These runs have every network of the factorial design.",
    "half": "These runs have the half fraction: interactions of three modules or more are taken to be zero. Shapley "
    "shares need all networks.",
    "pairs": "These runs have removals of one and of two modules: interactions are those with all other modules there. "
    "Effects on average over the presence of the others need the half fraction or the factorial.",
    "": "Nothing can be estimated from these runs.",
}

_MODULES = {
    "costs": "Modules that matter, shown for the method",
    "gains": "Modules that harm, shown for the method",
    "costs_here": "Modules that matter, shown for these trainings only",
    "gains_here": "Modules that harm, shown for these trainings only",
    "equivalent": "Modules that do not matter on average, shown for the method",
    "equivalent_here": "Modules that do not matter on average, shown for these trainings only",
}

_PAIRS = {
    "replace": "One replaces the other, shown for the method",
    "need": "They need each other, shown for the method",
    "other": "Other interactions, shown for the method",
    "replace_here": "One replaces the other, shown for these trainings only",
    "need_here": "They need each other, shown for these trainings only",
    "other_here": "Other interactions, shown for these trainings only",
}


def module_words(found: ModuleEffects) -> str:
    """Describe in Markdown what the runs contain, what they lack, and which modules matter."""
    kept = [name for module, name in found.family.modules.items() if module not in found.lattice.modules]
    always = f" {', '.join(kept)} {'is' if len(kept) == 1 else 'are'} removed in none of them." if kept else ""
    lines = [f"{_DESIGNS[found.contrasts.design]}{always}\n", *_missing(found)]
    groups = _groups(found, found.effects, [effect(e.comparison, e.population) for e in found.effects], _MODULES)
    if found.effects and not groups:
        lines.append("- No module is shown to matter, to harm, or not to matter on average.")
    return "\n".join([*lines, *groups]) + "\n"


def interaction_words(found: ModuleEffects) -> str:
    """Describe in Markdown which pairs replace or need each other, and what holds by construction."""
    lines = _groups(found, found.interactions, [_bond(e) for e in found.interactions], _PAIRS) or [
        "- No interaction is shown."
    ]
    return "\n".join([*lines, *(f"- {line}" for line in constructed_effects(found.lattice))]) + "\n"


def _missing(found: ModuleEffects) -> list[str]:
    chosen = found.lattice.modules
    modules = f" modules={'+'.join(chosen)}" if len(chosen) < len(found.family.modules) else ""
    return [
        f"- **Missing for design={design}**, so that what needs {'it' if len(names) == 1 else 'them'} is left out: "
        f"{', '.join(map(found.family.display_name, names))}. Run "
        f"`python -m plb_ablate -m design={design}{modules}` with the settings of this study to train what is missing."
        for design, names in (found.contrasts.missing or {}).items()
    ]


def _bond(e: Estimate) -> str:
    """Classify an interaction: its sign, and whether removals cost something at all."""
    word = effect(e.comparison, e.population)
    one, other, both = e.removals
    kind = {"gains": "replace" if both > 0 else "other", "costs": "need" if one + other > 0 else "other"}
    name, _, here = word.partition("_")
    return kind.get(name, name) + (f"_{here}" if here else "")


def _groups(
    found: ModuleEffects, estimates: Sequence[Estimate], words: Sequence[str], titles: dict[str, str]
) -> list[str]:
    lines = []
    for word, title in titles.items():
        shown = [e for e, own in zip(estimates, words, strict=True) if own == word]
        if shown:
            lines.append(f"- **{title}**")
            lines += [
                f"    - {pair_name(found.family, e.contrast.modules)}: {_costs(found.family, e)}{_evidence(e)}"
                for e in shown
            ]
    return lines


def _costs(family: ModelFamily, e: Estimate) -> str:
    if not e.removals:
        return ""
    one, other, both = (f"{points(cost):+z.2f}" for cost in e.removals)
    first, second = map(family.display_name, e.contrast.modules)
    return f"removing {first} alone costs {one} points, {second} alone {other}, both {both}. Interaction, "


def _evidence(e: Estimate) -> str:
    return evidence(e.comparison, e.population, effect(e.comparison, e.population))
