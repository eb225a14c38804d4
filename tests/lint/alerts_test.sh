#!/bin/sh
# What Prometheus itself says of its files: configuration and rules are valid, and each alert fires and stays silent as
# tests/lint/alerts_test.yml has it. Needs promtool (Debian package prometheus); exits 77, which ctest shows as
# skipped, where there is none: the package is a server that starts by itself and listens on every address, so
# deploy/packages.txt does not bring it to machines that only build and test. tests/compose/run runs this in the image.
#
# Usage: alerts_test.sh ROOT
set -eu
cd "$1"
command -v promtool >/dev/null || { echo "skipped: promtool is missing (apt-get install prometheus)"; exit 77; }
promtool check config deploy/prometheus/prometheus.yml
promtool check rules deploy/prometheus/rules/*.yml
promtool test rules tests/lint/alerts_test.yml
