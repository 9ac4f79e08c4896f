#!/usr/bin/env bash
# The main job on drawn chests, from nothing to a report: bash tools/demo.sh [WORKDIR]
# Repeat it to continue; a finished one says so at once.
set -euo pipefail
workdir=${1:-}
case "$workdir" in
  '' | /*) ;;
  *) workdir=$PWD/$workdir ;;
esac
source "$(dirname "$0")/setup_environment.sh"
exec "$python" tools/run_experiment.py --config pipelines/configs/demo.yaml --workdir "${workdir:-$PWD/runs/demo}"
