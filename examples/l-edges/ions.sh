#!/usr/bin/env bash
# All that the table of the ions needs, ion by ion, the quickest first; repeat after an interruption to go on.
#
#   examples/l-edges/ions.sh [FOLDER [ION …]]     # stores and runs go into FOLDER (ions), all 22 ions
#   SEEDS="0 1 2" examples/l-edges/ions.sh        # the seeds of split and network; these three by default
#   python examples/l-edges/ions_table.py ions    # the table, at any time
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-ions}
shift || true
ions=("$@")
((${#ions[@]})) || ions=(ni2 co2 ni3 ti2 v3 cr4 mn5 fe6 fe2 co3 ni4 mn2 fe3 co4 v2 cr3 mn4 fe5 cr2 mn3 fe4 co5)
read -ra seeds <<<"${SEEDS:-0 1 2}"
mkdir -p "$folder"

one() { # one ION SEED
  local ion=$1 seed=$2 store=$folder/$1-xas2p-1.0.0.zarr run=$folder/runs/$1-$2 set
  [[ -d $store ]] || xreg data generate "$here/ions.yaml" --only "$ion" --workers 1 -o "$store" || return
  [[ -d $run ]] || xreg run "$here/ions-dnn.yaml" --set "name=$ion-$seed" --set "seed=$seed" \
    --set "split.seed=$seed" --set "dataset.path=$(realpath "$store")" -o "$run" || return
  for set in oh c4v; do # test sets of their own, the same for every seed
    [[ -d $run-$set ]] || xreg evaluate "$run" "$store" --split "$set" --part test \
      --analysis spectrum-error --set analyses.error-along.parameter=Dq -o "$run-$set" || return
  done
}

failed=()
for ion in "${ions[@]}"; do
  for seed in "${seeds[@]}"; do
    one "$ion" "$seed" || failed+=("$ion-$seed")
  done
done
((${#failed[@]} == 0)) || { echo "failed: ${failed[*]}" >&2; exit 1; }
