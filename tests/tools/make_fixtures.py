"""Writes the tiny random checkpoints of tests/fixtures and their reference outputs.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 sentencepiece==0.2.3
    venv/bin/python tests/tools/make_fixtures.py [OUT_DIR]

OUT_DIR is tests/fixtures unless given. One thread, fixed seeds: the same versions write the same files (the goldens
record the versions that wrote them). Nothing is downloaded.

    tiny-bert          BertForPreTraining, F32, tied decoder; also golden_train.json and golden_classify.json
    tiny-bert-f16      the same weights rounded to F16
    tiny-bert-legacy   BF16, gelu_new, LayerNorm.gamma / .beta, an I64 position_ids buffer, and an untied decoder: its weight and
                       bias are stored and count, the word embedding and cls.predictions.bias differ from them
    tiny-encoder       BertModel, F32, one layer, names without `bert.`, no MLM head
    tiny-classifier    BertForSequenceClassification, F32, three named labels; golden_logits.json instead of golden.json
    others             BERT's relatives: see family_fixtures.py

golden.json per folder: for each case the tokens, the top 10 at each mask, and norms along the way; computed in float32
from the stored weights. golden_train.json: five AdamW steps of masked language modelling. golden_classify.json: five
AdamW steps of a three-class head for each method and pooling. golden_logits.json: what a classifier says. Dropout is off everywhere. `note` in each file says the rest.
"""
import json
import sys
from pathlib import Path

import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from transformers import BertConfig, BertForPreTraining, BertForSequenceClassification, BertModel, BertTokenizerFast

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "fixtures"
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
VERSIONS = dict(transformers=transformers.__version__, torch=torch.__version__, tokenizers=tokenizers.__version__)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the a an of in on to is was are it and not no very film movie was great bad good dull fine long cat dog sat ran
mat man sea river day night red blue un able aff so too i you we they saw like love hate this that what who where""".split()
PIECES = ["##s", "##ed", "##ing", "##ly", "##er", "##aff", "##able", "##est"]
LETTERS = [chr(c) for c in range(ord("a"), ord("z") + 1)]
VOCAB = list(dict.fromkeys(SPECIAL + list(".,!?'-") + WORDS + PIECES + LETTERS + ["##" + c for c in LETTERS[:12]]))
SIZES = dict(vocab_size=len(VOCAB), hidden_size=32, num_attention_heads=4, intermediate_size=64, max_position_embeddings=64,
             initializer_range=0.2, architectures=None)


def scatter(model, seed):
    """Weights large enough that every part shows in the outputs, and no two logits are close."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "LayerNorm.weight" in name:
                p.copy_(1 + 0.2 * noise)
            elif p.dim() == 1:
                p.copy_(0.2 * noise)
            else:
                p.copy_((0.5 if "embeddings" in name else 0.25) * noise)
    return model.eval()


def save(folder, config, state, architecture):
    folder.mkdir(parents=True, exist_ok=True)
    config.architectures = [architecture]
    config.save_pretrained(folder)
    save_file({k: v.contiguous() for k, v in state.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "vocab.txt").write_text("\n".join(VOCAB) + "\n", encoding="utf8")
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True, model_max_length=64)
    assert len(tokenizer) == len(VOCAB)
    tokenizer.save_pretrained(folder)
    return tokenizer


def number(x, digits=7):
    return float(f"{x:.{digits}g}")


def numbers(tensor):
    return [number(x) for x in tensor.flatten().tolist()]


def summary(tensor):
    return dict(l2=number(tensor.norm().item()), first4=numbers(tensor.flatten()[:4]))


def write(path, head, **lists):
    """JSON with one case a line: small and readable in a diff."""
    parts = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in head.items()]
    for name, items in lists.items():
        parts.append(f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(i, ensure_ascii=False) for i in items) + "\n]")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf8")


TEXTS = [
    ("the film was [MASK].", None, None),
    ("The [MASK] sat on the [MASK], and the dog ran!", None, None),
    ("I [MASK] this movie", "it was [MASK] long.", None),
    ("unaffable xyz Café 😀 [MASK]", None, None),
    ("[MASK]", None, None),
    ("", None, None),
    ("the film was [MASK].", None, 16),
    ("a cat", "is [MASK] able to like a very long film, is it not? " * 5, None),
]


