#!/usr/bin/env bash
# All that the table of the ions needs, ion by ion, the quickest first; repeat after an interruption to go on.
#
#   examples/l-edges/ions.sh [FOLDER [ION …]]     # stores and runs go into FOLDER (ions), all 22 ions
#   python examples/l-edges/ions_table.py ions    # the table, at any time
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-ions}
shift || true
ions=("$@")
((${#ions[@]})) || ions=(ni2 co2 ni3 ti2 v3 cr4 mn5 fe6 fe2 co3 ni4 mn2 fe3 co4 v2 cr3 mn4 fe5 cr2 mn3 fe4 co5)
mkdir -p "$folder"

one() {
  local ion=$1 store=$folder/$1-xas2p-1.0.0.zarr split along
  [[ -d $store ]] || xreg data generate "$here/ions.yaml" --only "$ion" --workers 1 -o "$store" || return
  [[ -d $folder/runs/$ion ]] || xreg run "$here/ions-dnn.yaml" --set "name=$ion" \
    --set "dataset.path=$(realpath "$store")" -o "$folder/runs/$ion" || return
  for split in default oh c4v; do
    along=()
    [[ $split == default ]] || along=(--set analyses.error-along.parameter=Dq)
    [[ -d $folder/runs/$ion-$split ]] || xreg evaluate "$folder/runs/$ion" "$store" --split "$split" \
      --part test --analysis spectrum-error --analysis misfit "${along[@]}" \
      -o "$folder/runs/$ion-$split" || return
  done
}

failed=()
for ion in "${ions[@]}"; do
  one "$ion" || failed+=("$ion")
done
((${#failed[@]} == 0)) || { echo "failed: ${failed[*]}" >&2; exit 1; }
