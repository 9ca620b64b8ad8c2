"""Tiny checkpoints of every head that tasks put on an encoder, for every family, and their logits in `transformers`. Run by itself, in
the environment of make_fixtures.py:

    python tests/tools/head_fixtures.py [OUT_DIR]

Writes OUT_DIR/heads (tests/fixtures unless given): FAMILY-KIND with config.json and model.safetensors, whose tokenizer is that of
tiny-FAMILY (WordPiece: tiny-bert), golden.json, and golden_train.json: five steps of AdamW for each that learns. Kinds: labels and score (*ForSequenceClassification), tokens (*ForTokenClassification),
span (*ForQuestionAnswering), choice (*ForMultipleChoice).
"""
import shutil

import torch
import transformers as hf

from family_fixtures import OUT, SIZES, scatter
from make_fixtures import VERSIONS, VOCAB, number, numbers, summary, write
from safetensors.torch import save_file

ROOT = OUT / "heads"
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
CASES = [("the film was great", None), ("The man saw the quick brown fox!", None), ("who saw it?", "the dog saw it and ran"), ("Café naïve 😀", None), ("", None)]
LENGTH = dict(max_position_embeddings=64)


def families():
    """Name, class prefix, tokenizer's folder, configuration."""
    words = dict(SIZES, vocab_size=len(VOCAB), **LENGTH)
    yield "bert", "Bert", "tiny-bert", hf.BertConfig(**words)
    bytes_ = hf.AutoTokenizer.from_pretrained(OUT / "tiny-roberta")
    yield "roberta", "Roberta", "tiny-roberta", hf.RobertaConfig(
        **SIZES, vocab_size=len(bytes_), max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5, hidden_act="gelu_new")
    pieces = hf.AutoTokenizer.from_pretrained(OUT / "tiny-albert")
    yield "albert", "Albert", "tiny-albert", hf.AlbertConfig(
        **SIZES | dict(num_hidden_layers=4), vocab_size=len(pieces), embedding_size=8, num_hidden_groups=2, **LENGTH)
    yield "distilbert", "DistilBert", "tiny-bert", hf.DistilBertConfig(
        vocab_size=len(VOCAB), dim=16, n_layers=2, n_heads=2, hidden_dim=32, activation="relu", **LENGTH)
    yield "electra", "Electra", "tiny-bert", hf.ElectraConfig(**words | dict(hidden_act="gelu_new"), embedding_size=12)


def kinds():
    """Name, class ending, what the configuration says of it."""
    labels = {i: name for i, name in enumerate(["calm", "glad", "sad"])}
    tags = dict(enumerate(TAGS))
    yield "labels", "ForSequenceClassification", dict(id2label=labels, label2id={v: k for k, v in labels.items()}, problem_type="multi_label_classification")
    yield "score", "ForSequenceClassification", dict(num_labels=1)
    yield "tokens", "ForTokenClassification", dict(id2label=tags, label2id={v: k for k, v in tags.items()})
    yield "span", "ForQuestionAnswering", {}
    yield "choice", "ForMultipleChoice", {}


@torch.no_grad()
def case(model, kind, tokenizer, text, pair):
    types = getattr(model.config, "type_vocab_size", 0) > 1
    encoded = tokenizer(text, pair, return_tensors="pt", return_token_type_ids=types)
    if kind == "choice":
        logits = model(**{name: value[None] for name, value in encoded.items()}).logits[0]
    elif kind == "span":
        output = model(**encoded)
        logits = torch.stack([output.start_logits[0], output.end_logits[0]], -1)
    else:
        logits = model(**encoded).logits[0]
    return dict(text=text, text_pair=pair, ids=encoded["input_ids"][0].tolist(), logits=numbers(logits.flatten()))


# Each of the same number of tokens once cut, so that nothing is padding.
LEARNED = ["the film was great and the man saw it", "a cat sat on the mat, and the dog ran", "I love this very long night, not the day!"]
TOKENS = 10
RECIPE = dict(lr=1e-3, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.01, max_grad_norm=1.0)


