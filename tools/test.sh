#!/usr/bin/env bash
# All tests: bash tools/test.sh [--both] [pytest arguments]
# With --both on Python 3.9 to 3.11, the reference, and then on 3.12 or 3.13.
set -euo pipefail
export EXTRAS=1
if [ "${1:-}" = --both ]; then
  shift
  for lane in reference second; do LANE=$lane bash "$(dirname "$0")/setup_environment.sh"; done
  for lane in reference second; do LANE=$lane bash "$0" "$@"; done
  exit
fi
source "$(dirname "$0")/setup_environment.sh"
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
"$python" --version
exec "$python" -m pytest --numprocesses 2 --dist worksteal "$@"
