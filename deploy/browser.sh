#!/bin/sh
# Installs a browser for the tests in one, where there is none and apt may install it: Chromium's
# headless shell, which is the engine without windows and does the same in half the time, or all of
# Chromium. Without a browser those tests are skipped and say so; nothing else needs one.
set -u
for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q
    for name in chromium-headless-shell chromium; do
        apt-get install -q -y --no-install-recommends "$name" && exit 0
    done
    echo "Chromium could not be installed; the tests in a browser are skipped" >&2
fi
exit 0
