#!/bin/sh
# Installs Chromium for the tests in a browser, where there is none and apt may install it.
# Without a browser those tests are skipped and say so; nothing else needs one.
set -u
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -q && apt-get install -q -y --no-install-recommends chromium; } ||
        echo "Chromium could not be installed; the tests in a browser are skipped" >&2
fi
exit 0
