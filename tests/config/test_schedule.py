"""The group `schedule`: what it accepts, that it changes no result, and the seeds that it stands for."""

import pytest

from plb_ablate.config.compose import compose_sweep
from plb_ablate.config.schedule import Schedule
from plb_ablate.config.schema import Config, result_settings
from plb_ablate.core.errors import ConfigError


def seeds(*overrides: str) -> list[int]:
    jobs = compose_sweep(["ablation=none,cbam", *overrides], multirun=True)
    assert [job.seed for job in jobs if job.ablation == "none"] == [job.seed for job in jobs if job.ablation == "cbam"]
    return [job.seed for job in jobs if job.ablation == "none"]


def test_all_cells_are_trained_unless_a_race_is_asked_for() -> None:
    assert Config().schedule == Schedule("all", None, 0.05)
    (job, _) = compose_sweep(["ablation=none,cbam", "schedule=racing", "schedule.futility=0.1"], multirun=True)
    assert job.schedule == Schedule("racing", None, 0.1)


def test_a_schedule_changes_no_result() -> None:
    assert result_settings(Config(schedule=Schedule("racing", 3, 0.2))) == result_settings(Config())


@pytest.mark.parametrize("schedule", ["all", "racing"])
def test_most_seeds_are_those_from_the_first_on(schedule: str) -> None:
    assert seeds(f"schedule={schedule}") == [42]
    assert seeds(f"schedule={schedule}", "schedule.max_seeds=3") == [42, 43, 44]
    assert seeds(f"schedule={schedule}", "schedule.max_seeds=2", "seed=7") == [7, 8]
    assert seeds(f"schedule={schedule}", "schedule.max_seeds=3", "seed=1,5") == [1, 5]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["schedule.name=fast"], "schedule.name=fast is unknown. Use one of all, racing"),
        (["schedule.futility=1.5"], "schedule.futility=1.5"),
        (["schedule.max_seeds=0"], "schedule.max_seeds=0 must be 1 or more"),
        (["schedule.max_seeds=1", "seed=1,2"], "seed=1,2 lists 2 seeds, but schedule.max_seeds=1"),
        (["schedule=all,racing"], "a sweep has one schedule"),
        (["schedule.futility=0.1,0.2"], "a sweep has one schedule"),
    ],
)
def test_impossible_schedules_are_refused(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_sweep(["ablation=none,cbam", *overrides], multirun=True)


def test_several_seeds_need_a_sweep() -> None:
    with pytest.raises(ConfigError, match="add -m"):
        compose_sweep(["schedule.max_seeds=2"])
