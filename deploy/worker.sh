#!/bin/sh
# One worker of a training: starts it, or resumes it if it has begun. Repeat it until all workers end with 0.
#   WORKERS  host:port of every worker, separated by commas
#   RANK     which of them this is
#   RUN      the run folder, on storage that all workers see
# The arguments are those of `convscope train`.
set -eu
first="$RUN/checkpoints"
if ls "$first"/step-*.safetensors >/dev/null 2>&1; then
  set -- --resume "$RUN"
elif [ -f "$RUN/run.json" ]; then
  echo "the training in $RUN is finished"
  exit 0
else
  set -- "$@" --out "$RUN"
fi
exec convscope train "$@" --workers "$WORKERS" --rank "$RANK" --connect-timeout 10m --trusted-network
