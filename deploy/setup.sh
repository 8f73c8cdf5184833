#!/bin/sh
# Makes the virtual environment $VENV with what requirements.lock names and Muniment itself, editable.
set -eu
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

"$PYTHON" - <<'PY'
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Muniment needs Python 3.11 or newer, found {sys.version.split()[0]}; set PYTHON=python3.x")
PY

if ! "$PYTHON" -m venv "$VENV" 2>/dev/null; then
    # Debian splits venv off Python; without the right to install it, virtualenv from pip does as well.
    rm -rf "$VENV"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q
        apt-get install -q -y --no-install-recommends python3-venv
        "$PYTHON" -m venv "$VENV"
    else
        "$PYTHON" -m pip install --user --quiet virtualenv
        "$PYTHON" -m virtualenv --quiet "$VENV"
    fi
fi

"$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
"$VENV/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