@torch.no_grad()
def golden(folder, tokenizer):
    heads = (folder.name != "tiny-encoder")
    model, info = (BertForPreTraining if heads else BertModel).from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    model.eval()
    encoder = model.bert if heads else model
    cases = []
    for text, pair, padded_to in TEXTS:
        pad = dict(padding="max_length", max_length=padded_to) if padded_to else dict(truncation=True, max_length=64)
        e = tokenizer(text, pair, return_tensors="pt", **pad)
        ids, attended = e["input_ids"][0], e["attention_mask"][0].bool()
        o = encoder(**e, output_hidden_states=True)
        first = o.last_hidden_state[0, 0]
        case = dict(text=text, text_pair=pair, tokens=tokenizer.convert_ids_to_tokens(ids.tolist()), input_ids=ids.tolist(),
                    attention_mask=e["attention_mask"][0].tolist(), token_type_ids=e["token_type_ids"][0].tolist(), masked=[])
        if heads:
            logits, relation = (x[0] for x in model.cls(o.last_hidden_state, o.pooler_output))
            for position in (ids == tokenizer.mask_token_id).nonzero()[:, 0].tolist():
                row = logits[position]
                top = row.topk(10)
                probabilities = row.softmax(-1)[top.indices]
                case["masked"].append(dict(
                    position=position,
                    top10=[dict(id=i, token=VOCAB[i], logit=number(v), prob=number(p))
                           for i, v, p in zip(top.indices.tolist(), top.values.tolist(), probabilities.tolist())],
                    logits_l2=number(row.norm().item()), logsumexp=number(row.logsumexp(-1).item())))
            case["nsp_logits"] = numbers(relation)
        case |= dict(cls_last_hidden_first8=numbers(first[:8]), cls_last_hidden_l2=number(first.norm().item()),
                     pooler_first8=numbers(o.pooler_output[0, :8]), pooler_l2=number(o.pooler_output[0].norm().item()),
                     hidden_l2_per_layer_unpadded=[number(h[0][attended].norm().item()) for h in o.hidden_states])
        cases.append(case)
    head = VERSIONS | dict(dtype="float32 (weights upcast first)", model_class=type(model).__name__)
    write(folder / "golden.json", head, cases=cases)


def batch_of(tokenizer, texts):
    """One padded batch of single texts and pairs, which a single call of the tokenizer cannot mix."""
    return tokenizer.pad([tokenizer(text, pair) for text, pair in texts], return_tensors="pt")


def train(folder, tokenizer):
    """Five steps of masked language modelling, every parameter that gets a gradient trained."""
    model = BertForPreTraining.from_pretrained(folder, dtype=torch.float32).eval()
    batch = [("the film was great and the man saw it.", None), ("a cat sat on the mat", "it was red"),
             ("I love this very long night, not the day!", None)]
    e = batch_of(tokenizer, batch)
    ids, labels = e["input_ids"].clone(), torch.full_like(e["input_ids"], -100)
    for row, position in [(0, 2), (0, 4), (0, 8), (1, 2), (1, 9), (2, 3), (2, 6), (2, 11)]:
        labels[row, position] = ids[row, position]
        if (row, position) != (1, 9):  # one target is left in sight, as the 80/10/10 rule has it
            ids[row, position] = tokenizer.mask_token_id
    recipe = dict(lr=1e-3, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.01)
    optimizer = torch.optim.AdamW(model.parameters(), **recipe)
    losses, grads = [], {}
    for step in range(6):
        hidden = model.bert(input_ids=ids, attention_mask=e["attention_mask"], token_type_ids=e["token_type_ids"]).last_hidden_state
        logits = model.cls.predictions(hidden)
        loss = torch.nn.functional.cross_entropy(logits.view(-1, len(VOCAB)), labels.view(-1))
        losses.append(number(loss.item(), 8))
        if step == 5:
            break
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            grads = {n: summary(p.grad) for n, p in model.named_parameters() if p.grad is not None}
        optimizer.step()
    head = VERSIONS | dict(
        note="dropout off; loss = mean cross-entropy over labels != -100; torch.optim.AdamW on every parameter that has a gradient, weight "
             "decay on all of them; losses[i] is the loss before step i + 1; grads are those of step 0, `after` the values after step 5; "
             "pooler and NSP head get no gradient and stay; the tied decoder's gradient is part of the word embedding's; the look-up gives "
             "none to the padding row, the decoder does; key biases have a gradient of zero but for rounding, so that theirs and their `after` "
             "are noise",
        **recipe, input_ids=ids.tolist(), attention_mask=e["attention_mask"].tolist(), token_type_ids=e["token_type_ids"].tolist(),
        labels=labels.tolist(), losses=losses)
    after = {n: summary(p.data) for n, p in model.named_parameters() if n in grads}
    write(folder / "golden_train.json", head, parameters=[dict(name=n, grad=grads[n], after=after[n]) for n in grads])


