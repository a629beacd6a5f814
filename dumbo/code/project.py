"""What counts as code of the project, tracked line by line, and what as a package, by version.

Law: decided by the path of a file alone. Not project: the standard library, anything under a
``site-packages`` or ``dist-packages`` folder, and dumbo itself. So an editable install is project
code. A cell of a notebook or interactive session is too; ``<frozen os>`` and the like are not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType

_FOREIGN = frozenset({"site-packages", "dist-packages"})
_CELLS = ("<stdin>", "<ipython-input-", "<python-input-", "<doctest ", "<cell ")
TEXT_OF_COMMAND = "<string>"


@lru_cache(maxsize=1)
def _standard_library() -> tuple[str, ...]:
    # What sysconfig would say, whose first answer takes more than a millisecond.
    beside = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    prefixes = (sys.base_exec_prefix, sys.exec_prefix)
    found = {str(Path(prefix, sys.platlibdir, beside)) for prefix in prefixes}
    found.add(str(Path(os.__file__).parent))
    return tuple(sorted({form for path in found for form in (path, str(Path(path).resolve()))}))


class Project:
    """The boundary between code that is tracked by its text and code that is by its version.

    Parameters
    ----------
    roots : iterable of str or Path, optional
        Folders that alone hold project code; everything else is then foreign. By default every
        file that is not of the standard library, of an installed package, or of dumbo.
    also : iterable of str or Path, optional
        Folders that are project code in any case, such as a vendored package in site-packages.
    excluding : iterable of str or Path, optional
        Folders that are foreign in any case, such as a checkout of somebody else's package.

    Examples
    --------
    >>> Project().owns_file("/home/me/project/model.py")
    True
    >>> Project().owns_file(os.__file__)
    False
    """

    def __init__(
        self,
        roots: Iterable[str | Path] = (),
        also: Iterable[str | Path] = (),
        excluding: Iterable[str | Path] = (),
    ) -> None:
        self._roots = tuple(_folder(root) for root in roots)
        self._also = tuple(_folder(root) for root in also)
        self._excluded = tuple(_folder(root) for root in excluding)
        self._homes = (*(self._roots or (_folder(_home()),)), *self._also)
        self._foreign = (
            *(_folder(path) for path in _standard_library()),
            _folder(Path(__file__).parent.parent),
        )
        self._known: dict[str, bool] = {}

    def owns_file(self, filename: str) -> bool:
        """Whether a file is project code."""
        known = self._known.get(filename)
        if known is None:
            known = self._known[filename] = self._decide(filename)
        return known

    def owns_code(self, code: CodeType, module: object) -> bool:
        """Whether code is the project's; what is made from text belongs to the module it is in.

        Parameters
        ----------
        code : code
        module : object
            ``__name__`` of the namespace it runs in.
        """
        if not self.owns_file(code.co_filename):
            return False
        if not code.co_filename.startswith("<"):
            return True
        # What libraries make from text (named tuples, dataclasses) has the file name of a command.
        if code.co_filename == TEXT_OF_COMMAND:
            return module == "__main__" and not code.co_qualname.startswith("__create_fn__")
        return isinstance(module, str) and self.owns_module(module)

    def owns_function(self, function: FunctionType) -> bool:
        """Whether a function's code is the project's."""
        return self.owns_code(function.__code__, function.__globals__.get("__name__"))

    def owns_module(self, name: str) -> bool:
        """Whether a module, loaded now, is project code; a program's main module always is."""
        if name == "__main__":
            return True
        module = sys.modules.get(name)
        file = vars(module).get("__file__") if module is not None else None
        if isinstance(file, str):
            return self.owns_file(file)
        if module is None or name.partition(".")[0] in sys.stdlib_module_names:
            return False
        if vars(module).get("__spec__") is None and "__path__" not in vars(module):
            return True  # made by hand, as interactive sessions do
        # A namespace package has folders and no file.
        return any(self.owns_file(str(Path(p) / "_")) for p in vars(module).get("__path__", ()))

    def inside(self, path: str) -> tuple[str, ...] | None:
        """Parts of a path below the folder of the project that it is in; None if it is in none.

        Without `roots` that is the folder with a ``pyproject.toml``, ``setup.cfg`` or
        ``.git`` around the working folder of when the project was made, or the latter itself.
        """
        for home in self._homes:
            if path.startswith(home):
                return Path(path[len(home) :]).parts
        return None

    def _decide(self, filename: str) -> bool:
        if filename.startswith("<"):
            return filename.startswith(_CELLS) or (
                # ``python -c``: the text of the command is all the source there is.
                filename == TEXT_OF_COMMAND and not hasattr(sys.modules.get("__main__"), "__file__")
            )
        path = os.path.abspath(filename)  # noqa: PTH100 - resolving links would cost a stat a part
        if path.startswith(self._excluded):
            return False
        if path.startswith(self._also):
            return True
        if self._roots:
            return path.startswith(self._roots)
        parts = Path(path).parts
        return not (_FOREIGN.intersection(parts) or path.startswith(self._foreign))


def _home() -> Path:
    here = Path.cwd()
    marks = ("pyproject.toml", "setup.cfg", ".git")
    return next((f for f in (here, *here.parents) if any((f / m).exists() for m in marks)), here)


def _folder(path: str | Path) -> str:
    return os.path.join(os.path.abspath(path), "")  # noqa: PTH100, PTH118 - the trailing separator
