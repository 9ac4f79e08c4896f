#!/usr/bin/env bash
# A whole job on drawn pictures, from nothing to a report: bash tools/demo.sh [NAME] [WORKDIR]
# NAME is that of a config in pipelines/configs that asks for drawn pictures alone, without one demo; a WORKDIR without a
# NAME has a slash. Repeat it to continue; a finished one says so at once.
set -euo pipefail

fail() {
  echo "error: $*" >&2
  exit 2
}

# Whether every data set that a config names is drawn.
is_drawn() {
  local text
  text=$(cat "$1")
  [[ $text == *'dataset: phantom'* ]] && [[ ! ${text//dataset: phantom/} =~ dataset:[[:space:]] ]]
}

configs=$(cd "$(dirname "$0")/../pipelines/configs" && pwd)
name=demo
case "${1:-}" in
  '' | */*) ;;
  *) name=$1; shift ;;
esac
workdir=${1:-}
if [ $# -gt 1 ]; then fail "bash tools/demo.sh [NAME] [WORKDIR]: expected no more than that, found $2"; fi
if [ ! -f "$configs/$name.yaml" ] || ! is_drawn "$configs/$name.yaml"; then
  drawn=
  for config in "$configs"/*.yaml; do
    if is_drawn "$config"; then config=${config##*/}; drawn="$drawn, ${config%.yaml}"; fi
  done
  if [ ! -f "$configs/$name.yaml" ]; then
    fail "$name: expected the name of a config that asks for drawn pictures alone, one of ${drawn#, }, found none in" \
      "pipelines/configs; write a WORKDIR behind the name, or with a slash: ./$name"
  fi
  fail "$name: expected a config that asks for drawn pictures alone, one of ${drawn#, }, found one of data that you bring:" \
    "python tools/run_experiment.py --config pipelines/configs/$name.yaml --set data.source=DIR --workdir runs/$name"
fi
case "$workdir" in
  '' | /*) ;;
  *) workdir=$PWD/$workdir ;;
esac
source "$(dirname "$0")/setup_environment.sh"
exec "$python" tools/run_experiment.py --config "pipelines/configs/$name.yaml" --workdir "${workdir:-$PWD/runs/$name}"
