"""The function that a campaign calls, by its name: ``"package.module:function"``.

    def task(parameters, folder, previous, progress):
        ...
        return {"density": {"value": 1.3, "unit": "g/cm^3", "error": 0.01}}

It works inside ``folder``, which survives a kill, may read the finished folder ``previous``, and calls
``progress("heating", 0.4)`` now and then. The room imports it by name only, and so knows no physics.
"""

import importlib
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipp as sc

from caloris.errors import CalorisError, ComputationError, InputError
from caloris.units import parse_unit, to_json

Progress = Callable[[str, float], None]
Task = Callable[[dict[str, Any], Path, Path | None, Progress], Mapping[str, Any]]


def load_task(name: str, beside: str | Path | None = None) -> Task:
    """Import a task.

    Parameters
    ----------
    name:
        ``"package.module:function"``.
    beside:
        A folder to look in as well if the module is not installed.

    Returns
    -------
    :
        The function.

    Raises
    ------
    InputError
        If there is no such module or function; the message says where it was looked for.

    Examples
    --------
    >>> load_task("math:nothing")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: task: the module math has no function nothing
    """
    module, _, function = name.partition(":")
    if not module or not function or not all(part.isidentifier() for part in (*module.split("."), function)):
        raise InputError(f"task: {name!r} is no function; write 'package.module:function'")
    found = getattr(_imported(module, beside), function, None)
    if not callable(found):
        raise InputError(f"task: the module {module} has no function {function}")
    task: Task = found
    return task


def _imported(module: str, beside: str | Path | None) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if not (module == missing or module.startswith(missing + ".")):
            raise InputError(f"task: {module} needs the module {missing}, which is not installed") from None
    except Exception as error:
        raise InputError(f"task: cannot import {module}: {one_line(error)}") from None
    if beside is None or str(beside) in sys.path:
        raise InputError(f"task: there is no module {module}; install it or add its folder to PYTHONPATH")
    sys.path.append(str(beside))
    importlib.invalidate_caches()
    return _imported(module, beside)


def task_name(task: Task | str) -> str:
    """Return the name by which other processes import a function.

    Parameters
    ----------
    task:
        A function of a module, or its name.

    Returns
    -------
    :
        ``"package.module:function"``.

    Raises
    ------
    InputError
        If other processes cannot import it: a lambda, or a function of the script itself.
    """
    if isinstance(task, str):
        return task
    module, function = getattr(task, "__module__", None), getattr(task, "__qualname__", "")
    if module == "__main__" or not module or not function.isidentifier():
        raise InputError(
            f"task: workers cannot import {function or task!r}; put it into a module of its own, as a plain function"
        )
    return f"{module}:{function}"


def task_version(task: Task) -> Any:
    """Return the attribute ``version`` of a task, 1 if it has none; another version is another point."""
    return getattr(task, "version", 1)


def source_folder(task: Task) -> str | None:
    """Return the folder from which the task's module was imported, for workers that do not have it."""
    module = sys.modules.get(getattr(task, "__module__", ""))
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return None
    path = Path(file).resolve()
    depth = module.__name__.count(".") + (path.name == "__init__.py")
    return str(path.parents[depth])


def checked_outputs(outputs: Any) -> dict[str, Any]:
    """Check what a task returns.

    Parameters
    ----------
    outputs:
        Numbers as ``{"value", "unit", "error"}`` or scipp scalars, or plain JSON values.

    Returns
    -------
    :
        Plain JSON values.

    Raises
    ------
    ComputationError
        If it is no mapping, a number is not finite, or it cannot be written as JSON.

    Examples
    --------
    >>> checked_outputs({"density": {"value": float("nan"), "unit": "g/cm^3"}})
    Traceback (most recent call last):
    ...
    caloris.errors.ComputationError: the output density.value is nan, not a finite number
    """
    if not isinstance(outputs, Mapping):
        raise ComputationError(f"the task returned a {type(outputs).__name__}, not a dict of outputs")
    found = {str(name): _plain(value, str(name)) for name, value in outputs.items()}
    for name, output in found.items():
        if isinstance(output, dict) and {"value", "unit"} <= set(output):
            _check_quantity(name, output)
    return found


def _check_quantity(name: str, output: dict[str, Any]) -> None:
    number, error = output["value"], output.setdefault("error", None)
    if number is None:
        raise ComputationError(f"the output {name}.value is null or nan, not a finite number")
    for item in number if isinstance(number, list) else [number]:
        if isinstance(item, bool) or not isinstance(item, int | float | list | None):
            raise ComputationError(f"the output {name}.value is {item!r}, not a number")
    if isinstance(error, int | float) and error < 0:
        raise ComputationError(f"the output {name}.error is {error}, less than 0")
    try:
        parse_unit(str(output["unit"]))
    except InputError as problem:
        raise ComputationError(f"the output {name}.unit: {problem}") from None


def _plain(value: Any, name: str) -> Any:
    """JSON values; NaN is refused here, because ``to_json`` turns it into null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, name) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist(), name)
    if isinstance(value, sc.Variable | sc.DataArray):
        _plain(value.values, name)
        return to_json(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ComputationError(f"the output {name} is {value}, not a finite number")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ComputationError(f"the output {name} is a {type(value).__name__}, which JSON cannot hold")


def one_line(error: BaseException) -> str:
    """Say in one line what went wrong, with the kind of the error unless it is caloris' own."""
    text = " ".join(str(error).split())
    if isinstance(error, CalorisError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