CLASSES = 3


def classify(folder, tokenizer):
    """Five steps of a classifier for each method (what is trained) and pooling (what the classifier sees)."""
    batch = [("the film was great", None, 0), ("bad, dull and too long. I hate it!", None, 1), ("what is it?", "it is a dog", 2),
             ("I saw the sea and the river on a fine red day", None, 0)]
    texts, pairs, labels = zip(*batch)
    e = batch_of(tokenizer, zip(texts, pairs))
    attended = e["attention_mask"]
    generator = torch.Generator().manual_seed(77)
    weight, bias = 0.2 * torch.randn(CLASSES, 32, generator=generator), 0.1 * torch.randn(CLASSES, generator=generator)
    recipe = dict(lr=1e-3, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.01, max_grad_norm=1.0)
    runs = []
    for method in ["head", "last:1", "all"]:
        for pooling in ["pooler"] if method == "last:1" else ["pooler", "cls", "mean"]:
            model = BertModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=pooling == "pooler").eval()
            classifier = torch.nn.Linear(32, CLASSES)
            with torch.no_grad():
                classifier.weight.copy_(weight), classifier.bias.copy_(bias)
            parameters = {"bert." + n: p for n, p in model.named_parameters()}
            for name, p in parameters.items():
                p.requires_grad_(method == "all" or method == "last:1" and (".layer.1." in name or ".pooler." in name))
            parameters |= {"classifier." + n: p for n, p in classifier.named_parameters()}
            trained = {n: p for n, p in parameters.items() if p.requires_grad}
            flat = [n for n in trained if n.endswith("bias") or "LayerNorm" in n]
            optimizer = torch.optim.AdamW(
                [dict(params=[p for n, p in trained.items() if n not in flat], weight_decay=0.01),
                 dict(params=[trained[n] for n in flat], weight_decay=0.0)], lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
            losses, norms, grads = [], [], {}
            for step in range(6):
                o = model(**e)
                hidden = o.last_hidden_state
                features = (o.pooler_output if pooling == "pooler" else hidden[:, 0] if pooling == "cls" else
                            (hidden * attended[..., None]).sum(1) / attended.sum(1, keepdim=True))
                logits = classifier(features)
                loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
                losses.append(number(loss.item(), 8))
                if step == 0:
                    first_logits = [numbers(row) for row in logits]
                if step == 5:
                    break
                optimizer.zero_grad()
                loss.backward()
                if step == 0:
                    grads = {n: summary(p.grad) for n, p in trained.items()}
                norms.append(number(torch.nn.utils.clip_grad_norm_(trained.values(), 1.0).item()))
                optimizer.step()
            runs.append(dict(method=method, pooling=pooling, losses=losses, grad_norms=norms, logits_before=first_logits,
                             logits_after=[numbers(row) for row in logits],
                             parameters=[dict(name=n, grad=grads[n], after=summary(p.data)) for n, p in trained.items()]))
    head = VERSIONS | dict(
        note="dropout off; loss = mean cross-entropy over the batch; per step: gradients, clipping of their global norm to max_grad_norm "
             "(torch's clip_grad_norm_: times min(1, max / (norm + 1e-6))), torch.optim.AdamW at a constant rate, weight decay on matrices "
             "and embeddings, none on biases and layer norms; losses[i] is the loss before step i + 1, grad_norms[i] the global norm in "
             "step i + 1 before clipping, grads those of step 0 before clipping, `after` the values after step 5. head: the classifier "
             "alone; last:1: layer 1, the pooler where it is used, and the classifier; all: everything. pooling: tanh pooler over [CLS], "
             "[CLS] of the last layer, or the mean over attended positions (special tokens too). The embedding look-up gives no gradient "
             "to the padding row. Key biases have a gradient of zero but for "
             "rounding, so that theirs and their `after` are noise",
        **recipe, texts=texts, text_pairs=pairs, labels=labels, input_ids=e["input_ids"].tolist(), attention_mask=attended.tolist(),
        token_type_ids=e["token_type_ids"].tolist(), classifier_weight=[numbers(row) for row in weight], classifier_bias=numbers(bias))
    write(folder / "golden_classify.json", head, runs=runs)


@torch.no_grad()
def logits(folder, tokenizer):
    """A classifier's logits: texts one by one, then two of them padded in one batch."""
    model, info = BertForSequenceClassification.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    model.eval()
    texts = [("the film was great", None), ("I love this movie", "it was not very long."), ("unaffable xyz Café 😀", None), ("", None),
             ("a cat", "is it able to like a very long film, is it not? " * 8)]
    cases = []
    for text, pair in texts:
        e = tokenizer(text, pair, return_tensors="pt", truncation=True, max_length=64)
        cases.append(dict(text=text, text_pair=pair, input_ids=e["input_ids"][0].tolist(), logits=numbers(model(**e).logits)))
    padded = batch_of(tokenizer, texts[:2])
    assert (padded["attention_mask"] == 0).any()
    head = VERSIONS | dict(
        note="float32, dropout off; `batch` is the first two cases padded together", labels=[model.config.id2label[i] for i in range(3)],
        batch=[numbers(row) for row in model(**padded).logits])
    write(folder / "golden_logits.json", head, cases=cases)


def main():
    config = BertConfig(num_hidden_layers=2, **SIZES)
    model = scatter(BertForPreTraining(config), seed=1)
    state = {k: v for k, v in model.state_dict().items() if "decoder" not in k and "position_ids" not in k}
    tokenizer = save(OUT / "tiny-bert", config, state, "BertForPreTraining")
    golden(OUT / "tiny-bert", tokenizer)
    train(OUT / "tiny-bert", tokenizer)
    classify(OUT / "tiny-bert", tokenizer)

    save(OUT / "tiny-bert-f16", config, {k: v.half() for k, v in state.items()}, "BertForPreTraining")
    golden(OUT / "tiny-bert-f16", tokenizer)

    config = BertConfig(num_hidden_layers=2, tie_word_embeddings=False, hidden_act="gelu_new", **SIZES)
    model = scatter(BertForPreTraining(config), seed=2)
    legacy = {}
    for name, value in model.state_dict().items():
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        legacy[name] = value.bfloat16()
    legacy["bert.embeddings.position_ids"] = torch.arange(64)[None]
    save(OUT / "tiny-bert-legacy", config, legacy, "BertForPreTraining")
    golden(OUT / "tiny-bert-legacy", tokenizer)

    config = BertConfig(num_hidden_layers=1, **SIZES)
    model = scatter(BertModel(config), seed=3)
    save(OUT / "tiny-encoder", config, model.state_dict(), "BertModel")
    golden(OUT / "tiny-encoder", tokenizer)

    names = ["négatif", "neutre", "positif"]
    config = BertConfig(num_hidden_layers=2, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}, **SIZES)
    model = scatter(BertForSequenceClassification(config), seed=4)
    save(OUT / "tiny-classifier", config, model.state_dict(), "BertForSequenceClassification")
    logits(OUT / "tiny-classifier", tokenizer)

    import family_fixtures
    family_fixtures.main()


if __name__ == "__main__":
    main()
