#!/bin/sh
# Makes the virtual environment from requirements.lock, every archive checked against its hash.
# uv does it fastest and comes from the lock itself; where it cannot run, pip does the same work.
set -eu

python=${PYTHON:-python3}
venv=${VENV:-.venv}

stop() {
    echo "make setup: $*" >&2
    exit 1
}

is_recent_enough='import sys; sys.exit(sys.version_info < (3, 11))'

command -v "$python" >/dev/null 2>&1 ||
    stop "there is no '$python' here. Install Python 3.11 or newer, or name one: make setup PYTHON=python3.12"
"$python" -c "$is_recent_enough" ||
    stop "Python 3.11 or newer is needed; '$python' is $("$python" --version 2>&1)." \
        "Name a newer one: make setup PYTHON=python3.12"

if ! "$venv/bin/python" -c "$is_recent_enough" 2>/dev/null || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear "$venv" ||
        stop "'$python -m venv' failed. On Debian and Ubuntu: apt-get install python3-venv"
fi

install_with_uv() {
    uv_alone="$venv/uv.lock.txt"
    sed -n '/^uv==/,/[^\\]$/p' requirements.lock >"$uv_alone"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
        --require-hashes -r "$uv_alone" || return 1
    uv="$venv/bin/uv pip install --quiet --python $venv/bin/python"
    $uv --compile-bytecode --require-hashes -r requirements.lock &&
        $uv --no-deps --no-build-isolation -e .
}

install_with_pip() {
    pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
    $pip --require-hashes -r requirements.lock &&
        $pip --no-deps --no-build-isolation -e .
}

echo "make setup: installing into $venv (once; about a minute)"
if ! install_with_uv; then
    echo "make setup: uv could not do it, trying pip" >&2
    install_with_pip || stop "the dependencies could not be installed; the lines above say why"
fi
