"""The half-resolution Y'CbCr family: Haar in, plain 3x3 convolutions, residual over the base out.

Every layer is a *valid* convolution (no padding): a tile carries its own halo, so tiles can never seam,
and the frame's edge is mirrored alike for every tile size. Shapes, low-resolution luma 2h x 2w, scale s:

    picture   (N, 8, h + 2L, w + 2L)   Y 2x2, U, V, noise, coding; code values - 128
    residual  (N, 6 s^2, h, w)         Y 2s x 2s, U s x s, V s x s; code values

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
CHANNELS_IN = 8


@dataclass(frozen=True)
class NetConfig:
    """Shape of one rung. ``step`` is the code value of one integer of the quantised residual.

    The last four are there to be compared: shipped nets have the first two and neither of the others, which
    ``quantize`` refuses (a mean over a tile would make a picture depend on how it was cut).
    """

    width: int = 64
    depth: int = 5  # convolutions in all
    scale: int = 2
    step: float = 0.75
    haar: bool = True
    branches: bool = True  # 1x1 and identity beside each 3x3 in training
    attention: bool = False  # squeeze and excitation (Hu et al. 2018) after each inner layer
    gate: bool = False  # SPAN's parameter-free attention (Wan et al. 2024) on each inner layer

    @property
    def channels_out(self) -> int:
        return 6 * self.scale * self.scale

    @property
    def plain(self) -> bool:
        """Nothing but convolutions and ReLU: what the device computes."""
        return not (self.attention or self.gate)

    @property
    def macs_per_px(self) -> float:
        """Multiply-adds per low-resolution luma pixel, halo not counted."""
        inner = self.width * self.width * (self.depth - 2)
        return 9 * (CHANNELS_IN * self.width + inner + self.width * self.channels_out) / 4


def haar_basis() -> Tensor:
    """(8, 8): the orthonormal Haar transform of the four luma phases; the rest passes."""
    basis = torch.eye(CHANNELS_IN)
    basis[:4, :4] = torch.tensor([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 2
    return basis


def fake_round(x: Tensor) -> Tensor:
    """Round to nearest with the gradient of identity (straight-through estimator)."""
    return x + (x.round() - x).detach()


class RepConv(nn.Module):
    """A 3x3 convolution trained as 3x3 + 1x1 (+ identity), valid padding."""

    def __init__(self, c_in: int, c_out: int, branches: bool = True) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(c_out, c_in * 9))  # a matrix: that is what Muon steps on
        self.point = nn.Parameter(torch.empty(c_out, c_in, 1, 1))
        self.bias = nn.Parameter(torch.zeros(c_out))
        nn.init.kaiming_normal_(self.kernel, nonlinearity="relu")
        nn.init.kaiming_normal_(self.point, nonlinearity="relu")
        with torch.no_grad():
            self.kernel *= 0.7
            self.point *= 0.35
            if not branches:
                self.kernel /= 0.7
                self.point *= 0
        self.point.requires_grad_(branches)
        self.shape = (c_out, c_in, 3, 3)
        self.identity = 0.5 if branches and c_in == c_out else 0.0

    def collapsed(self) -> Tensor:
        """The one plain kernel (c_out, c_in, 3, 3) that all branches amount to."""
        centre = self.point
        if self.identity:
            centre = centre + self.identity * torch.eye(len(self.bias), device=centre.device)[:, :, None, None]
        return self.kernel.view(self.shape) + F.pad(centre, (1, 1, 1, 1))

    def absorb(self, plain: Tensor, bias: Tensor) -> None:
        """Become the layer with this plain kernel."""
        with torch.no_grad():
            self.kernel += (plain - self.collapsed()).flatten(1)
            self.bias.copy_(bias)


class Attention(nn.Module):
    """Squeeze and excitation: a factor 0..1 for each channel from the channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // 4)
        self.excite = nn.Linear(channels // 4, channels)

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean(dim=(2, 3))))))
        return x * (2 * weight)[:, :, None, None]


