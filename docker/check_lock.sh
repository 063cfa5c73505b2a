#!/bin/sh
# Refuses an environment in which anything is installed that the lock does not name at that version.
# A CUDA build of torch brings NVIDIA's libraries, in versions that torch itself pins.
set -eu
pip freeze --exclude hospital-forecasting | sed 's/+cpu$//' | grep -Evi '^(nvidia|cuda|triton)' \
  | grep -Fvx -f "$1" > /tmp/unlocked || true
if [ -s /tmp/unlocked ]; then
  echo "installed, but not in $1 (make lock, then build again):" >&2
  cat /tmp/unlocked >&2
  exit 1
fi
