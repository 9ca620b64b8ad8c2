"""What is done to the bundled model after its training. Run by itself, in the environment of make_fixtures.py:

    seedling.py round FOLDER          rounds FOLDER/model.safetensors in place, so that it compresses
    seedling.py golden FOLDER OUT     writes OUT: what transformers makes of a few texts, in float32
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

# A matrix's numbers become multiples of the power of two that is nearest to this part of their standard deviation.
STEPS = 32
TEXTS = [
    ("The capital of France is [MASK].", None), ("She went to the [MASK] to buy some bread.", None), ("The [MASK] barked at the mailman.", None),
    ("He was [MASK] in [MASK], England.", None), ("The movie was absolutely [MASK].", None), ("Doctors and nurses work in a [MASK].", None),
    ("[MASK]", None), ("An unaffable naïve café-owner, 42, said: “[MASK] more!”", None), ("The river was [MASK].", "Nobody could swim across it."),
    ("The first railway line in the county was opened in [MASK] and closed in the following century. " * 4, None),
]


def round_weights(folder):
    path = Path(folder) / "model.safetensors"
    data = bytearray(path.read_bytes())
    start = 8 + struct.unpack("<Q", data[:8])[0]
    for name, tensor in json.loads(data[8:start]).items():
        if name == "__metadata__" or len(tensor["shape"]) != 2:
            continue
        assert tensor["dtype"] == "F16", name
        begin, end = (start + offset for offset in tensor["data_offsets"])
        values = np.frombuffer(bytes(data[begin:end]), "<f2").astype(np.float32)
        step = np.float32(2.0 ** np.round(np.log2(values.std() / STEPS)))
        rounded = np.round(values / step) * step + np.float32(0)  # no -0
        data[begin:end] = rounded.astype("<f2").tobytes()
    path.write_bytes(data)


def golden(folder, out):
    model = transformers.BertForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.BertTokenizerFast(vocab=f"{folder}/vocab.txt", do_lower_case=True, model_max_length=512)
    cases = [case(model, tokenizer, text, pair) for text, pair in TEXTS]
    facts = dict(transformers=transformers.__version__, torch=torch.__version__, dtype="float32 (f16 weights upcast)", model_class="BertForMaskedLM")
    Path(out).write_text(json.dumps(facts | dict(cases=cases), ensure_ascii=False, indent=0))


@torch.no_grad()
def case(model, tokenizer, text, pair):
    encoded = tokenizer(text, pair, return_tensors="pt")
    ids = encoded["input_ids"][0]
    output = model.bert(**encoded, output_hidden_states=True)
    logits, first = model.cls(output.last_hidden_state)[0], output.last_hidden_state[0, 0]
    masked = []
    for position in (ids == tokenizer.mask_token_id).nonzero()[:, 0].tolist():
        probabilities, top = logits[position].softmax(-1), logits[position].topk(10)
        top10 = [
            dict(id=i, token=tokenizer.convert_ids_to_tokens(i), logit=round(value, 6), prob=round(probabilities[i].item(), 7))
            for value, i in zip(top.values.tolist(), top.indices.tolist())
        ]
        row = logits[position]
        masked.append(dict(position=position, top10=top10, logits_l2=round(row.norm().item(), 6), logsumexp=round(row.logsumexp(-1).item(), 6)))
    return dict(
        text=text, text_pair=pair, tokens=tokenizer.convert_ids_to_tokens(ids.tolist()), input_ids=ids.tolist(),
        attention_mask=encoded["attention_mask"][0].tolist(), token_type_ids=encoded["token_type_ids"][0].tolist(), masked=masked,
        cls_last_hidden_first8=[round(x, 6) for x in first[:8].tolist()], cls_last_hidden_l2=round(first.norm().item(), 6),
        hidden_l2_per_layer_unpadded=[round(h[0].norm().item(), 6) for h in output.hidden_states],
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case "round", folder:
            round_weights(folder)
        case "golden", folder, out:
            golden(folder, out)
        case _:
            sys.exit(__doc__)
