"""Files import leftwards only, along the way of the data."""

import ast
from pathlib import Path

import pytest

import plb_ablate

PACKAGE = Path(plb_ablate.__file__).parent

ROOMS = (
    (
        "command_line",
        "cores",
        "credentials",
        "errors",
        "files",
        "interrupts",
        "progress_bar",
        "seeding",
        "quiet",
        "provenance",
    ),
    ("ablation", "protocol", "slurm"),
    ("config",),
    ("jobs",),
    ("data",),
    ("feature_cache", "mfcc", "near_copies"),
    ("model_card", "features"),
    ("litert",),
    ("corpus_check",),
    ("prepared",),
    ("folds",),
    ("leakage",),
    ("audit",),
    ("cells",),
    ("plan",),
    ("layers",),
    ("losses", "metrics", "training_state"),
    ("model",),
    ("train",),
    ("ledger", "results"),
    ("worker",),
    ("pool",),
    ("part",),
    ("figures", "view"),
    ("speed",),
    ("track",),
    ("courier",),
    ("stats",),
    ("published",),
    ("published_curves",),
    ("report",),
    ("progress",),
    ("sweep",),
    ("cost", "dry_run", "reproduce", "status", "ui"),
    ("cli", "params", "sync"),
    ("predict", "export"),
    ("bench",),
    ("__main__",),
)
"""The rooms from left to right; a room may import those before it, and its own files."""

RANK = {name: rank for rank, names in enumerate(ROOMS) for name in names}

FOREIGN = {
    "hydra": {"cli", "config", "jobs"},
    "tensorflow": {"layers", "model", "losses", "train", "litert", "export", "bench"},
    "keras": {"layers", "model", "losses", "train", "export", "bench"},
    "mlflow": {"track", "report", "export", "bench"},
}
"""The only rooms that know a library."""

FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """The room of a file; what starts a command knows all rooms, wherever it lies."""
    return "__main__" if path.name == "__main__.py" else path.relative_to(PACKAGE).with_suffix("").parts[0]


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
    here = room(path)
    if here == "__init__":
        assert imports(path) <= {"os"}
        return
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "plb_ablate" and rest:
            assert rest[0] == here or RANK[rest[0]] < RANK[here], f"{here} may not import {rest[0]}"
        if top in FOREIGN:
            assert here in FOREIGN[top], f"{here} may not know {top}"


def test_every_file_has_a_room() -> None:
    assert {room(path) for path in FILES} - {"__init__"} == set(RANK)


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
    if path.name == "__main__.py" and not exported:
        return
    assert len(exported) == 1, "one __all__ a file"
    assert set(exported[0]) <= defined
