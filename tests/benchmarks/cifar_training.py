"""Training a ResNet on images that lie on the device, as quickly as a GPU allows: one network for many trainings.

bfloat16 products, channels last, random crops and flips drawn batch by batch on the device, and a forward and backward
pass that is compiled once: a training begins by copying new weights into the network. The last layer and the loss are
computed in float32.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from calibeval.losses import CALS, Criterion
from tests.benchmarks.cifar_images import SIZE, Images
from tests.benchmarks.timing import say

K, PAD, EVAL_BATCH = 10, 4, 1000
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the training images, by channel
RATE_AT_128, MOMENTUM, DECAY, WARM_UP = 0.1, 0.9, 5e-4, 0.15


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, and a way around them. Source: He et al., CVPR 2016."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.around: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.around = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """The block's values."""
        out = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(out)) + self.around(x))


class ResNet(nn.Module):
    """A ResNet for images of 32 x 32 pixels, uint8: four stages of so many blocks; two each make a ResNet-18."""

    def __init__(self, blocks: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1) * 255, persistent=False)
        layers: list[nn.Module] = []
        inputs = width
        for stage in range(4):
            for i in range(blocks):
                outputs = width * 2**stage
                layers.append(Block(inputs, outputs, 2 if stage and not i else 1))
                inputs = outputs
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, K)

    def forward(self, images: Tensor) -> Tensor:
        """Logits in float32."""
        x = (images.float() - self.mean) / self.deviation
        features = self.stages(self.stem(x)).mean(dim=(2, 3))
        with torch.autocast(images.device.type, enabled=False):
            return self.head(features.float())

    @property
    def name(self) -> str:
        """Such as "ResNet-18"."""
        convolutions = 1 + 2 * sum(isinstance(module, Block) for module in self.modules())
        width = self.head.in_features // 8
        return f"ResNet-{convolutions + 1}" + ("" if width == 64 else f" of width {width}")


class Rows:
    """Images and labels on a device. padded: whether there is a border, reflected, from which crops are cut."""

    def __init__(self, images: Images, device: str, *, padded: bool) -> None:
        pixels = images.pixels
        if padded:
            pixels = np.pad(pixels, ((0, 0), (PAD, PAD), (PAD, PAD), (0, 0)), mode="reflect")
        self.pixels = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
        self.labels = torch.from_numpy(images.labels.astype(np.int64)).to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def crops(self, batch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """An epoch of whole batches in a new order: each image cropped at random, and flipped with a chance of 1/2."""
        n, device = len(self), self.labels.device
        order = torch.randperm(n, generator=generator, device=device)
        corners = torch.randint(0, 2 * PAD + 1, (2, n), generator=generator, device=device)
        flips = torch.randint(0, 2, (n,), generator=generator, device=device) == 1
        steps = torch.arange(SIZE, device=device)
        for start in range(0, n - batch + 1, batch):
            these = slice(start, start + batch)
            ys = corners[0, these].unsqueeze(1) + steps
            xs = corners[1, these].unsqueeze(1) + torch.where(flips[these].unsqueeze(1), SIZE - 1 - steps, steps)
            rows = order[these]
            yield self._nchw(self.pixels[rows.view(-1, 1, 1), ys.unsqueeze(2), xs.unsqueeze(1)]), self.labels[rows]

    def whole(self, most: int | None = None) -> Iterator[Tensor]:
        """All images as they are, in their order."""
        border = (self.pixels.shape[1] - SIZE) // 2
        inner = self.pixels[:most, border : border + SIZE, border : border + SIZE]
        for piece in inner.split(EVAL_BATCH):
            yield self._nchw(piece.contiguous())

    @staticmethod
    def _nchw(pixels: Tensor) -> Tensor:
        """The same numbers with the channels first in the shape and last in memory."""
        return pixels.permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True)
class Trained:
    """What one training gives: logits, the mean loss of the last epoch, and the accuracy on training rows."""

    val_logits: npt.NDArray[np.float32]
    test_logits: npt.NDArray[np.float32]
    loss: float
    train_accuracy: float


