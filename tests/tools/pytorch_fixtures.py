"""PyTorch files with every trap that is read, and hostile ones that are not, for bert/tests/checkpoint/pytorch.

    python3 -m venv new && new/bin/pip install torch==2.15.0 safetensors==0.8.0 numpy
    python3 -m venv old && old/bin/pip install torch==2.0.1 safetensors==0.8.0 'numpy<2'
    new/bin/python tests/tools/pytorch_fixtures.py && old/bin/python tests/tools/pytorch_fixtures.py

Each writes to tests/fixtures/pytorch what its version of PyTorch makes of the same tensors; the names say the version.
No test needs transformers here: expected.safetensors holds the same tensors, contiguous and in f32.

    zip-VERSION.bin      a state dict: the traps below, and a `_metadata` that comes by BUILD
    legacy-VERSION.bin   the same in the layout before zip
    nested-VERSION.bin   {"epoch", "state_dict": {"module...."}, "optimizer": ...}, as trainers save
    expected.safetensors what all of them hold

Traps: kernels transposed as TensorFlow's converters leave them (one square), two names for one storage, views with an offset,
F64, F16 with an odd offset, BF16, integer buffers, an expanded one, parameters, an empty tensor, a scalar, a storage of which
only a part is used.
"""
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "fixtures" / "pytorch"
VERSION = ".".join(torch.__version__.split("+")[0].split(".")[:2])


def tensors():
    generator = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)
    word = normal(11, 6)
    long = normal(40)
    halves = normal(9).half()
    return OrderedDict([
        ("embeddings.weight", word),
        ("decoder.weight", word),
        ("square.kernel", normal(6, 6).t()),
        ("wide.kernel", normal(5, 7).t()),
        ("kernel.f64", normal(4, 3).double().t()),
        ("kernel.f16", normal(3, 5).half().t()),
        ("column", normal(5, 1)),
        ("row.of.transposed", normal(7, 1).t()),
        ("view.middle", long[7:31].view(4, 6)),
        ("view.end", long[33:]),
        ("view.transposed", long[1:13].view(3, 4).t()),
        ("halves.odd", halves[1:6]),
        ("halves.all", halves),
        ("bf16", normal(3, 3).bfloat16()),
        ("f64", normal(5).double()),
        ("parameter", torch.nn.Parameter(normal(2, 3))),
        ("scalar", torch.tensor(2.5)),
        ("empty", torch.zeros(0, 4)),
        ("position_ids", torch.arange(12).expand((1, -1))),
        ("expanded", torch.arange(3, dtype=torch.int32).expand((2, -1))),
        ("flags", torch.tensor([True, False, True])),
        ("bytes", torch.tensor([1, 2], dtype=torch.uint8)),
    ])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    state = tensors()
    floats = {name: t.detach().float().contiguous().clone() for name, t in state.items() if t.is_floating_point()}
    save_file(floats, OUT / "expected.safetensors")
    state._metadata = OrderedDict([("", {"version": 1}), ("embeddings", {"version": 1})])
    torch.save(state, OUT / f"zip-{VERSION}.bin")
    torch.save(state, OUT / f"legacy-{VERSION}.bin", _use_new_zipfile_serialization=False)
    wrapped = OrderedDict(("module." + name, t) for name, t in state.items())
    moments = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]}
    nested = {"epoch": 3, "best": 0.5, "note": None, "done": True, "optimizer": moments, "state_dict": wrapped}
    torch.save(nested, OUT / f"nested-{VERSION}.bin")


if __name__ == "__main__":
    main()