def train(model, kind, tokenizer):
    types = getattr(model.config, "type_vocab_size", 0) > 1
    encoded = tokenizer(LEARNED, return_tensors="pt", max_length=TOKENS, truncation=True, return_token_type_ids=types)
    ids = encoded["input_ids"]
    assert ids.shape == (3, TOKENS)
    tags = [[i % len(TAGS) for i in range(TOKENS)] for _ in LEARNED]
    for row in tags:
        row[0] = row[-1] = row[4] = -100
    targets = dict(labels=[[1, 0, 1], [0, 0, 0], [0, 1, 1]], score=[0.7, -1.3, 2.0], tokens=tags, span=[[1, 3], [2, 2], [0, 0]])[kind]
    spans = torch.tensor(targets)
    asked = {
        "labels": lambda: dict(labels=torch.tensor(targets, dtype=torch.float32)), "score": lambda: dict(labels=torch.tensor(targets)),
        "tokens": lambda: dict(labels=torch.tensor(targets)), "span": lambda: dict(start_positions=spans[:, 0], end_positions=spans[:, 1]),
    }[kind]()
    named = dict(model.named_parameters())
    flat = [n for n in named if n.endswith("bias") or "norm" in n.lower()]
    optimizer = torch.optim.AdamW(
        [dict(params=[p for n, p in named.items() if n not in flat], weight_decay=RECIPE["weight_decay"]), dict(params=[named[n] for n in flat], weight_decay=0.0)],
        lr=RECIPE["lr"], betas=tuple(RECIPE["betas"]), eps=RECIPE["eps"])
    losses, norms, grads = [], [], []
    for step in range(6):
        loss = model(**encoded, **asked).loss
        losses.append(number(loss.item(), 8))
        if step == 5:
            break
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            grads = [dict(name=n, grad=summary(p.grad)) for n, p in named.items() if p.grad is not None]
        norms.append(number(torch.nn.utils.clip_grad_norm_(model.parameters(), RECIPE["max_grad_norm"]).item()))
        optimizer.step()
    return dict(input_ids=ids.tolist(), token_type_ids=encoded["token_type_ids"].tolist() if types else None, targets=targets, losses=losses,
                grad_norms=norms, parameters=grads)


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    heads, runs = [], []
    for seed, (family, prefix, tokenizer_folder, config) in enumerate(families()):
        tokenizer = hf.AutoTokenizer.from_pretrained(OUT / tokenizer_folder)
        for n, (kind, ending, settings) in enumerate(kinds()):
            own = type(config).from_dict(config.to_dict() | settings)
            model = scatter(getattr(hf, prefix + ending)(own), 100 * seed + n)
            folder = ROOT / f"{family}-{kind}"
            folder.mkdir(parents=True)
            model.config.architectures = [type(model).__name__]
            model.config.save_pretrained(folder)
            state = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if not name.endswith("position_ids")}
            save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
            cases = [case(model, kind, tokenizer, text, pair) for text, pair in CASES]
            if kind == "tokens":
                pipeline = hf.pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="simple")
                for one in cases:
                    if one["text"] and not one["text_pair"]:
                        found = pipeline(one["text"])
                        one["entities"] = [dict(label=e["entity_group"], start=e["start"], end=e["end"], probability=number(e["score"])) for e in found]
            if kind != "choice":
                runs.append(dict(folder=folder.name, kind=kind) | train(model, kind, tokenizer))
            heads.append(dict(folder=folder.name, kind=kind, tokenizer=tokenizer_folder, model_class=type(model).__name__, cases=cases))
    write(ROOT / "golden.json", VERSIONS, heads=heads)
    note = "dropout off; losses[i] is the loss before step i + 1; grads are those of step 0 before clipping; weight decay on matrices and embeddings"
    write(ROOT / "golden_train.json", VERSIONS | RECIPE | dict(note=note), runs=runs)


if __name__ == "__main__":
    main()
