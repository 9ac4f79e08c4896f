# Run alone, or sourced by demo.sh and test.sh: finds a Python, makes an environment of its version
# (.venv-3.11, ...) and installs the locked requirements when they have changed. Sets $python.
# Takes PYTHON=/path/to/python; LANE=reference (Python 3.9 to 3.11) or LANE=second (3.12, 3.13), without
# which the reference comes first; CPU=1, which leaves CUDA out where there is a GPU; EXTRAS=1, which adds DICOM, ONNX
# and what their tests take (locks/extras.in). What an environment has once, it keeps.
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "error: $*" >&2
  exit 2
}

case "$(uname -s)" in
  Linux | Darwin) ;;
  *) fail "expected Linux or macOS, found $(uname -s); on Windows use WSL2, which is a Linux" ;;
esac
case "${LANE:-}" in
  '') versions='3.11 3.10 3.9 3.13 3.12' ;;
  reference) versions='3.11 3.10 3.9' ;;
  second) versions='3.13 3.12' ;;
  *) fail "LANE=$LANE: expected reference (Python 3.9 to 3.11) or second (3.12, 3.13)" ;;
esac

version_of() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

find_python() {
  local wanted candidate candidates
  for wanted in $versions; do
    candidates=(".venv-$wanted/bin/python" "python$wanted" python3 python "$HOME/.pyenv/versions/$wanted".*/bin/python \
      "$HOME/.local/share/uv/python/cpython-$wanted".*/bin/python)
    # a bare name may be a shim of pyenv that knows no version: the others are as good
    if [ "${PYTHON:-python$wanted}" != "python$wanted" ]; then candidates=("$PYTHON"); fi
    for candidate in "${candidates[@]}"; do
      if [ "$(version_of "$candidate")" = "$wanted" ]; then echo "$candidate"; return; fi
    done
  done
  return 1
}

# Debian, Ubuntu and Colab leave ensurepip to a package of its own; their pip can stand in for it.
make_environment() {
  "$1" -m venv "$2" >/dev/null 2>&1 || {
    "$1" -m venv --without-pip "$2" && "$1" -m pip --quiet --python "$2/bin/python" install 'pip>=23,<26'; }
}

if ! found=$(find_python); then
  if [ -n "${PYTHON:-}" ]; then
    fail "PYTHON=$PYTHON: expected Python ${versions// / or }, found" "$("$PYTHON" --version 2>&1 | head -1)"
  fi
  fail "expected Python ${versions// / or }, found none. Install one (uv python install ${versions%% *}, pyenv" \
    "install ${versions%% *}, or your system's python3 and python3-venv where they are one of these), or name one:" \
    "PYTHON=/path/to/python3 bash $0"
fi
folder=.venv-$(version_of "$found")
if [ -e "$folder" ] && [ ! -e "$folder/made-by-setup" ]; then
  fail "$folder: expected an environment that this script made, found another; rename it and repeat"
fi
if [ "$(version_of "$folder/bin/python")" != "${folder#.venv-}" ]; then  # none yet, or its Python is gone
  rm -rf "$folder"
  mkdir "$folder" && touch "$folder/made-by-setup"
  make_environment "$found" "$folder" || {
    rm -rf "$folder"; fail "$found -m venv failed; install python3-venv, or name another PYTHON="; }
fi
python="$PWD/$folder/bin/python"

locks=(tools/locks/cpu.txt)
size='2 to 3 GB'
if [ "${CPU:-}" != 1 ] && nvidia-smi >/dev/null 2>&1; then
  locks+=(tools/locks/cuda.txt)
  size='6 to 9 GB, most of it CUDA, which CPU=1 leaves out'
fi
if [ "${EXTRAS:-}" = 1 ] || [[ "$(cat "$folder/installed" 2>/dev/null)" == *python-gdcm==* ]]; then
  locks+=(tools/locks/extras.txt)
  size="$size, 0.2 GB of it for DICOM and ONNX"
fi
if ! cat "${locks[@]}" | cmp -s - "$folder/installed"; then
  echo "installing the locked requirements into $folder (once; $size; some minutes) ..." >&2
  # Before pip 23 some of these wheels are not found.
  "$python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=23,<26' || exit 2
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    "${locks[@]/#/--requirement=}" || fail "pip could not install ${locks[*]}; see its message above"
  cat "${locks[@]}" > "$folder/installed"
fi
if [ "${BASH_SOURCE[0]}" = "$0" ]; then echo "ready: source $folder/bin/activate"; fi
