#!/usr/bin/env bash
# Models of the ladder, from photos and clips to packages. Every step goes on where it was killed.
#   PHOTOS=DIR CLIPS=DIR VAL=DIR build/models/make.sh x2-balanced      one model, and the runs it stands on
#   PHOTOS=DIR CLIPS=DIR VAL=DIR build/models/make.sh all
# PHOTOS: lossless pictures of at least 288 px a side. CLIPS: clean .mp4 clips. VAL: set5/ set14/ bsd100/ and clips or
# frame folders to measure by. RUNS: where sets and runs go (default: train_runs).
# Needs the extra: pip install -e '.[factory]'. One thread each, so that two models train side by side on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-train_runs}
python=${PYTHON:-.venv/bin/python}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# name            goes on from      shape                        clean share, steps and patch of the float run
models='
x2-fast-clean     -                 --width=64,--depth=3         1    16000  32
x2-balanced-clean -                 --width=64,--depth=5         1    20000  32
x2-best-clean     -                 --width=128,--depth=4        1    14000  32
x2-fast           x2-fast-clean     -                            0     8000  32
x2-balanced       x2-balanced-clean -                            0     8000  32
x2-best           x2-best-clean     -                            0     5000  32
x4-balanced-clean x2-balanced-clean --scale=4                    1     8000  28
x4-balanced       x4-balanced-clean -                            0     4000  28
x3-balanced       x2-balanced-clean --scale=3                    0.5   8000  30
x1-balanced       x2-balanced       --scale=1                    0     6000  32
'
integer_steps=2000

field() { awk -v name="$1" -v column="$2" '$1 == name { print $column }' <<<"$models"; }

samples() { # scale: the set of that scale
    if [[ ! -f $runs/pairs-x$1/head.json ]]; then
        "$python" -m edge_vsr.factory.dataset --photos "$PHOTOS" --clips "$CLIPS" --out "$runs/pairs-x$1" \
            --scale "$1" --per-photo "$([[ $1 == 2 ]] && echo 4 || echo 2)" --coded "$([[ $1 == 2 ]] && echo 4000 || echo 2000)"
    fi
}

float() { # name: the float run
    local name=$1 parent shape scale=${1:1:1} options=()
    parent=$(field "$name" 2) shape=$(field "$name" 3)
    samples "$scale"
    [[ $shape == - ]] || IFS=, read -ra options <<<"$shape"
    if [[ $parent != - ]]; then
        float "$parent"
        options+=(--parent "$runs/$parent-float" --lr 0.01)
    fi
    "$python" -m edge_vsr.factory.train --data "$runs/pairs-x$scale" --run "$runs/$name-float" "${options[@]}" \
        --clean "$(field "$name" 4)" --steps "$(field "$name" 5)" --patch "$(field "$name" 6)" --curriculum 0.5
}

make() { # name: integers taught by the float net, then the package, its figures and its card
    local name=$1 scale=${1:1:1} rung=${1#x?-} source=coded
    [[ $name == *-clean ]] && source=clean
    [[ $name == x3-* ]] && source=any
    float "$name"
    "$python" -m edge_vsr.factory.train --data "$runs/pairs-x$scale" --run "$runs/$name-int8" \
        --parent "$runs/$name-float" --integers --teacher 0.5 --lr 0.002 --adam-lr 0.0003 \
        --clean "$(field "$name" 4)" --steps $integer_steps --patch "$(field "$name" 6)"
    "$python" -m edge_vsr.factory.package --run "$runs/$name-int8" --parent "$runs/$name-float" \
        --name "$name" --version "${VERSION:-2}" --rung "${rung%-clean}" --source "$source"
    if [[ -n ${VAL:-} ]]; then
        "$python" -m edge_vsr.factory.evaluate --model "models_quantized/$name/${VERSION:-2}" --data "$VAL"
    fi
}

[[ $# -gt 0 ]] || { echo "which model? all, or some of: $(awk '{ printf "%s ", $1 }' <<<"$models")" >&2; exit 2; }
[[ $1 == all ]] && set -- $(awk '{ print $1 }' <<<"$models")
for name in "$@"; do
    [[ -n $(field "$name" 5) ]] || { echo "no model is called $name" >&2; exit 2; }
    make "$name"
done
