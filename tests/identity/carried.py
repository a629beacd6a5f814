"""Stand-ins for the carriers and decorated functions of the levels above."""

from __future__ import annotations

from typing import Any

from dumbo.identity import CID, FunctionId

A = CID("m:f#" + "a" * 32)
B = CID("m:f#" + "b" * 32)


class Lazy:
    """Lies about its class and fails when anything of it is touched."""

    __slots__ = ("cid",)

    def __init__(self, cid: CID) -> None:
        object.__setattr__(self, "cid", cid)

    @staticmethod
    def __dumbo_carrier__(carrier: Any) -> CID:
        found: CID = object.__getattribute__(carrier, "cid")
        return found

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"a lazy carrier was touched: {name}")

    def __repr__(self) -> str:
        raise AssertionError("a lazy carrier was shown")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a lazy carrier was compared")

    def __hash__(self) -> int:
        return 1


class Decorated:
    def __init__(self, function: Any = None, name: str = "m:decorated") -> None:
        self.__wrapped__ = function
        self.name = name

    @staticmethod
    def __dumbo_function__(function: Decorated) -> FunctionId:
        return FunctionId(function.name)

    def __call__(self) -> None: ...
