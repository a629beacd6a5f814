"""The version of the package a module comes from.

Law: reads the folder the module lies in, once per process, and never the whole environment; a
module that is not loaded is looked for on ``sys.path`` and never imported.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from dumbo.code.bytecode import MINOR
from dumbo.code.modules import find_file
from dumbo.code.normal_form import mark

PYTHON = "python"
_RECORDS = (".dist-info", ".egg-info")
_VERSION = re.compile(r"^Version:\s*(\S+)", re.MULTILINE)


class Packages:
    """Versions of distributions, found beside the modules they own."""

    def __init__(self) -> None:
        self._records: dict[Path, list[Path]] = {}
        self._owners: dict[Path, dict[str, list[Path]]] = {}
        self._versions: dict[str, str] = {}

    def forget(self) -> None:
        """Look again: a package may have been installed since."""
        self._records.clear()
        self._owners.clear()
        self._versions.clear()

    def version(self, top: str) -> str:
        """``numpy==2.1.0`` for a top-level module; empty when it cannot be found.

        ``python`` and the standard library give Python's minor version.
        """
        if top == PYTHON or top in sys.stdlib_module_names:
            return MINOR
        known = self._versions.get(top)
        if known is None:
            known = self._versions[top] = self._find(top)
        return known

    def _find(self, top: str) -> str:
        file = find_file(top)
        if file is None:
            return ""
        path = Path(file)
        site = path.parent.parent if path.stem == "__init__" else path.parent
        records = self._named(site, top) or self._owning(site).get(top.lower())
        if records:
            return ",".join(sorted(_name_and_version(record) for record in records))
        # A lone module without a distribution: its bytes are all the version it has.
        return f"{top} {mark(path.read_bytes())}" if path.is_file() else ""

    def _in(self, site: Path) -> list[Path]:
        known = self._records.get(site)
        if known is None:
            entries = sorted(site.iterdir()) if site.is_dir() else []
            known = self._records[site] = [e for e in entries if e.name.endswith(_RECORDS)]
        return known

    def _named(self, site: Path, top: str) -> list[Path]:
        """Records of the distribution that is called like the module, as most are."""
        return [r for r in self._in(site) if _name(r).lower() == top.lower()]

    def _owning(self, site: Path) -> dict[str, list[Path]]:
        known = self._owners.get(site)
        if known is None:
            known = self._owners[site] = {}
            for record in self._in(site):
                for top in _tops(record):
                    known.setdefault(top.lower(), []).append(record)
        return known


def _tops(record: Path) -> set[str]:
    """Names of the top-level modules a distribution owns; from its name when it does not say."""
    listed = record / "RECORD"
    if listed.is_file():
        return set(_modules_among(listed.read_text("utf-8").splitlines()))
    stated = record / "top_level.txt"
    if stated.is_file():
        return set(stated.read_text("utf-8").split())
    return {_name(record)}


def _name(record: Path) -> str:
    """Name of a distribution: ``a`` of ``a-1.0.dist-info`` and of ``a.egg-info``."""
    return record.stem.partition("-")[0]


def _modules_among(lines: list[str]) -> Iterator[str]:
    for line in lines:
        first, separator, _ = line.partition(",")[0].partition("/")
        if not separator:
            yield first.partition(".")[0]
        elif not first.endswith((*_RECORDS, ".data")) and first != "..":
            yield first


def _name_and_version(record: Path) -> str:
    name = _name(record)
    for file in ("METADATA", "PKG-INFO"):
        path = record / file
        if path.is_file():
            found = _VERSION.search(path.read_text("utf-8", "replace"))
            if found:
                return f"{name}=={found[1]}"
    return record.stem.replace("-", "==", 1)