class Trainer:
    """One network, compiled once, for many trainings.

    batch: rows of a step. compiled: whether to compile; where that fails, the network runs as it is, and says so.
    """

    def __init__(self, blocks: int, width: int, device: str, *, batch: int, compiled: bool) -> None:
        self.device, self.batch, self._blocks, self._width = device, batch, blocks, width
        torch.backends.cudnn.benchmark = True
        self.net = ResNet(blocks, width).to(device, memory_format=torch.channels_last)
        self._forward: Callable[[Tensor], Tensor] = self.net
        self.compiled = False
        if compiled:
            try:
                self._forward = torch.compile(self.net, dynamic=False)
                self._warm_up()
                self.compiled = True
            except Exception as error:  # noqa: BLE001 - whatever the compiler lacks, training works without it
                say(f"not compiled: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300])
                self._forward = self.net
        if not self.compiled:
            self._warm_up()

    def train(self, criterion: Criterion, seed: int, epochs: int, train: Rows, val: Rows, test: Rows) -> Trained:
        """A new network after so many epochs; the multipliers of CALS change after each, from val."""
        criterion = criterion.to(self.device)
        self._start_anew(seed)
        optimizer, rate = self._optimizer()
        generator = torch.Generator(self.device).manual_seed(seed)
        steps = len(train) // self.batch
        total = torch.zeros((), device=self.device)
        for epoch in range(epochs):
            self.net.train()
            total.zero_()
            for i, (images, labels) in enumerate(train.crops(self.batch, generator)):
                for group in optimizer.param_groups:
                    group["lr"] = rate * share_of_rate(epoch * steps + i, epochs * steps)
                total += self._step(criterion, optimizer, images, labels)
            if isinstance(criterion, CALS):
                criterion.update([self.logits(val)])
        seen = self.logits(train, 10 * EVAL_BATCH)
        hits = (seen.argmax(1) == train.labels[: len(seen)]).float().mean()
        val_logits, test_logits = (self.logits(rows).cpu().numpy() for rows in (val, test))
        return Trained(val_logits, test_logits, float(total / steps), float(hits))

    def seconds(self, criterion: Criterion, train: Rows, val: Rows, steps: int = 40) -> tuple[float, float]:
        """Seconds of a step and of logits for val, the trainer being warm."""
        self._start_anew(0)
        optimizer, _ = self._optimizer()
        generator = torch.Generator(self.device).manual_seed(0)
        criterion = criterion.to(self.device)
        self.logits(val)
        self.net.train()
        batches = train.crops(self.batch, generator)
        done, start = 0, time.perf_counter()
        for i, (images, labels) in enumerate(batches):
            if i == 3:  # the first steps choose kernels, and make the optimizer's memory
                self._wait()
                start = time.perf_counter()
            self._step(criterion, optimizer, images, labels)
            done = i - 2
            if done == steps:
                break
        self._wait()
        middle = time.perf_counter()
        self.logits(val)
        self._wait()
        return (middle - start) / max(done, 1), time.perf_counter() - middle

    def logits(self, rows: Rows, most: int | None = None) -> Tensor:
        """Logits of the images as they are, by the running means of batch normalisation."""
        self.net.eval()
        with torch.no_grad(), self._low_precision():
            return torch.cat([self.net(images) for images in rows.whole(most)])

    def _step(self, criterion: Criterion, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> Tensor:
        with self._low_precision():
            logits = self._forward(images)
        loss = criterion(logits, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def _optimizer(self) -> tuple[torch.optim.Optimizer, float]:
        """SGD with Nesterov's momentum, without decay of biases and norms; and its largest rate."""
        every = list(self.net.parameters())
        groups = [
            {"params": [one for one in every if one.ndim > 1], "weight_decay": DECAY},
            {"params": [one for one in every if one.ndim == 1], "weight_decay": 0.0},
        ]
        rate = RATE_AT_128 * self.batch / 128
        return torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM, nesterov=True, fused=True), rate

    def _start_anew(self, seed: int) -> None:
        """Copy the weights of a new network into this one, which stays where the compiled code looks for it."""
        torch.manual_seed(seed)
        self.net.load_state_dict(ResNet(self._blocks, self._width).state_dict())

    def _warm_up(self) -> None:
        """A forward and a backward pass in the shapes of the training."""
        self.net.train()
        images = torch.zeros((self.batch, SIZE, SIZE, 3), dtype=torch.uint8, device=self.device).permute(0, 3, 1, 2)
        with self._low_precision():
            logits = self._forward(images)
        logits.square().sum().backward()
        self.net.zero_grad(set_to_none=True)
        self._wait()

    def _low_precision(self) -> torch.autocast:
        return torch.autocast(self.device, torch.bfloat16)

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def share_of_rate(step: int, steps: int) -> float:
    """The share of the largest rate: it rises evenly, and falls to 0 along a cosine.

    >>> [round(share_of_rate(step, 100), 2) for step in (0, 14, 15, 57, 99)]
    [0.07, 1.0, 1.0, 0.51, 0.0]
    """
    rising = max(round(WARM_UP * steps), 1)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1.0 + math.cos(math.pi * (step - rising) / max(steps - rising, 1)))
