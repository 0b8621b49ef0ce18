#!/usr/bin/env bash
# Models of the ladder, from photos and clips to packages. A killed run goes on where it was; a killed set starts anew.
#   PHOTOS=DIR CLIPS=DIR VAL=DIR build/models/make.sh x2-balanced      one model, and the runs it stands on
#   PHOTOS=DIR CLIPS=DIR VAL=DIR build/models/make.sh all
# PHOTOS: lossless pictures of at least 288 px a side. CLIPS: clean .mp4 clips. VAL: set5/ set14/ bsd100/ and clips or
# frame folders to measure by. RUNS: where sets and runs go (default: train_runs).
# TEACHER_X2, TEACHER_X4: ONNX nets (rgb -> rgb_up) that answer for the truth in part of the training; the shipped
# models had ECBSR-M6C40 (Zhang et al. 2021, weights under Apache-2.0). Without them that part sees the truth.
# Needs the extra: pip install -e '.[factory]'. One thread each, so that two models train side by side on two cores.
set -euo pipefail
for folder in PHOTOS CLIPS VAL RUNS TEACHER_X2 TEACHER_X4; do # they may be named from where the caller stands
    [[ -z ${!folder:-} ]] || export "$folder=$(realpath -m "${!folder}")"
done
cd "$(dirname "$0")/../.."

runs=${RUNS:-train_runs}
python=${PYTHON:-.venv/bin/python}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# name            goes on from      shape                 clean share, steps on the truth, then as taught, patch
models='
x2-light-clean    -                 --width=32,--depth=3  1    16000  6000  32
x2-fast-clean     -                 --width=64,--depth=3  1    16000  6000  32
x2-balanced-clean -                 --width=64,--depth=5  1    20000  8000  32
x2-best-clean     -                 --width=128,--depth=4 1        0 11000  32
x2-light          x2-light-clean    -                     0    24000     0  32
x2-fast           x2-fast-clean     -                     0     6000     0  32
x2-balanced       x2-balanced-clean -                     0     6000     0  32
x2-best           x2-best-clean     -                     0     3500     0  32
x4-balanced-clean x2-balanced-clean --scale=4             1        0  4000  28
x4-balanced       x4-balanced-clean -                     0     1500     0  28
x3-balanced       x2-balanced-clean --scale=3             0.5   2000     0  30
x1-balanced       x2-balanced       --scale=1             0     1500     0  32
'
integer_steps=800 # the x2 models, made first, had 1000 to 1500

field() { awk -v name="$1" -v column="$2" '$1 == name { print $column }' <<<"$models"; }

samples() { # scale: the set of that scale
    local clean=2 coded=2000
    [[ $1 == 2 ]] && clean=4 coded=3600
    [[ -f $runs/pairs-x$1/head.json ]] || "$python" -m edge_vsr.factory.dataset --photos "$PHOTOS" --clips "$CLIPS" \
        --out "$runs/pairs-x$1" --scale "$1" --per-photo $clean --coded $coded --processes "$(nproc)"
}

taught_samples() { # scale: clean samples answered by the teacher of that scale; by the truth where there is none
    local teacher=TEACHER_X$1
    [[ -f $runs/taught-x$1/head.json ]] || "$python" -m edge_vsr.factory.dataset --photos "$PHOTOS" \
        --out "$runs/taught-x$1" --scale "$1" --per-photo 2 --coded 0 --seed 5 --processes "$(nproc)" \
        ${!teacher:+--teacher "${!teacher}"}
}

train() { # set, run, options...: nothing to do where the run has ended
    "$python" -m edge_vsr.factory.train --data "$runs/$1" --run "$runs/$2" "${@:3}"
}

last_float() { # name: the run that its float training ends with
    [[ $(field "$1" 6) == 0 ]] && echo "$1-float" || echo "$1-taught"
}

float() { # name
    local name=$1 parent shape scale=${1:1:1} options=() on
    parent=$(field "$name" 2) shape=$(field "$name" 3)
    on=(--clean "$(field "$name" 4)" --patch "$(field "$name" 7)")
    [[ $shape == - ]] || IFS=, read -ra options <<<"$shape"
    if [[ $parent != - ]]; then
        float "$parent"
        options+=(--parent "$runs/$(last_float "$parent")" --lr 0.01)
    fi
    if [[ $(field "$name" 5) != 0 ]]; then
        samples "$scale"
        train "pairs-x$scale" "$name-float" "${options[@]}" "${on[@]}" --steps "$(field "$name" 5)" --curriculum 0.5
        options=(--parent "$runs/$name-float" --lr 0.01)
    fi
    if [[ $(field "$name" 6) != 0 ]]; then
        taught_samples "$scale"
        train "taught-x$scale" "$name-taught" "${options[@]}" "${on[@]}" --steps "$(field "$name" 6)"
    fi
}

make() { # name: integers taught by the teacher, or by the float net and the truth; then the package, what the router
    # expects of it, its figures and its card
    local name=$1 scale=${1:1:1} rung=${1#x?-} source=coded version=${VERSION:-2} parent on
    [[ $name == *-clean ]] && source=clean
    [[ $name == x3-* ]] && source=any
    float "$name"
    samples "$scale"
    parent=$runs/$(last_float "$name")
    on=(--clean "$(field "$name" 4)" --patch "$(field "$name" 7)" --lr 0.004 --adam-lr 0.0003)
    if [[ $parent == *-taught ]]; then
        train "taught-x$scale" "$name-int8" --parent "$parent" --integers "${on[@]}" --steps $integer_steps
    else
        train "pairs-x$scale" "$name-int8" --parent "$parent" --integers "${on[@]}" --steps $integer_steps --teacher 1
    fi
    "$python" -m edge_vsr.factory.package --run "$runs/$name-int8" --parent "$parent" --name "$name" \
        --version "$version" --rung "${rung%-clean}" --source $source
    "$python" -m edge_vsr.factory.gain --model "models_quantized/$name/$version" --clips "$CLIPS"
    if [[ -n ${VAL:-} ]]; then
        "$python" -m edge_vsr.factory.evaluate --model "models_quantized/$name/$version" --data "$VAL" --clips "$VAL"
    fi
}

[[ $# -gt 0 ]] || { echo "which model? all, or some of: $(awk '{ printf "%s ", $1 }' <<<"$models")" >&2; exit 2; }
[[ $1 == all ]] && set -- $(awk '{ print $1 }' <<<"$models")
for name in "$@"; do
    [[ -n $(field "$name" 5) ]] || { echo "no model is called $name" >&2; exit 2; }
done
for name in "$@"; do make "$name"; done
