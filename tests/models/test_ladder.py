"""The ladder: which nets an enlargement takes, from any set of installed models."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.models import ladder
from edge_vsr.models.ladder import COVERED, SHORT, passes_of_net, passes_of_rung, scales_for
from edge_vsr.models.manifest import Manifest

Scale = Literal[1, 2, 3, 4]
Flavour = Literal["any", "clean", "coded"]
COST = {"fast": 1.0, "balanced": 3.0, "best": 9.0}
RATIOS = st.floats(0.1, 40, allow_nan=False)
SCALES = st.sets(st.sampled_from([2, 3, 4]), min_size=1)


def net(rung: str, scale: Scale, source: Flavour = "any") -> Manifest:
    return Manifest(
        format=1,
        name=f"x{scale}-{rung}" + {"any": "", "clean": "-clean", "coded": "-coded"}[source],
        version="1",
        rung=rung,
        source=source,
        family="half-res-yuv420",
        scale=scale,
        channels=(8, 6 * scale**2),
        width=16,
        depth=3,
        halo=3,
        base_kernel="bicubic",
        residual_step=0.75,
        macs_per_px=COST.get(rung, 5.0) * (8 + scale**2),
        parameters=10,
        files={},
        license="Apache-2.0",
        trained={},
        figures={},
    )


SCALES_OF_NETS: tuple[Scale, ...] = (1, 2, 3, 4)
FLAVOURS: tuple[Flavour, ...] = ("any", "clean", "coded")
EVERY = [net(rung, scale, source) for rung, scale, source in product(COST, SCALES_OF_NETS, FLAVOURS)]
SHIPPED = [
    *(net(rung, 2, source) for rung in COST for source in FLAVOURS[:2]),
    *(net("balanced", scale) for scale in (3, 4, 1)),
]


def names(ratio: float, rung: str = "balanced", coded: bool = False, installed: list[Manifest] | None = None) -> str:
    nets = passes_of_rung(SHIPPED if installed is None else installed, rung, ratio, coded)
    return " ".join(manifest.name for manifest in nets)


@pytest.mark.parametrize(
    ("ratio", "scales"),
    [
        (0.5, ()),
        (1, ()),
        (1.01, (2,)),
        (2, (2,)),
        (2.2, (2,)),
        (2.25, (2,)),  # DVD to 1080p
        (3, (3,)),
        (3.75, (4,)),  # PAL to 4K
        (4, (4,)),
        (4.5, (4,)),  # NTSC to 4K
        (6, (3, 2)),
        (8, (4, 2)),
        (9, (4, 2)),
        (16, (4, 4)),
        (40, (4, 4)),
    ],
)
def test_one_pass_where_one_covers_else_the_smallest_pair(ratio: float, scales: tuple[int, ...]) -> None:
    assert scales_for(ratio, {2, 3, 4}) == scales


@pytest.mark.parametrize(
    ("ratio", "passes"),
    [(0.5, 0), (1, 0), (1.01, 1), (2.25, 1), (2.5, 1), (2.66, 1), (2.68, 2), (3, 2), (4, 2), (9, 2)],
)
def test_a_x2_net_alone_runs_twice_where_once_is_too_little(ratio: float, passes: int) -> None:
    assert scales_for(ratio, {2}) == (2,) * passes


@pytest.mark.parametrize(
    ("scales", "ratio", "taken"),
    [
        ({2, 3}, 4, (2, 2)),  # not a x3 net and an enlargement
        ({2, 4}, 3, (4,)),
        ({2, 4}, 4.5, (4,)),  # a pair would overshoot by three quarters
        ({2, 4}, 6, (4, 2)),
        ({3}, 2, (3,)),
        ({3}, 5, (3, 3)),
        ({4}, 1.5, (4,)),
        (set(), 2, ()),
    ],
)
def test_other_sets_of_scales(scales: set[int], ratio: float, taken: tuple[int, ...]) -> None:
    assert scales_for(ratio, scales) == taken


@given(RATIOS, SCALES)
def test_the_passes_cover_the_ratio_as_far_as_two_can(ratio: float, scales: set[int]) -> None:
    taken = scales_for(ratio, scales)
    assert len(taken) <= ladder.MOST_PASSES
    assert (taken == ()) == (ratio <= 1)
    assert set(taken) <= scales
    assert list(taken) == sorted(taken, reverse=True)
    if taken and prod(taken) < COVERED * ratio:
        assert taken in {(max(scales),), (max(scales),) * 2}
        assert prod(taken) >= SHORT * ratio or len(taken) == 2
    if len(taken) == 2:  # no single pass covers
        assert max(scales) < COVERED * ratio
    for other in scales if len(taken) == 1 else ():  # no smaller one does either
        assert other >= taken[0] or other < COVERED * ratio


@given(RATIOS, RATIOS, SCALES)
def test_more_enlargement_never_takes_less(one: float, other: float, scales: set[int]) -> None:
    less, more = (scales_for(ratio, scales) for ratio in sorted((one, other)))
    assert prod(less) <= prod(more)
    assert len(less) <= len(more) or prod(less) < prod(more)


@given(SCALES)
def test_a_ratio_that_is_a_nets_scale_is_that_net(scales: set[int]) -> None:
    for scale in scales:
        assert scales_for(scale, scales) == (scale,)


@given(RATIOS, st.booleans(), st.lists(st.sampled_from(EVERY), unique_by=lambda m: m.name))
def test_every_rung_of_every_set_of_models_has_a_plan(ratio: float, coded: bool, installed: list[Manifest]) -> None:
    for rung in ladder.rungs(installed):
        nets = passes_of_rung(installed, rung, ratio, coded)
        assert nets == passes_of_rung(list(installed), rung, ratio, coded)
        assert (nets == ()) == (ratio <= 1)
        assert len(nets) <= ladder.MOST_PASSES
        assert all(manifest.scale > 1 for manifest in nets)
        reach = [manifest.name for manifest in ladder.reachable(installed, rung)]
        assert len(set(reach)) == len(reach)
        assert {manifest.name for manifest in nets} <= set(reach) <= {manifest.name for manifest in installed}


@given(RATIOS, st.booleans(), st.permutations(SHIPPED))
def test_the_order_of_installation_does_not_matter(ratio: float, coded: bool, installed: list[Manifest]) -> None:
    for rung in COST:
        assert names(ratio, rung, coded, installed) == names(ratio, rung, coded)
        assert ladder.rungs(installed) == tuple(COST)


def test_rungs_stand_in_the_order_of_their_cost_not_of_their_names() -> None:
    assert ladder.rungs(EVERY) == ("fast", "balanced", "best")
    assert ladder.rungs([]) == ()
    assert ladder.rungs([net("best", 2), net("", 2), net("fast", 4), net("balanced", 1)]) == ("fast", "best")


def test_a_rung_without_a_net_of_that_scale_runs_its_x2_net_twice() -> None:
    assert names(3, "best") == "x2-best-clean x2-best-clean"
    assert names(4, "best") == "x2-best-clean x2-best-clean"


def test_a_rung_without_a_x2_net_borrows_the_nearest_below_it() -> None:
    assert names(3, "best", installed=[net("best", 4), net("fast", 3), net("balanced", 3)]) == "x3-balanced"
    assert names(3, "balanced", installed=[net("best", 3), net("fast", 3), net("balanced", 4)]) == "x3-fast"


def test_a_rung_borrows_from_above_where_nothing_below_it_helps() -> None:
    assert names(3, "fast", installed=[net("fast", 4), net("balanced", 3)]) == "x3-balanced"
    assert names(2, "balanced", installed=[net("balanced", 4), net("best", 2)]) == "x2-best"


def test_without_another_net_the_x2_net_runs_twice() -> None:
    assert names(3, installed=[net("balanced", 2)]) == names(4, installed=[net("balanced", 2)])
    assert names(4, installed=[net("balanced", 2)]) == "x2-balanced x2-balanced"


def test_the_order_of_preference_is_that_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    own, borrowed, twice = ladder.Way.OWN, ladder.Way.BORROWED, ladder.Way.TWICE
    monkeypatch.setitem(ladder.WAYS, 4, (own, borrowed, twice))
    assert names(4, "best") == "x4-balanced"
    assert names(4, "balanced") == "x4-balanced"
    assert names(4, "best", installed=[net("best", 3), net("balanced", 4)]) == "x4-balanced"  # no x2 net to run twice


def test_a_coded_source_is_cleaned_once() -> None:
    installed = [net("balanced", 2, "coded"), net("balanced", 2, "clean")]
    assert names(2, coded=True, installed=installed) == "x2-balanced-coded"
    assert names(2, coded=False, installed=installed) == "x2-balanced-clean"
    assert names(4, coded=True, installed=installed) == "x2-balanced-coded x2-balanced-clean"
    assert names(4, coded=False, installed=installed) == "x2-balanced-clean x2-balanced-clean"


@pytest.mark.parametrize("source", FLAVOURS)
@pytest.mark.parametrize("coded", [True, False])
def test_one_flavour_serves_every_source(source: Flavour, coded: bool) -> None:
    only = net("balanced", 2, source)
    assert passes_of_rung([only], "balanced", 4, coded) == (only, only)


@pytest.mark.parametrize("source", FLAVOURS)
def test_a_net_for_any_source_stands_between_the_others(source: Flavour) -> None:
    both = [net("balanced", 2, "any"), net("balanced", 2, source)]
    assert names(2, coded=True, installed=both) == ("x2-balanced-coded" if source == "coded" else "x2-balanced")
    assert names(2, coded=False, installed=both) == ("x2-balanced-clean" if source == "clean" else "x2-balanced")


def test_a_net_asked_for_by_name_is_used_alone() -> None:
    double, single = net("balanced", 2), net("balanced", 1)
    assert passes_of_net(double, 3.75) == (double, double)
    assert passes_of_net(double, 1) == ()
    assert [passes_of_net(single, ratio) for ratio in (0.5, 1, 2)] == [(single,)] * 3


def test_the_cleaner_is_the_rungs_own_if_it_has_one() -> None:
    installed = [net("fast", 1), net("balanced", 1), net("best", 1, "clean"), net("best", 2)]
    assert [getattr(ladder.cleaner(installed, rung), "name", None) for rung in ("balanced", "best")] == [
        "x1-balanced",
        "x1-fast",
    ]
    assert ladder.cleaner(installed[2:], "best") is None


@pytest.mark.parametrize(
    ("nets", "words"), [([], ""), (["a"], "a"), (["a", "a"], "a twice"), (["a", "b"], "a, then b")]
)
def test_passes_in_words(nets: list[str], words: str) -> None:
    assert ladder.in_words(nets) == words
