#!/bin/sh
# Makes the virtual environment from requirements.lock, every archive checked against its hash.
# uv does it fastest and comes from the lock itself; where it cannot run, pip does the same work.
# PYTHON names the interpreter; without it, the system's is taken where `python3` is a much slower build.
set -eu

venv=${VENV:-.venv}

stop() {
    echo "make setup: $*" >&2
    exit 1
}

is_recent_enough='import sys; sys.exit(sys.version_info < (3, 11))'
can_make_a_venv='import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))'

# Microseconds of processor time for some work on objects, the least of several rounds.
slowness='import time

def work():
    start = time.process_time()
    found = {}
    for number in range(20_000):
        found[number % 97] = (str(number), [number], {"number": number})
    return time.process_time() - start

print(int(min(work() for _ in range(7)) * 1e6))'

least() {
    if [ -n "$1" ] && [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi
}

# Builds without optimisation, as pyenv makes them by default, take up to half as long again.
choose_python() {
    python=python3
    system=/usr/bin/python3
    "$system" -c "$can_make_a_venv" 2>/dev/null || return 0
    if ! python3 -c "$can_make_a_venv" 2>/dev/null; then
        python=$system
        return 0
    fi
    ours='' theirs=''
    # In turn: where others use the machine too, one moment is half as fast as the next.
    for _ in 1 2 3; do
        ours=$(least "$ours" "$(python3 -c "$slowness")")
        theirs=$(least "$theirs" "$("$system" -c "$slowness")")
    done
    if [ "$((ours * 4))" -gt "$((theirs * 5))" ]; then
        python=$system
        echo "make setup: python3 takes $ours µs where $system takes $theirs, so the latter is used (PYTHON=python3 keeps the former)"
    fi
}

python=${PYTHON:-}
if [ -z "$python" ]; then choose_python; fi

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
