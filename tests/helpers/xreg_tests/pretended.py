"""A GPU that the CPU plays, to test without one that nothing of a training is left behind.

Tensors moved to ``cuda`` stay in the memory of the CPU, but are known by it: they say that they lie
on a GPU, an operation on them and on tensors of the CPU is refused as a GPU refuses it, and so are
random numbers of a generator of the CPU. Numbers are the CPU's to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partialmethod

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

GPU, CPU = torch.device("cuda:0"), torch.device("cpu")
own_device, own_to = torch._C.TensorBase.device, torch.Tensor.to


class PretendedGPU(TorchDispatchMode):
    """Keeps which memory is meant to be that of a GPU."""

    def __init__(self) -> None:
        super().__init__()
        # Of this key torch asks no CUDA to be there.
        self._mode_key = torch._C._TorchDispatchModeKey.FAKE
        torch._C._ensureCUDADeviceGuardSet()
        self.kept: dict[int, torch.UntypedStorage] = {}
        self.operations = 0
        self.leaving = False

    def holds(self, tensor: Tensor) -> bool:
        storage = torch._C.TensorBase.untyped_storage(tensor)
        return storage._cdata in self.kept

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        given = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        there = to_gpu = any(self.holds(t) for t in given)
        moves = func is torch.ops.aten._to_copy.default
        if kwargs.get("device") is not None:
            # What torch itself makes like a tensor is to be where that lies in memory.
            stays = there and not moves
            to_gpu = stays or torch.device(kwargs["device"]).type == "cuda"
            kwargs["device"] = CPU
        if func is torch.ops.aten.copy_.default or self.leaving:
            return func(*args, **kwargs)
        if there and not moves:
            left = [t for t in given if t.ndim and not self.holds(t)]
            assert not left, f"{func}: a tensor of shape {tuple(left[0].shape)} is on the CPU"
            assert kwargs.get("generator") is None, f"{func}: a generator of the CPU"
        out = func(*args, **kwargs)
        if moves and to_gpu != there:
            out = out.clone()
        self.operations += to_gpu
        return tree_map(self._mark, out) if to_gpu else out

    def _mark(self, out):
        if isinstance(out, Tensor):
            storage = torch._C.TensorBase.untyped_storage(out)
            self.kept[storage._cdata] = storage  # kept, so that nothing else lies there
        return out


def _to(tensor: Tensor, mode: PretendedGPU, *args, **kwargs) -> Tensor:
    """Take the place of ``Tensor.to``, which would not move what the CPU holds."""
    device = torch._C._nn._parse_to(*args, **kwargs)[0]
    if device is not None and device.type == "cpu" and mode.holds(tensor):
        mode.leaving = True
        try:
            tensor = tensor.clone()
        finally:
            mode.leaving = False
    return own_to(tensor, *args, **kwargs)


@contextmanager
def pretended_gpu(patch: pytest.MonkeyPatch) -> Iterator[PretendedGPU]:
    """Have torch find a GPU inside the block."""
    mode = PretendedGPU()
    device = property(lambda t: GPU if mode.holds(t) else own_device.__get__(t))
    with patch.context() as inside:
        inside.setattr(torch.cuda, "is_available", lambda: True)
        inside.setattr(torch.Tensor, "device", device, raising=False)
        inside.setattr(torch.Tensor, "to", partialmethod(_to, mode))
        inside.setattr(torch.Tensor, "cpu", partialmethod(_to, mode, CPU), raising=False)
        with mode:
            yield mode


@pytest.fixture(params=["pretended", "cuda"])
def gpu(request, monkeypatch) -> Callable[[], AbstractContextManager[PretendedGPU | None]]:
    """Return what opens a GPU: one that the CPU plays, and the one of this machine."""
    if request.param == "pretended":
        return lambda: pretended_gpu(monkeypatch)
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU here")
    return nullcontext
