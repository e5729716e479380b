#!/usr/bin/env bash
# Builds everything and runs all tests.
#
#   bash tests/run.sh [release|asan|tsan]
#
# LITESTREAM_TEST_JOBS sets how many run at a time (default 2). Tests with the labels crash, soak, scale and bench run in their short
# form; environment variables that are named beside them make them long.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${1:-release}
jobs=${LITESTREAM_TEST_JOBS:-2}

case $preset in
release | asan | tsan) ;;
*)
    echo "usage: tests/run.sh [release|asan|tsan]" >&2
    exit 2
    ;;
esac

bash "$root/apps/packages.sh"
cd "$root"
cmake --preset "$preset" -DLITESTREAM_BUILD_TESTS=ON >/dev/null
cmake --build --preset "$preset"
ctest --preset "$preset" -j "$jobs" --output-on-failure
