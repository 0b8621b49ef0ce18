"""Which nets an enlargement takes, and in which order. Pure: manifests and numbers in, manifests out.

A *rung* is a family of nets of one cost, at best one for each scale. A net of a rung may come in two flavours,
for coded sources and for clean ones. What is planned is a sequence of at most two passes; the engine resamples
what they leave over or overshoot.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from itertools import product
from math import prod

from edge_vsr.models.manifest import Manifest

DEFAULT_RUNG = "balanced"
MOST_PASSES = 2  # a third pass would work on pictures larger than anything that is shown

# Overshooting and reducing beats undershooting and enlarging (by 0.14 dB at x3, one pass of a x2 net against two),
# so the smallest product of scales that covers the ratio is taken. It covers from here on: what is then left to
# enlarge, an eighth at most (480 rows to 2160 by x4), is too little to see.
COVERED = 0.88
# Two passes that overshoot by this much or more compute at least twice the pixels that are kept ...
WASTE = 1.5
# ... so one pass is preferred, if it reaches this part of the way. For a x2 net alone both say: once up to x2.67.
SHORT = 0.75


class Way(Enum):
    """How a rung comes to an enlargement by a scale."""

    OWN = "its own net of that scale"
    BORROWED = "that of the nearest rung, cheaper ones first"
    TWICE = "its own x2 net twice"


# In order of preference. What stands behind TWICE is for rungs without a x2 net of their own.
WAYS: dict[int, tuple[Way, ...]] = {
    2: (Way.OWN, Way.BORROWED),
    3: (Way.OWN, Way.TWICE, Way.BORROWED),  # twice x2-best: 0.44 dB above x3-balanced on Set5,
    4: (Way.OWN, Way.TWICE, Way.BORROWED),  # 0.15 dB above x4-balanced on BSD100
}

# Sources that a net may be made for, best first, by whether the picture is coded.
_FLAVOURS = {True: ("coded", "any", "clean"), False: ("clean", "any", "coded")}


def scales_for(ratio: float, scales: Collection[int]) -> tuple[int, ...]:
    """The scales of the passes for an enlargement by ``ratio``, larger first, out of those there are nets for.

    None where nothing is enlarged. Where even two passes do not cover the ratio: the most there is.
    """
    if ratio <= 1 or not scales:
        return ()
    tried = [
        steps
        for count in range(1, MOST_PASSES + 1)
        for steps in product(sorted(set(scales), reverse=True), repeat=count)
        if list(steps) == sorted(steps, reverse=True)
    ]
    covering = [steps for steps in tried if prod(steps) >= COVERED * ratio]
    if not covering:
        return min(tried, key=lambda steps: (-prod(steps), len(steps)))
    best = min(covering, key=lambda steps: (prod(steps), len(steps)))
    single = (max(scales),)
    if len(best) > 1 and prod(best) >= WASTE * ratio and prod(single) >= SHORT * ratio:
        return single
    return best


def rungs(installed: Sequence[Manifest]) -> tuple[str, ...]:
    """The rungs that enlarge, cheapest first: by multiply-adds of their x2 nets, where they have one."""

    def cost(rung: str) -> float:
        nets = [net for net in installed if net.rung == rung and net.scale > 1]
        return min(net.macs_per_px for net in [net for net in nets if net.scale == 2] or nets)

    return tuple(sorted({net.rung for net in installed if net.rung and net.scale > 1}, key=lambda r: (cost(r), r)))


def passes_of_rung(installed: Sequence[Manifest], rung: str, ratio: float, coded: bool) -> tuple[Manifest, ...]:
    """The net of each pass for an enlargement by ``ratio`` on a rung that is one of ``rungs(installed)``.

    coded: the source comes from a lossy codec. Only the first pass then takes the flavour for such sources: what it
    has cleaned needs no second cleaning.
    """
    scales = scales_for(ratio, [scale for scale in WAYS if _serving(installed, rung, scale, coded)])
    nets = [_serving(installed, rung, scale, coded and index == 0) for index, scale in enumerate(scales)]
    return tuple(net for net in nets if net)


def passes_of_net(net: Manifest, ratio: float) -> tuple[Manifest, ...]:
    """The passes of a net that was asked for by name, and is used alone. A x1 net cleans once, whatever the ratio."""
    return (net,) if net.scale == 1 else (net,) * len(scales_for(ratio, [net.scale]))


def reachable(installed: Sequence[Manifest], rung: str) -> tuple[Manifest, ...]:
    """Every net that some plan of a rung uses, whatever the ratio and the source."""
    nets = [_serving(installed, rung, scale, coded) for scale in WAYS for coded in (True, False)]
    return tuple({net.name: net for net in nets if net}.values())


def cleaner(installed: Sequence[Manifest], rung: str) -> Manifest | None:
    """A net that cleans coded pictures at their own size, of that rung if it has one."""
    nets = [net for net in installed if net.scale == 1 and net.source != "clean"]
    return min(nets, key=lambda net: net.rung != rung, default=None)


def in_words(nets: Sequence[str]) -> str:
    """Names of nets, one for each pass, as people read them: ``x4-balanced, then x2-balanced-clean``."""
    if len(nets) == 2 and nets[0] == nets[1]:
        return f"{nets[0]} twice"
    return ", then ".join(nets)


def _serving(installed: Sequence[Manifest], rung: str, scale: int, coded: bool) -> Manifest | None:
    """The net that a rung uses for a pass of that scale; ``None``: it has none, or runs its x2 net twice instead."""
    for way in WAYS[scale]:
        if way is Way.TWICE and _flavour(installed, rung, 2, coded):
            return None
        lenders = {Way.OWN: [rung], Way.BORROWED: _neighbours(installed, rung), Way.TWICE: []}[way]
        for lender in lenders:
            if net := _flavour(installed, lender, scale, coded):
                return net
    return None


def _flavour(installed: Sequence[Manifest], rung: str, scale: int, coded: bool) -> Manifest | None:
    """The net of that rung and scale that fits the source best; if there is but one, it serves both."""
    nets = [net for net in installed if (net.rung, net.scale) == (rung, scale)]
    return min(nets, key=lambda net: _FLAVOURS[coded].index(net.source), default=None)


def _neighbours(installed: Sequence[Manifest], rung: str) -> list[str]:
    """The other rungs in the order they are borrowed from: the cheaper ones from the nearest on, then the dearer."""
    order = rungs(installed)
    at = order.index(rung)
    return [*reversed(order[:at]), *order[at + 1 :]]
