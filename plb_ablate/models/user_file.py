"""A user's own model: one Python file with ``MODULES`` and ``build_model``.

The names are read without running the file, so that a sweep is planned without TensorFlow. What runs is always a copy
named after its content, so that editing the file during a sweep changes nothing.
"""

import ast
import hashlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from plb_ablate.core.atomic_files import replacing
from plb_ablate.core.errors import ModelFileError
from plb_ablate.models.family import WHOLE, BuildSettings, ModelFamily, Shape

if TYPE_CHECKING:
    import keras

__all__ = ["MOST_MODULES", "UserModel", "read_user_model"]

MOST_MODULES = 8
"""Most removable modules of a model."""

_EXPECTED = (
    'It needs MODULES = ("attention", "gru") with the names of its removable modules, and '
    "build_model(num_classes, input_shape, removed), which returns a keras.Model."
)
_ARGUMENTS = ("num_classes", "input_shape", "removed")


@dataclass(frozen=True)
class UserModel:
    """A user's file, read but not run.

    Parameters
    ----------
    path : Path
        Where it lies.
    source : bytes
        Its content.
    modules : tuple of str
        Names of its removable modules.
    lines : tuple of int
        Lines of ``MODULES`` and of ``build_model`` in it.
    options : frozenset of str
        Arguments of ``build_model`` beyond the three: fields of `plb_ablate.models.family.BuildSettings`.
    """

    path: Path
    source: bytes
    modules: tuple[str, ...]
    lines: tuple[int, int]
    options: frozenset[str]

    @property
    def digest(self) -> str:
        """SHA-256 of its content."""
        return hashlib.sha256(self.source).hexdigest()

    @property
    def family(self) -> ModelFamily:
        """The model family that it defines; building a network runs the file."""
        return ModelFamily(
            self.path.name,
            f"model of {self.path.name}",
            {name: name for name in self.modules},
            self._build,
            options=self.options,
        )

    def copy_to(self, folder: Path) -> Path:
        """Write it to ``<folder>/<digest>/<its name>``; return the path."""
        copy = folder / self.digest[:16] / self.path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replacing(copy) as draft:
                draft.write_bytes(self.source)
        return copy

    def _build(self, num_classes: int, input_shape: Shape, ablation: str, settings: BuildSettings) -> "keras.Model":
        import keras

        removed = frozenset() if ablation == WHOLE else frozenset(ablation.split("+"))
        more = {name: getattr(settings, name) for name in sorted(self.options)}
        module = self._run()
        keras.backend.clear_session(free_memory=False)  # layers without a name are numbered from the start
        try:
            model = module.build_model(num_classes, input_shape, removed, **more)
        except Exception as error:
            raise self._error(error, f"build_model fails for ablation={ablation}") from error
        self._check(model, num_classes, input_shape)
        return model

    def _run(self) -> ModuleType:
        """Run the file once in this process, as a module."""
        name = f"plb_ablate_model_{self.digest[:16]}"
        if name not in sys.modules:
            module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, None))  # type: ignore[arg-type]
            module.__file__ = str(self.path)
            sys.modules[name] = module  # a dataclass or a Keras layer in it looks its module up
            try:
                exec(compile(self.source, str(self.path), "exec"), module.__dict__)
            except (Exception, SystemExit) as error:
                del sys.modules[name]
                raise self._error(error, "the file cannot be run") from error
        return sys.modules[name]

    def _error(self, error: BaseException, what: str) -> ModelFileError:
        """Name the line of the file at which an exception was raised."""
        frames = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(self.path)
        ]
        line = frames[-1] if frames else self.lines[1]
        message = " ".join(str(error).split())[:500]
        return ModelFileError(f"{self.path}, line {line}: {what}: {type(error).__name__}: {message}")

    def _check(self, model: Any, num_classes: int, input_shape: Shape) -> None:
        import keras

        where = f"{self.path}, line {self.lines[1]}: build_model returns"
        if not isinstance(model, keras.Model):
            raise ModelFileError(f"{where} {type(model).__name__}, not a keras.Model.")
        if not isinstance(model, keras.Sequential | keras.src.models.Functional) or not model.built:
            raise ModelFileError(
                f"{where} a {type(model).__name__} whose layers cannot be listed. Return "
                "keras.Model(inputs, outputs), or a keras.Sequential that begins with keras.Input."
            )
        shapes = (tuple(model.input_shape or ())[1:], tuple(model.output_shape or ())[1:])
        if shapes != (tuple(input_shape), (num_classes,)):
            raise ModelFileError(
                f"{where} a model from {shapes[0]} to {shapes[1]}. Its input must have input_shape={input_shape}, "
                f"its output one probability for each of the {num_classes} classes."
            )


def read_user_model(path: Path) -> UserModel:
    """Read a user's model file without running it.

    Raises
    ------
    ModelFileError
        If it cannot be read, is not Python, or lacks ``MODULES`` or ``build_model``; the message names file and line.
    """
    try:
        source = path.read_bytes()
        tree = ast.parse(source, str(path))
    except OSError as error:
        raise ModelFileError(f"model.file={path} cannot be read: {error.strerror}.") from None
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ModelFileError(f"{path}, line {line}: it is not Python: {error}.") from None
    modules, line = _modules(path, tree)
    function = next(
        (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "build_model"), None
    )
    if function is None:
        raise ModelFileError(f"{path}, line {len(source.splitlines())}: it ends without build_model. {_EXPECTED}")
    return UserModel(path, source, modules, (line, function.lineno), _options(path, function))


def _modules(path: Path, tree: ast.Module) -> tuple[tuple[str, ...], int]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AnnAssign) and any(
            isinstance(target, ast.Name) and target.id == "MODULES" for target in targets
        ):
            return _checked(path, node), node.lineno
    raise ModelFileError(f"{path}, line 1: it has no MODULES. {_EXPECTED}")


def _checked(path: Path, node: ast.Assign | ast.AnnAssign) -> tuple[str, ...]:
    where = f"{path}, line {node.lineno}: MODULES"
    try:
        names = ast.literal_eval(node.value) if node.value else None
    except ValueError:
        names = None
    if not isinstance(names, tuple | list) or not names or not all(isinstance(name, str) for name in names):
        raise ModelFileError(f'{where} must be written out as strings, for example ("attention", "gru").')
    wrong = [name for name in names if not name.isidentifier() or name == WHOLE]
    if wrong:
        raise ModelFileError(
            f"{where}: {', '.join(map(repr, wrong))} cannot be typed after ablation=. Use letters, digits and _, and "
            f"not {WHOLE}, which means that nothing is removed."
        )
    if len(set(names)) < len(names) or len(names) > MOST_MODULES:
        raise ModelFileError(f"{where} has {len(names)} names. It must have 1 to {MOST_MODULES}, each once.")
    return tuple(names)


def _options(path: Path, function: ast.FunctionDef) -> frozenset[str]:
    """Return which settings of `BuildSettings` the function takes."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    if tuple(names[:3]) != _ARGUMENTS:
        raise ModelFileError(
            f"{path}, line {function.lineno}: build_model takes ({', '.join(names)}), but must take "
            f"({', '.join(_ARGUMENTS)})."
        )
    taken = {*names[3:], *(argument.arg for argument in arguments.kwonlyargs)}
    return frozenset(taken & {"bn_momentum"})
