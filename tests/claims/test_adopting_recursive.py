"""Claim: a renamed function that calls itself, or is called back, keeps its results."""

from __future__ import annotations

from typing import Any

import pytest

RECURSIVE = """
    from dumbo import dumbo

    def step(n):
        return n - 1

    @dumbo(keep="always")
    def fact(n):
        return 1 if n <= 0 else n * fact(step(n))
"""
CALLED_BACK = """
    from dumbo import dumbo

    def rest(n):
        return fact(n - 1) if n > 1 else 1

    @dumbo(keep="always")
    def fact(n):
        return n * rest(n)
"""


def rename(project: Any, module: str = "old", **more: str) -> Any:
    """Call `fact` otherwise, wherever it is named, and adopt its results."""
    text = (project.folder / "old.py").read_text().replace("fact", "product")
    for before, after in more.items():
        text = text.replace(before, after)
    if module != "old":
        (project.folder / "old.py").unlink()
    (project.folder / f"{module}.py").write_text(text)
    return project.run(
        f"import {module} as m\ndone = m.product.adopt('old:fact')\n"
        "value = [done.adopted, done.already, done.refused]"
    ).value


@pytest.mark.parametrize("source", [RECURSIVE, CALLED_BACK])
@pytest.mark.parametrize("module", ["old", "new"])
def test_calls_to_itself_by_its_new_name_are_no_change(
    project: Any, source: str, module: str
) -> None:
    project.write(old=source)
    count = len(project.run("import old\nvalue = int(old.fact(3))").executed)
    assert rename(project, module) == [count, 0, 0]
    call = f"import {module} as m\nvalue = [m.product.is_stale(3).state.value, int(m.product(3))]"
    found = project.run(call)
    assert (found.value, found.executed) == (["fresh", 6], [])


@pytest.mark.parametrize("source", [RECURSIVE, CALLED_BACK])
def test_an_edit_besides_is_one(project: Any, source: str) -> None:
    project.write(old=source)
    count = len(project.run("import old\nvalue = int(old.fact(3))").executed)
    assert rename(project, "old", **{"n * ": "2 * n * "})[0] == count
    found = project.run("import old\nvalue = int(old.product(3))")
    assert found.value == 48
    assert len(found.executed) == count


def test_a_later_edit_is_noticed(project: Any) -> None:
    project.write(old=RECURSIVE)
    project.run("import old\nvalue = int(old.fact(3))")
    rename(project)
    project.edit("old", "return n - 1", "return n - 2")
    found = project.run("import old\nvalue = int(old.product(3))")
    assert (found.value, found.executed) == (3, ["product(n=-1)", "product(n=1)", "product(n=3)"])


def test_the_old_name_may_go_on_leading_to_it(project: Any) -> None:
    project.write(old=CALLED_BACK)
    count = len(project.run("import old\nvalue = int(old.fact(3))").executed)
    project.edit("old", "def fact(n)", "def product(n)")
    with (project.folder / "old.py").open("a") as file:
        file.write("\nfact = product\n")
    done = project.run("import old\nvalue = old.product.adopt('old:fact').adopted").value
    assert done == count
    found = project.run("import old\nvalue = int(old.product(3))")
    assert (found.value, found.executed) == (6, [])
