"""Five steps of AdamW in PyTorch for what head_fixtures.py does not learn: one of several texts, hidden words with the next sentence, classes
that count differently, learning rates that differ from layer to layer. Run by itself, after head_fixtures.py:

    python tests/tools/goal_fixtures.py [OUT_DIR]

Writes OUT_DIR/goals.json (tests/fixtures unless given).
"""
import torch
import transformers as hf
from torch.nn.functional import cross_entropy

from family_fixtures import OUT
from head_fixtures import LEARNED, RECIPE, TAGS, TOKENS
from make_fixtures import VERSIONS, number, summary, write

PAIRS = [("the film was great", "the man saw it"), ("a cat sat on the mat", "the dog ran"), ("i love this night", "not the day !")]
HIDDEN = [(0, 2), (0, 4), (1, 3), (2, 1), (2, 7)]
NEXT = [0, 1, 1]
RIGHT = [[1, 3], [0, 2]]
WEIGHTS = [0.25, 3.0, 1.5, 0.5, 2.0]


def encode(tokenizer, texts, types):
    firsts, seconds = (texts, None) if isinstance(texts[0], str) else zip(*texts)
    return tokenizer(list(firsts), list(seconds) if seconds else None, return_tensors="pt", max_length=TOKENS, truncation=True, padding="max_length",
                     return_token_type_ids=types)


def choice(model, tokenizer):
    """An example of three texts and one of two."""
    types = getattr(model.config, "type_vocab_size", 0) > 1
    encoded = encode(tokenizer, LEARNED + LEARNED[:2], types)

    def loss():
        scores = model(**{k: v[:, None] for k, v in encoded.items()}).logits[:, 0]
        return (cross_entropy(scores[None, :3], torch.tensor([1])) + cross_entropy(scores[None, 3:], torch.tensor([0]))) / 2

    return encoded, dict(right=RIGHT), loss


def words_and_next(model, tokenizer):
    encoded = encode(tokenizer, PAIRS, True)
    labels = torch.full(encoded["input_ids"].shape, -100)
    for text, place in HIDDEN:
        labels[text, place] = encoded["input_ids"][text, place]
        encoded["input_ids"][text, place] = tokenizer.mask_token_id
    named = "sentence_order_label" if model.config.model_type == "albert" else "next_sentence_label"
    masks = [[text, place, labels[text, place].item()] for text, place in HIDDEN]
    return encoded, dict(masks=masks, next=NEXT), lambda: model(**encoded, labels=labels, **{named: torch.tensor(NEXT)}).loss


def weighted_tags(model, tokenizer):
    encoded = encode(tokenizer, LEARNED, True)
    tags = [[i % len(TAGS) for i in range(TOKENS)] for _ in LEARNED]
    for row in tags:
        row[0] = row[-1] = -100
    target = torch.tensor(tags).flatten()
    weights = torch.tensor(WEIGHTS)
    return encoded, dict(tags=tags, weights=WEIGHTS), lambda: cross_entropy(model(**encoded).logits.flatten(0, 1), target, weight=weights)


def scale(config, name, decay):
    """Of the learning rate: as many times `decay` as there are layers above."""
    layers = config.num_hidden_layers
    if ".layer." in name:
        return decay ** (layers - int(name.split(".layer.")[1].split(".")[0]))
    return decay ** (layers + 1) if "embeddings" in name else 1.0


def train(model, encoded, loss_of, decay):
    named = dict(model.named_parameters())
    groups = []
    for name, parameter in named.items():
        flat = name.endswith("bias") or "norm" in name.lower()
        groups.append(dict(params=[parameter], weight_decay=0.0 if flat else RECIPE["weight_decay"], lr=RECIPE["lr"] * scale(model.config, name, decay)))
    optimizer = torch.optim.AdamW(groups, betas=tuple(RECIPE["betas"]), eps=RECIPE["eps"])
    losses, grads = [], []
    for step in range(6):
        loss = loss_of()
        losses.append(number(loss.item(), 8))
        if step == 5:
            break
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            grads = [dict(name=n, grad=summary(p.grad)) for n, p in named.items() if p.grad is not None]
        torch.nn.utils.clip_grad_norm_(model.parameters(), RECIPE["max_grad_norm"])
        optimizer.step()
    types = encoded["token_type_ids"].tolist() if "token_type_ids" in encoded else None
    return dict(input_ids=encoded["input_ids"].tolist(), lengths=encoded["attention_mask"].sum(1).tolist(), token_type_ids=types, losses=losses, parameters=grads)


def main():
    runs = []
    families = [("bert", "Bert", "tiny-bert"), ("roberta", "Roberta", "tiny-roberta"), ("albert", "Albert", "tiny-albert"),
                ("distilbert", "DistilBert", "tiny-bert"), ("electra", "Electra", "tiny-bert")]
    asked = [(f"heads/{name}-choice", f"{prefix}ForMultipleChoice", words, "choice", choice, 1.0) for name, prefix, words in families]
    asked += [(name, f"{prefix}ForPreTraining", name, "words and next", words_and_next, 1.0) for name, prefix in [("tiny-bert", "Bert"), ("tiny-albert", "Albert")]]
    asked += [("heads/bert-tokens", "BertForTokenClassification", "tiny-bert", "tags", weighted_tags, decay) for decay in [1.0, 0.5]]
    for folder, cls, words, goal, make, decay in asked:
        tokenizer = hf.AutoTokenizer.from_pretrained(OUT / words)
        model = getattr(hf, cls).from_pretrained(OUT / folder, dtype=torch.float32).eval()
        encoded, targets, loss = make(model, tokenizer)
        runs.append(dict(folder=folder, goal=goal, layer_decay=decay) | targets | train(model, encoded, loss, decay))
    note = "dropout off; losses[i] is the loss before step i + 1; grads are those of step 0 before clipping; weight decay on matrices and embeddings"
    write(OUT / "goals.json", VERSIONS | RECIPE | dict(note=note), runs=runs)


if __name__ == "__main__":
    main()
