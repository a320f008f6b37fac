"""Files import leftwards only, along the way of the data."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import plb_ablate

PACKAGE = Path(plb_ablate.__file__).parent

VERBS = "verbs"
"""The files at the top of the package, and what starts a room: arguments and printing."""

LONGER: dict[str, int] = {}
"""Files that may be longer than 250 lines."""

ROOMS = {
    "core": "errors, signals, atomic files, seeds, provenance",
    "models": "networks, their removable modules and variants",
    "config": "settings and protocols; what Hydra composes",
    "data": "corpora: names, labels, speakers, recordings",
    "features": "MFCCs or log-mel spectrograms, their cache, a corpus made ready for training",
    "inference": "an exported model without TensorFlow",
    "splits": "folds, and data leakage between their splits",
    "training": "the trainer of one fold, its checkpoint, its scores",
    "ledger": "finished trainings on disk",
    "tracking": "MLflow, written and read",
    "statistics": "intervals and tests of differences",
    "published": "the published study as facts",
    "report": "tables, figures and verdicts from runs",
    "orchestration": "sweeps, workers, launchers, the Hydra application",
    "export": "a trained model as files",
    "bench": "speed and memory of this machine",
    VERBS: "what a user types: `python -m plb_ablate.<verb>`",
}
"""The rooms in their order, each with what it holds; a room imports those before it, and its own files."""

RANK = {name: rank for rank, name in enumerate(ROOMS)}

FOREIGN = {
    "hydra": {"config", "orchestration"},
    "tensorflow": {"models", "training", "inference", "export", "bench"},
    "keras": {"models", "training", "export", "bench"},
    "mlflow": {"tracking", "report", "export", "bench"},
    "sklearn": {"splits", "training", "ledger"},
}
"""The only rooms that know a library."""

FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """The room of a file; what starts a command is a verb, wherever it lies."""
    first = path.relative_to(PACKAGE).parts[0]
    return VERBS if path.name == "__main__.py" or first.endswith(".py") else first


def library_room(path: Path) -> str:
    """The room whose libraries a file may know: a command knows those of the room that it starts."""
    first = path.relative_to(PACKAGE).parts[0]
    return VERBS if first.endswith(".py") else first


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "plb_ablate":
                found |= {f"plb_ablate.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_file_imports_leftwards_and_keeps_to_its_libraries(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        assert imports(path) <= {"os", "typing", "plb_ablate.report.runs_table"}
        return
    here = room(path)
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "plb_ablate" and rest and rest[0] != "__version__":
            there = rest[0] if rest[0] in ROOMS else VERBS
            assert there == here or RANK[there] < RANK[here], f"{here} may not import {there}"
        if top in FOREIGN:
            assert library_room(path) in FOREIGN[top], f"{library_room(path)} may not know {top}"


WITHOUT = {
    "data": ("tensorflow", "keras", "mlflow", "hydra"),
    "features": ("tensorflow", "keras", "mlflow", "hydra", "sklearn"),
    "inference": ("tensorflow", "keras", "mlflow", "hydra", "sklearn"),
    "statistics": ("tensorflow", "keras", "mlflow", "hydra"),
    "published": ("tensorflow", "keras", "mlflow", "hydra"),
    "report": ("tensorflow", "keras", "hydra", "sklearn"),
    "predict": ("tensorflow", "keras", "mlflow", "hydra", "sklearn"),
}
"""Libraries that are not loaded with all the files of a room, or with a command."""


@pytest.mark.parametrize("name", WITHOUT)
def test_importing_a_room_loads_no_heavy_library(name: str) -> None:
    folder = PACKAGE / name
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{name}.py"]
    modules = [".".join(("plb_ablate", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in paths]
    modules = [module.removesuffix(".__init__") for module in modules if not module.endswith("__main__")]
    code = f"import {', '.join(modules)}, sys; print(*sorted(set({WITHOUT[name]}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_package_itself_loads_no_library() -> None:
    code = "import sys; before = {*sys.modules}; import plb_ablate; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {"plb_ablate", "os", "typing"}
    assert {name for name in done.stdout.split() if name not in sys.stdlib_module_names and "." not in name} <= ours


def test_public_paths_stay() -> None:
    from plb_ablate.features import mfcc
    from plb_ablate.models import build_model, named_weights
    from plb_ablate.statistics import FoldScore, compare, nadeau_bengio

    assert callable(plb_ablate.load_runs)
    assert all(callable(thing) for thing in (mfcc, build_model, named_weights, FoldScore, compare, nadeau_bengio))
    with pytest.raises(AttributeError, match="no attribute 'load_run'"):
        getattr(plb_ablate, "load_run")  # noqa: B009
    with pytest.raises(AttributeError, match="no attribute 'build_modell'"):
        getattr(plb_ablate.models, "build_modell")  # noqa: B009


def test_every_file_has_a_room() -> None:
    assert {room(path) for path in FILES} == set(ROOMS)


@pytest.mark.parametrize("name", [name for name in ROOMS if name != VERBS])
def test_a_room_says_what_happens_there(name: str) -> None:
    said = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text())) or ""
    assert len(said) > 40
    assert name in ("core", "bench") or {"In:", "Out:"} <= set(said.split())


def test_the_page_has_the_same_rooms() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    table = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]
    assert [(name.strip(" `"), what.strip()) for name, what, *_ in table] == list(ROOMS.items())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_reads_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGER.get(path.relative_to(PACKAGE).as_posix(), 250)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_public_names_exist(path: Path) -> None:
    tree = ast.parse(path.read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        defined |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        if isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {(alias.asname or alias.name) for alias in node.names}
    exported = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    ]
    if not exported and (path.name == "__main__.py" or len(tree.body) == 1):  # a command, or a room's words alone
        return
    assert len(exported) == 1, "one __all__ a file"
    defined |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(exported[0]) <= defined
