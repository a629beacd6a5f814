#!/bin/sh
# Run the tests under other Pythons: scripts/test_pythons.sh "3.12 3.13" [pytest arguments]
# A version is looked for as pythonX.Y on the PATH, then among pyenv's; one that is absent is skipped and said so.
set -eu
versions=$1
shift
for version in $versions; do
    python=$(command -v "python$version" || true)
    if [ -z "$python" ] || ! "$python" -c '' 2>/dev/null; then
        # A pyenv shim answers for versions that are not active; take the real one behind it.
        python=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version"*/bin/python 2>/dev/null | tail -n 1 || true)
    fi
    if [ -z "$python" ]; then
        echo "Python $version: not found, skipped"
        continue
    fi
    venv=.venv-$version
    if [ ! -f "$venv/.test" ] || [ setup.cfg -nt "$venv/.test" ]; then
        "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --upgrade pip
        "$venv/bin/python" -m pip install --quiet -e '.[test]'
        touch "$venv/.test"
    fi
    echo "Python $version:"
    "$venv/bin/python" -m pytest -q -n auto --dist loadfile "$@"
done
