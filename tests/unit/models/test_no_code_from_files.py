"""No file that is read can run code: what would is not imported, and PyTorch reads weights alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
MODULES = sorted([*(ROOT / "forecasting").rglob("*.py"), *(ROOT / "dags").rglob("*.py")])
UNPICKLING = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
RUN_WHAT_THEY_READ = {
    "mlflow.pyfunc.load_model",
    "mlflow.pytorch.load_model",
    "np.load",
    "numpy.load",
    "pd.read_pickle",
    "torch.jit.load",
    "yaml.load",
    "eval",
    "exec",
}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    yield from ((ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_nothing_that_is_imported_unpickles() -> None:
    assert MODULES
    for file in MODULES:
        assert UNPICKLING.isdisjoint(imported(ast.parse(file.read_text(encoding="utf-8")))), file


def test_nothing_is_loaded_by_what_runs_it() -> None:
    for file in MODULES:
        named = {name for name, _ in calls(ast.parse(file.read_text(encoding="utf-8")))}
        assert RUN_WHAT_THEY_READ.isdisjoint(named), file


def test_pytorch_reads_weights_alone() -> None:
    loads = [
        (file, call)
        for file in MODULES
        for name, call in calls(ast.parse(file.read_text(encoding="utf-8")))
        if name == "torch.load" or any(given.arg == "ckpt_path" for given in call.keywords)
    ]
    assert len({file.name for file, _ in loads}) == 2, "a checkpoint of a training, and a trained network"
    for file, call in loads:
        given = {one.arg: ast.unparse(one.value) for one in call.keywords}
        assert given.get("weights_only") == "True", f"{file}:{call.lineno}"
