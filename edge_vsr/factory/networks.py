"""The half-resolution Y'CbCr family: Haar in, plain 3x3 convolutions, residual over the base out.

Every layer is a *valid* convolution (no padding): a tile carries its own halo, so tiles can never seam,
and the frame's edge is mirrored alike for every tile size. Shapes, low-resolution luma 2h x 2w:

    picture   (N, 8, h + 2L, w + 2L)   Y 2x2, U, V, noise, coding; code values - 128
    residual  (N, 24, h, w)            Y 4x4, U 2x2, V 2x2; code values

In training each 3x3 kernel is the sum of a 3x3, a 1x1 and (where shapes allow) an identity branch
(RepVGG, Ding et al. 2021; the branches are linear, so they are summed before the convolution runs).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WEIGHT_LEVELS = 127
ACTIVATION_LEVELS = {"asym": 255, "sym": 127}  # a rectified int8 has seven bits, a uint8 eight
INPUT_UNIT = 128.0  # code values per unit inside the net
OUTPUT_UNIT = 32.0


@dataclass(frozen=True)
class NetConfig:
    """Shape of one rung. ``step`` is the code value of one integer of the quantised residual."""

    width: int = 64
    depth: int = 6  # convolutions in all
    scale: int = 2
    step: float = 0.75

    @property
    def channels_in(self) -> int:
        return 8

    @property
    def channels_out(self) -> int:
        return 6 * self.scale * self.scale

    @property
    def macs_per_px(self) -> float:
        """Multiply-adds per low-resolution luma pixel, halo not counted."""
        inner = self.width * self.width * (self.depth - 2)
        return 9 * (self.channels_in * self.width + inner + self.width * self.channels_out) / 4


def haar_basis() -> Tensor:
    """(8, 8): the orthonormal Haar transform of the four luma phases; the rest passes."""
    basis = torch.eye(8)
    basis[:4, :4] = torch.tensor([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 2
    return basis


def fake_round(x: Tensor) -> Tensor:
    """Round to nearest with the gradient of identity (straight-through estimator)."""
    return x + (x.round() - x).detach()


class RepConv(nn.Module):
    """A 3x3 convolution trained as 3x3 + 1x1 (+ identity), valid padding."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(c_out, c_in, 3, 3))
        self.point = nn.Parameter(torch.empty(c_out, c_in, 1, 1))
        self.bias = nn.Parameter(torch.zeros(c_out))
        nn.init.kaiming_normal_(self.kernel, nonlinearity="relu")
        nn.init.kaiming_normal_(self.point, nonlinearity="relu")
        with torch.no_grad():
            self.kernel *= 0.7
            self.point *= 0.35
        self.identity = 0.5 if c_in == c_out else 0.0

    def collapsed(self) -> Tensor:
        """The one plain kernel (c_out, c_in, 3, 3) that all branches amount to."""
        centre = self.point
        if self.identity:
            centre = centre + self.identity * torch.eye(len(self.bias), device=centre.device)[:, :, None, None]
        return self.kernel + F.pad(centre, (1, 1, 1, 1))


class YuvNet(nn.Module):
    """The net; ``quantised`` switches on the integer grid that the device will use."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.channels_in, *[config.width] * (config.depth - 1), config.channels_out]
        self.layers = nn.ModuleList(RepConv(a, b) for a, b in pairwise(widths))
        self.clips = nn.Parameter(torch.full((config.depth - 1,), 4.0))
        self.quantised = False
        self.levels = ACTIVATION_LEVELS["asym"]
        self.register_buffer("haar", haar_basis(), persistent=False)
        with torch.no_grad():
            last = self.layers[-1]
            last.kernel *= 0.1
            last.point *= 0.1

    def plain_kernels(self) -> list[Tensor]:
        """Collapsed kernels, the Haar transform folded into the first: it sees raw luma phases."""
        kernels = [layer.collapsed() for layer in self.layers]
        kernels[0] = torch.einsum("oiyx,ij->ojyx", kernels[0], self.haar)
        return kernels

    def _float_path(self, picture: Tensor) -> Tensor:
        # The Haar step runs in float32: bfloat16 would drown the fine bands in the rounding of the mean.
        x = torch.einsum("ij,njyx->niyx", self.haar, picture / INPUT_UNIT)
        for layer in self.layers[:-1]:
            x = F.relu(F.conv2d(x, layer.collapsed(), layer.bias))
        last = self.layers[-1]
        return F.conv2d(x, last.collapsed(), last.bias) * OUTPUT_UNIT

    def forward(self, picture: Tensor) -> Tensor:
        """Code values - 128 in, residual in code values out."""
        if not self.quantised:
            return self._float_path(picture)
        x = picture / INPUT_UNIT
        last = len(self.layers) - 1
        for index, (layer, kernel) in enumerate(zip(self.layers, self.plain_kernels(), strict=True)):
            grid = kernel.detach().abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-8) / WEIGHT_LEVELS
            x = F.conv2d(x, fake_round(kernel / grid) * grid, layer.bias)
            if index < last:
                x = self._activate(x, index)
        return fake_round((x * (OUTPUT_UNIT / self.config.step)).clamp(-127, 127)) * self.config.step

    def _activate(self, x: Tensor, index: int) -> Tensor:
        clip = self.clips[index]  # learned, as in PACT (Choi et al. 2018)
        return fake_round(torch.minimum(F.relu(x), clip) * (self.levels / clip)) * (clip / self.levels)


def pack_luma(y: Tensor, block: int) -> Tensor:
    """(N, 1, H, W) to (N, block^2, H / block, W / block), phases row by row."""
    return F.pixel_unshuffle(y, block)
