#!/usr/bin/env bash
# x2-balanced: the middle rung, from photos and clips to a package, in order. Every step resumes where it was.
#   PHOTOS=DIR CLIPS=DIR VAL=DIR build/models/x2-balanced.sh
# PHOTOS: lossless pictures of at least 288 px a side. CLIPS: clean .mp4 clips. VAL: set5/ set14/ bsd100/ to measure.
# Version 1 was made by these stages; its first one still estimated coding damage for clean pairs too, which the
# second corrected. Schedules follow time, so another machine takes another number of steps.
# Needs the extra: pip install -e '.[factory]'. About two hours on two cores with AVX-512 bfloat16.
set -euo pipefail
cd "$(dirname "$0")/../.."

name=x2-balanced version=1 runs=${RUNS:-train_runs}
python=${PYTHON:-.venv/bin/python}

if [[ ! -f $runs/pairs/head.json ]]; then
    "$python" -m edge_vsr.factory.dataset --photos "$PHOTOS" --clips "$CLIPS" --out "$runs/pairs" \
        --per-photo 4 --coded 3000 --seed 1
fi
shape=(--data "$runs/pairs" --width 64 --depth 5)
"$python" -m edge_vsr.factory.train "${shape[@]}" --run "$runs/$name-broad" --lr 0.0015 --clean 0.6 --minutes 65
"$python" -m edge_vsr.factory.train "${shape[@]}" --run "$runs/$name-fine" --parent "$runs/$name-broad" \
    --lr 0.001 --clean 0.7 --smooth 3 --minutes 34
"$python" -m edge_vsr.factory.train "${shape[@]}" --run "$runs/$name-int8" --parent "$runs/$name-fine" --integers \
    --lr 0.0002 --clean 0.7 --smooth 3 --minutes 13
"$python" -m edge_vsr.factory.package --run "$runs/$name-int8" --parent "$runs/$name-fine" \
    --name $name --version $version
"$python" -m edge_vsr.factory.evaluate --model models_quantized/$name/$version --data "$VAL"
