# Sourced by demo.sh and test.sh: finds a Python 3.9 to 3.11, makes .venv and installs the locked
# requirements when they have changed. Sets $python. Takes PYTHON=/path/to/python.
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fits() {
  "$1" -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" && echo "$PYTHON" && return
    echo "error: PYTHON=$PYTHON: expected a Python 3.9 to 3.11, found" \
      "$("$PYTHON" --version 2>&1 | head -1)" >&2
    return 1
  fi
  for candidate in python3.11 python3.10 python3.9 python3 python "$HOME"/.pyenv/versions/3.{11,10,9}.*/bin/python; do
    if fits "$candidate"; then echo "$candidate"; return; fi
  done
  echo "error: expected a Python 3.9 to 3.11 (TensorFlow 2.15 runs on no other), found none." \
    "Install one (apt install python3.11, conda create -n py311 python=3.11, or pyenv install 3.11)" \
    "and name it: PYTHON=/path/to/python3.11 bash $0" >&2
  return 1
}

version() {
  "$1" -c 'import sys; print(sys.version_info[:2])' 2>/dev/null
}

# A virtual environment is tied to its folder and its interpreter: it is made anew where it is broken
# or where PYTHON asks for another version.
if [ -n "${PYTHON:-}" ]; then
  find_python >/dev/null || exit 2
fi
if ! fits .venv/bin/python || { [ -n "${PYTHON:-}" ] && [ "$(version "$PYTHON")" != "$(version .venv/bin/python)" ]; }; then
  found=$(find_python) || exit 2
  rm -rf .venv
  "$found" -m venv .venv || { echo "error: $found -m venv failed; install python3-venv" >&2; exit 2; }
fi
python="$PWD/.venv/bin/python"

locks=(tools/locks/cpu.txt)
if nvidia-smi >/dev/null 2>&1; then locks+=(tools/locks/cuda.txt); fi
if ! cat "${locks[@]}" | cmp --quiet - .venv/installed; then
  echo "installing the locked requirements into .venv (once) ..." >&2
  # Before pip 23 some of these wheels are not found.
  "$python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=23,<26' || exit 2
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    "${locks[@]/#/--requirement=}" || {
    echo "error: pip could not install ${locks[*]}; see its message above" >&2; exit 2; }
  cat "${locks[@]}" > .venv/installed
fi