class YuvNet(nn.Module):
    """The net; ``quantised`` switches on the integer grid that the device will use."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        widths = [CHANNELS_IN, *[config.width] * (config.depth - 1), config.channels_out]
        self.layers = nn.ModuleList(RepConv(a, b, config.branches) for a, b in pairwise(widths))
        self.attentions = nn.ModuleList(
            Attention(config.width) for _ in range(config.depth - 2 if config.attention else 0)
        )
        self.clips = nn.Parameter(torch.full((config.depth - 1,), 4.0))
        self.quantised = False
        self.levels = ACTIVATION_LEVELS["asym"]
        self.register_buffer("haar", haar_basis() if config.haar else torch.eye(CHANNELS_IN), persistent=False)
        with torch.no_grad():
            last = self.layers[-1]
            last.kernel *= 0.1
            last.point *= 0.1

    def plain_kernels(self) -> list[Tensor]:
        """Collapsed kernels, the Haar transform folded into the first: it sees raw luma phases."""
        kernels = [layer.collapsed() for layer in self.layers]
        with torch.autocast(self.haar.device.type, enabled=False):  # these become the device's integers
            kernels[0] = torch.einsum("oiyx,ij->ojyx", kernels[0], self.haar)
        return kernels

    def forward(self, picture: Tensor) -> Tensor:
        """Code values - 128 in, residual in code values out, float32."""
        return self._integers(picture) if self.quantised else self._floats(picture)

    def features(self, picture: Tensor) -> list[Tensor]:
        """The activations behind each layer but the last, in float arithmetic."""
        with torch.autocast(picture.device.type, enabled=False):  # bfloat16 would round the fine bands away
            x = torch.einsum("ij,njyx->niyx", self.haar, picture / INPUT_UNIT)
        found = []
        for index, layer in enumerate(self.layers[:-1]):
            x = self._shaped(F.conv2d(x, layer.collapsed(), layer.bias), x, index)
            found.append(x)
        return found

    def _floats(self, picture: Tensor) -> Tensor:
        last = self.layers[-1]
        return F.conv2d(self.features(picture)[-1], last.collapsed(), last.bias).float() * OUTPUT_UNIT

    def _shaped(self, y: Tensor, x: Tensor, index: int) -> Tensor:
        """What follows a convolution of ``x``: ReLU, and the compared extras on inner layers."""
        if self.config.gate and index:
            return (F.relu(y) + x[:, :, 1:-1, 1:-1]) * torch.sigmoid(y)
        y = F.relu(y)
        return self.attentions[index - 1](y) if self.config.attention and index else y

    def _integers(self, picture: Tensor) -> Tensor:
        """As the device does it, but for sums: codes and weights are whole numbers that bfloat16 holds exactly,
        while under autocast their sums come rounded to 8 significant bits, less than half a step of what follows.
        """
        codes, unit = picture, torch.tensor(1 / INPUT_UNIT)
        last = len(self.layers) - 1
        for index, (layer, kernel) in enumerate(zip(self.layers, self.plain_kernels(), strict=True)):
            grid = kernel.detach().abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-8) / WEIGHT_LEVELS
            total = F.conv2d(codes, fake_round(kernel / grid)).float()
            y = total * (unit * grid.view(1, -1, 1, 1)) + layer.bias.view(1, -1, 1, 1)
            if index == last:
                return fake_round((y * (OUTPUT_UNIT / self.config.step)).clamp(-127, 127)) * self.config.step
            y = self._shaped(y, codes * unit, index)
            clip = self.clips[index]  # learned, as in PACT (Choi et al. 2018)
            unit = clip / self.levels
            codes = fake_round(torch.minimum(F.relu(y), clip) / unit)
        raise AssertionError("a net has layers")

    def adopt(self, parent: YuvNet) -> None:
        """Take over every weight of a parent whose shape fits; a head of another scale starts afresh."""
        mine, theirs = self.state_dict(), parent.state_dict()
        self.load_state_dict(
            {n: theirs[n] if n in theirs and theirs[n].shape == w.shape else w for n, w in mine.items()}
        )


def pack_luma(y: Tensor, block: int) -> Tensor:
    """(N, 1, H, W) to (N, block^2, H / block, W / block), phases row by row."""
    return F.pixel_unshuffle(y, block)
