"""A global shared by two functions: what has to change when it, or one of them, does."""

from __future__ import annotations

from typing import Any

MODULE = """
    from dumbo import dumbo

    X = "Hello world"

    @dumbo(keep="always")
    def a():
        return X

    @dumbo(keep="always")
    def b():
        return X + "!"

    @dumbo(keep="always")
    def both(y, z):
        return y + z
"""
RUN = """
    from module import a, b, both
    y, z = a(), b()
    w = both(y, z)
    value = [str(y), str(z), str(w)]
"""


def test_nothing_changed_nothing_runs(project: Any) -> None:
    project.write(module=MODULE)
    cold = project.run(RUN)
    assert sorted(cold.executed)[:2] == ["a()", "b()"]
    assert len(cold.executed) == 3
    warm = project.run(RUN)
    assert warm.value == cold.value
    assert warm.executed == []
    assert len(warm.hits) == 3


def test_when_x_changes_both_change(project: Any) -> None:
    project.write(module=MODULE)
    project.run(RUN)
    assert project.run(RUN).executed == []
    project.edit("module", "Hello world", "Bye")
    after = project.run(RUN)
    assert after.value == ["Bye", "Bye!", "ByeBye!"]
    assert len(after.executed) == 3


def test_when_a_changes_only_a_and_its_users_change(project: Any) -> None:
    project.write(module=MODULE)
    project.run(RUN)
    assert project.run(RUN).executed == []
    project.edit("module", "return X\n", "return X.upper()\n")
    after = project.run(RUN)
    assert after.value == ["HELLO WORLD", "Hello world!", "HELLO WORLDHello world!"]
    assert after.executed[0] == "a()"
    assert not any(call.startswith("b(") for call in after.executed)


def test_when_b_changes_only_b_and_its_users_change(project: Any) -> None:
    project.write(module=MODULE)
    project.run(RUN)
    project.edit("module", 'X + "!"', 'X + "?"')
    after = project.run(RUN)
    assert after.value[1:] == ["Hello world?", "Hello worldHello world?"]
    assert len(after.executed) == 2


def test_an_edit_that_is_undone_is_a_hit(project: Any) -> None:
    project.write(module=MODULE)
    project.run(RUN)
    project.edit("module", "Hello world", "Bye")
    assert len(project.run(RUN).executed) == 3
    project.edit("module", "Bye", "Hello world")
    again = project.run(RUN)
    assert again.executed == []
    assert again.value == ["Hello world", "Hello world!", "Hello worldHello world!"]


def test_an_equal_result_after_an_edit_keeps_what_was_made_from_it(project: Any) -> None:
    project.write(module=MODULE)
    project.run(RUN)
    project.edit("module", "return X\n", "return str(X)\n")
    after = project.run(RUN)
    assert after.executed == ["a()"]


def test_in_one_process_a_rebound_global_is_noticed(project: Any) -> None:
    project.write(module=MODULE)
    done = project.run(
        """
        import module
        value = [str(module.a()), str(module.a())]
        module.X = "Bye"
        value += [str(module.a()), str(module.b())]
        module.X = "Hello world"
        value += [str(module.a())]
        """
    )
    assert done.value == ["Hello world", "Hello world", "Bye", "Bye!", "Hello world"]
    assert len(done.executed) == 3
