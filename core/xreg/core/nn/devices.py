"""Where a training computes: the one place that chooses between the CPU and a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from xreg.core.errors import ConfigError, RunError
from xreg.core.nn.settings import Device, TrainingConfig

__all__ = ["AUTO_PRODUCTS", "device_for", "on_device", "training_device"]

AUTO_PRODUCTS = 20_000_000
"""Products of a step from which ``auto`` takes a GPU.

A step launches some tens of kernels, about half a millisecond on any GPU however small they are.
One core of a CPU, at 10¹¹ operations a second, takes a millisecond for 20 million products and
their gradients, three times as many in all. An estimate, not measured on a GPU.
"""


def device_for(choice: Device, products: float) -> torch.device:
    """Return where to compute: the CPU, or the first GPU that torch sees.

    Parameters
    ----------
    choice
        As the setting ``device`` has it.
    products
        Products of numbers in one step, forward, or a lower bound of them.

    Raises
    ------
    ConfigError
        If a GPU is asked for and torch has none here. ``auto`` never raises.
    """
    cpu, gpu = torch.device("cpu"), torch.device("cuda:0")
    if choice == "cpu":
        return cpu
    there = torch.cuda.is_available()
    if choice == "auto":
        return gpu if there and products >= AUTO_PRODUCTS else cpu
    if not there:
        why = "" if torch.backends.cuda.is_built() else " (this torch is built without CUDA)"
        raise ConfigError(
            f"device: there is no GPU here that torch can use{why}; set device to auto or cpu."
        )
    return gpu


def training_device(config: TrainingConfig, module: nn.Module, rows: int) -> torch.device:
    """Return where a module is trained on so many rows: each takes a product for every weight."""
    weights = sum(p.numel() for p in module.parameters())
    return device_for(config.device, min(config.batch, rows) * weights)


@contextmanager
def on_device(device: torch.device, *modules: nn.Module) -> Iterator[None]:
    """Have modules on a device inside the block, and on the CPU after it.

    A GPU multiplies single precision in full inside the block, in place of the 10 bits of TF32 that
    torch allows convolutions, so that its numbers are the CPU's within rounding.

    Raises
    ------
    RunError
        If what is computed does not fit into the memory of the GPU.
    """
    if device.type == "cpu":
        yield
        return
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            for module in modules:
                module.to(device)
            yield
    except torch.cuda.OutOfMemoryError:
        raise RunError(
            "training does not fit into the memory of the GPU; lower batch, ensemble or starts, or "
            "set device to cpu."
        ) from None
    finally:
        torch.set_float32_matmul_precision(precision)
        for module in modules:
            module.to("cpu")
