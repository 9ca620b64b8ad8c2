"""Write what run.mjs measures with into OUT: MiniLM and matrix products as ONNX, and a checkpoint of one layer.

usage: python export.py MINILM OUT

MINILM is a folder with all-MiniLM-L6-v2 (config.json, model.safetensors, tokenizer.json). Needs torch, transformers,
onnx and safetensors.
"""

import pathlib
import shutil
import sys

import numpy
import onnx
import torch
import transformers

SHAPES = ["128x768x768", "128x768x3072", "512x512x512", "1024x1024x1024", "128x128x30522"]


class Encoder(torch.nn.Module):
    """The last layer's vectors alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        out = self.model(input_ids, attention_mask, token_type_ids, return_dict=False)
        return out[0]


def encoder(model, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = torch.randint(5, 1000, (2, 16))
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "vectors"]}
    given = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    torch.onnx.export(
        Encoder(model).eval(), given, str(path), input_names=names, output_names=["vectors"],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )


def product(shape, folder):
    m, k, n = map(int, shape.split("x"))
    folder.mkdir(parents=True, exist_ok=True)
    b = numpy.random.default_rng(0).uniform(-0.1, 0.1, (k, n)).astype(numpy.float32)
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["A", "B"], ["C"])], "product",
        [info("A", onnx.TensorProto.FLOAT, [m, k])], [info("C", onnx.TensorProto.FLOAT, [m, n])],
        [onnx.numpy_helper.from_array(b, "B")],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), folder / f"mm_{shape}.onnx")


def main(minilm, out):
    minilm, out = pathlib.Path(minilm), pathlib.Path(out)
    (out / "minilm").mkdir(parents=True, exist_ok=True)
    for name in ["config.json", "model.safetensors", "tokenizer.json"]:
        shutil.copy(minilm / name, out / "minilm" / name)
    encoder(transformers.BertModel.from_pretrained(minilm, attn_implementation="eager"), out / "minilm/onnx/model.onnx")
    for shape in SHAPES:
        product(shape, out / "gemm")
    config = transformers.BertConfig(
        hidden_size=128, num_attention_heads=2, intermediate_size=512, num_hidden_layers=1,
        max_position_embeddings=64,
    )
    transformers.BertModel(config).save_pretrained(out / "block")
    shutil.copy(minilm / "tokenizer.json", out / "block" / "tokenizer.json")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
