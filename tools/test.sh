#!/usr/bin/env bash
# All tests: bash tools/test.sh [pytest arguments]
set -euo pipefail
source "$(dirname "$0")/setup_environment.sh"
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
exec "$python" -m pytest --numprocesses 2 --dist worksteal "$@"
