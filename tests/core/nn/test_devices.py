"""Where trainings compute: the rule, what is said without a GPU, and that numbers are the same."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xreg.core.errors import ConfigError, RunError
from xreg.core.nn import layers, training
from xreg.core.nn.devices import AUTO_PRODUCTS, device_for, on_device, training_device
from xreg.core.nn.gradients import Autograd, Perceptrons, gradients_of
from xreg.core.nn.losses import regression_loss
from xreg.core.nn.sequences import Convolution, LocallyConnected, TransposedConvolution
from xreg_tests.networks import cloud, config, mlp
from xreg_tests.pretended import gpu, pretended_gpu

__all__ = ["gpu"]


class TestChoice:
    @pytest.mark.parametrize("there", [True, False])
    @pytest.mark.parametrize("choice", ["auto", "cpu", "cuda"])
    @pytest.mark.parametrize("products", [1, AUTO_PRODUCTS - 1, AUTO_PRODUCTS, 1e15])
    def test_rule(self, monkeypatch, there, choice, products):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
        if choice == "cuda" and not there:
            with pytest.raises(
                ConfigError, match=r"no GPU here that torch can use.*auto or cpu\.$"
            ):
                device_for(choice, products)
            return
        wanted = choice == "cuda" or (choice == "auto" and there and products >= AUTO_PRODUCTS)
        assert device_for(choice, products).type == ("cuda" if wanted else "cpu")

    @pytest.mark.parametrize(
        ("widths", "models", "batch", "rows", "taken"),
        [
            ((128, 128, 128), 1, 64, 20_000, "cpu"),  # 6 million products
            ((128, 128, 128), 10, 64, 20_000, "cuda"),
            ((128, 128, 128), 1, 1000, 20_000, "cuda"),
            ((128, 128, 128), 1, 1000, 50, "cpu"),  # a step has no more rows than there are
            ((512, 512), 1, 64, 20_000, "cuda"),  # XANESNET
        ],
    )
    def test_size_of_a_step_decides(self, monkeypatch, widths, models, batch, rows, taken):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        network = layers.MLP(420, widths, 226, models=models)
        assert training_device(config(batch=batch), network, rows).type == taken

    def test_nothing_is_moved_to_the_cpu(self):
        network = mlp()
        with on_device(torch.device("cpu"), network):
            assert torch.get_float32_matmul_precision() == "highest"

    def test_single_precision_is_whole_inside_and_as_before_after(self, monkeypatch):
        before = torch.backends.cudnn.allow_tf32
        with pretended_gpu(monkeypatch), training.quick_products():
            asked = torch.get_float32_matmul_precision()
            with on_device(torch.device("cuda:0")):
                assert torch.get_float32_matmul_precision() == "highest"
                assert not torch.backends.cudnn.allow_tf32
            assert torch.get_float32_matmul_precision() == asked
        assert torch.backends.cudnn.allow_tf32 == before

    def test_too_small_a_gpu_is_said(self, monkeypatch):
        network = mlp()
        with pretended_gpu(monkeypatch):
            with (
                pytest.raises(RunError, match="does not fit into the memory of the GPU; lower"),
                on_device(torch.device("cuda:0"), network),
            ):
                raise torch.cuda.OutOfMemoryError
            assert network.first.weight.device.type == "cpu"


class TestPretendedGPU:
    """The test's own tool refuses what a GPU refuses."""

    def test_mixed_devices(self, monkeypatch):
        with pretended_gpu(monkeypatch):
            there = torch.ones(3).to("cuda:0")
            assert there.device.type == there[1:].device.type == (2 * there).device.type == "cuda"
            with pytest.raises(AssertionError, match="on the CPU"):
                there + torch.ones(3)
            with pytest.raises(AssertionError, match="on the CPU"):
                there[torch.arange(2)]
            assert (there.cpu() + torch.ones(3)).device.type == "cpu"
            kept = torch.zeros(3)
            assert kept.copy_(there).device.type == "cpu"
        assert torch.ones(3).device.type == "cpu"

    def test_generator_of_the_cpu(self, monkeypatch):
        with pretended_gpu(monkeypatch), pytest.raises(AssertionError, match="generator"):
            torch.ones(3, device="cuda:0").normal_(generator=torch.Generator())


def same(here, there):
    for key, value in here.items():
        assert there[key].device.type == "cpu"
        torch.testing.assert_close(there[key], value, rtol=1e-4, atol=1e-5)


class Sequences(nn.Module):
    """Each kind of layer along an axis, three networks."""

    def __init__(self):
        super().__init__()
        row = [LocallyConnected(3, 4, 1, 2, 3), Convolution(3, 2, 2, 3)]
        self.row = nn.Sequential(*row, nn.Tanh(), TransposedConvolution(3, 2, 1, 2))
        self.last = layers.Linear(3, 5, 3)
        for layer in (*row, self.row[-1], self.last):
            layer.reset("he-uniform", training.generators(1, 3))

    def forward(self, x):
        x = x.expand(3, *x.shape[-2:]) if x.ndim == 2 else x
        return self.last(self.row(x[..., None]).flatten(2))


class TestSameNumbers:
    def run(self, device, network, settings=None, **others):
        data, held = cloud(n=45), cloud(n=20, seed=5)
        settings = {"early_stopping": True, "epochs": 6, "patience": 3} | (settings or {})
        history = training.train(
            network,
            regression_loss("r2", data[1]),
            data,
            config(learning_rate=0.02, device=device, **settings),
            models=3,
            validation=held,
            **others,
        )
        losses = {name: getattr(history, name) for name in ("train", "validation", "best_epoch")}
        return network.state_dict() | losses

    @pytest.mark.parametrize("extras", [{}, {"batch_norm": True, "dropout": 0.3}])
    @pytest.mark.parametrize("optimiser", ["adam", "sgd", "rmsprop"])
    def test_perceptrons(self, gpu, extras, optimiser):
        settings = {"optimiser": optimiser, "weight_decay": 1e-3, "gradient_clip": 0.5}
        here = self.run("cpu", mlp(3, **extras), settings)
        with gpu() as pretended:
            there = self.run("cuda", mlp(3, **extras), settings)
            assert pretended is None or pretended.operations > 1000
        same(here, there)

    def test_both_ways_to_gradients_are_taken(self):
        loss = regression_loss("mse", cloud()[1])
        assert isinstance(gradients_of(mlp(3), loss, 3), Perceptrons)
        assert isinstance(gradients_of(mlp(3, dropout=0.3), loss, 3), Autograd)

    @pytest.mark.parametrize("extras", [{}, {"batch_norm": True}])
    @pytest.mark.parametrize("optimiser", ["adam", "adamw"])
    def test_rates_and_decays_of_each(self, gpu, extras, optimiser):
        own = {"rates": torch.tensor([1e-3, 1e-2, 2e-2]), "decays": torch.tensor([0.0, 1e-3, 0.1])}
        here = self.run("cpu", mlp(3, **extras), {"optimiser": optimiser}, **own)
        with gpu():
            there = self.run("cuda", mlp(3, **extras), {"optimiser": optimiser}, **own)
        same(here, there)

    def test_sequences(self, gpu):
        here = self.run("cpu", Sequences())
        with gpu():
            there = self.run("cuda", Sequences())
        same(here, there)

    def test_auto_without_a_gpu_is_the_cpu(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        same(self.run("cpu", mlp(3)), self.run("auto", mlp(3)))
