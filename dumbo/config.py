"""Settings of a session: one frozen dataclass, and where its values come from.

Law: argument over environment (``DUMBO_DIR``) over ``[tool.dumbo]`` in pyproject.toml over default.
An unknown key or a value of the wrong type is an error that names the place it was read from.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from dumbo.errors import ConfigurationError
from dumbo.policy import Keep, Policy, Raise, Recompute, Reuse, ReusePolicy
from dumbo.proxy import Returns
from dumbo.storage.array_options import ArrayFormat, Compression

FOLDER = ".dumbo"
_CHOICES: Final[Mapping[str, type[StrEnum]]] = {
    "keep": Keep,
    "returns": Returns,
    "array_format": ArrayFormat,
    "compression": Compression,
}
_POLICIES: Final[Mapping[str, ReusePolicy]] = {
    "recompute": Recompute(),
    "reuse": Reuse(),
    "raise": Raise(),
}
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one session.

    Attributes
    ----------
    folder : Path
        The store's folder.
    keep : Keep
        Default for functions that don't say: ``auto``, ``always``, ``memory``, ``never``.
    returns : Returns
        Default carrier: ``proxy``, ``native``, ``bare``.
    stale : Policy
        What to do with stale results. In pyproject: ``"recompute"``, ``"reuse"``, ``"raise"``, a
        number (recompute what took fewer seconds), or a table of these under ``direct`` and
        ``indirect``.
    memory_bytes : int
        Bytes of values the memory tier holds.
    strict : bool
        Force every byte to the disk before a result counts as kept.
    external_path : Path or None
        Another folder, or disk, for the bytes of large values; the store remembers it.
    array_format : ArrayFormat
        ``zarr`` or ``hdf5``: the files of arrays above 32 KiB.
    compression : Compression
        ``auto``, ``zstd`` or ``none``.
    allow_pickle : bool
        Whether values may be stored and loaded by pickle.
    watch_files : bool
        Whether files of the project that a call reads and does not declare are told of. It needs an
        audit hook, put in when code runs that names something like ``open`` or ``read_csv``; from
        then on Python's own ``id()`` costs 0.3 us more, and a hit some microseconds.
    roots : tuple of Path
        Folders whose code counts as the project's, besides what is found to be.
    """

    folder: Path
    keep: Keep = Keep.AUTO
    returns: Returns = Returns.PROXY
    stale: Policy = field(default_factory=Policy)
    memory_bytes: int = 1 << 30
    strict: bool = False
    external_path: Path | None = None
    array_format: ArrayFormat = ArrayFormat.ZARR
    compression: Compression = Compression.AUTO
    allow_pickle: bool = True
    watch_files: bool = True
    roots: tuple[Path, ...] = ()


def choice(kind: type[_Choice], value: object, where: str) -> _Choice:
    """Return the member of `kind` written as `value`.

    Raises
    ------
    ConfigurationError
        Names the place and the words that are allowed.
    """
    for member in kind:
        if value == member.value:
            return member
    allowed = ", ".join(repr(member.value) for member in kind)
    raise ConfigurationError(f"{where}: {value!r} is not one of {allowed}")


def policy_of(stale: object, place: str) -> Policy:
    """Make a `Policy` of one, or of a single reuse policy for direct and indirect calls alike.

    Raises
    ------
    ConfigurationError
        It is neither.
    """
    if isinstance(stale, Policy):
        return stale
    if isinstance(stale, (Recompute, Reuse, Raise)):
        return Policy(direct=stale, indirect=stale)
    raise ConfigurationError(
        f"{place}: {stale!r} is no policy; write Recompute(), Recompute(if_under=seconds), "
        "Reuse(), Raise() or Policy(direct=..., indirect=...)"
    )


def _policy_setting(value: object, place: str) -> Policy:
    """Read a policy as it may stand in pyproject."""
    if isinstance(value, dict) and value and value.keys() <= {"direct", "indirect"}:
        parts = {key: _policy_setting(v, f"{place}.{key}").direct for key, v in value.items()}
        return Policy(**parts)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return policy_of(Recompute(if_under=float(value)), place)
    return policy_of(_POLICIES.get(value, value) if isinstance(value, str) else value, place)


def find_project(start: Path) -> Path:
    """Return the nearest folder from `start` up that looks like a project; else `start`."""
    for folder in (start, *start.parents):
        if any((folder / name).exists() for name in ("pyproject.toml", "setup.cfg", ".git")):
            return folder
    return start


def load_config(folder: str | os.PathLike[str] | None = None, /, **settings: Any) -> Config:
    """Gather the settings; `folder` and `settings` win over everything.

    Raises
    ------
    ConfigurationError
        A key nobody knows, or a value that cannot be meant.
    """
    project = find_project(Path.cwd())
    config = Config(project / FOLDER)
    table = _project_table(project / "pyproject.toml")
    config = _with(config, table, f"[tool.dumbo] in {project / 'pyproject.toml'}", project)
    if from_environment := os.environ.get("DUMBO_DIR"):
        config = replace(config, folder=Path(from_environment).expanduser())
    if folder is not None:
        config = replace(config, folder=Path(folder).expanduser())
    config = _with(config, settings, "dumbo.open()", Path.cwd())
    return replace(config, folder=config.folder.absolute())


def _project_table(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        tool = tomllib.loads(text).get("tool", {})
        table = tool.get("dumbo", {}) if isinstance(tool, dict) else {}
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read [tool.dumbo] from {path}: {error}") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"[tool.dumbo] in {path} must be a table")
    return table


def _with(config: Config, table: Mapping[str, Any], where: str, base: Path) -> Config:
    known = {f.name for f in fields(Config)}
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(
                f"{where}: no setting {key!r}; settings are {', '.join(sorted(known))}"
            )
        config = replace(config, **{key: _parse(key, value, where, base)})
    return config


def _parse(key: str, value: Any, where: str, base: Path) -> Any:
    place = f"{where}: {key}"
    if key in _CHOICES:
        return choice(_CHOICES[key], value, place)
    if key == "stale":
        return _policy_setting(value, place)
    if key in {"strict", "allow_pickle", "watch_files"}:
        return _typed(value, bool, place)
    if key == "memory_bytes":
        if (number := _typed(value, int, place)) < 0:
            raise ConfigurationError(f"{place} must not be negative, got {number}")
        return number
    if key == "roots":
        return tuple(_folder(root, place, base) for root in _typed(value, (list, tuple), place))
    if key == "external_path" and value is None:
        return None
    return _folder(value, place, base)


def _folder(value: Any, place: str, base: Path) -> Path:
    return base / Path(_typed(value, (str, os.PathLike), place)).expanduser()


def _typed(value: Any, kind: Any, place: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigurationError(f"{place}: {value!r} has type {type(value).__name__}")
    return value
