"""Head-only training against scikit-learn's logistic regression on the same features.

    cargo run --release -p bert --example fine_tune -- --model MODEL --train TRAIN.tsv --eval TEST.tsv --method head \\
        --pooling mean --device cpu --json > OURS.json
    python tests/tools/compare_sklearn.py MODEL TRAIN.tsv TEST.tsv OURS.json [MAX_TOKENS]

The features are the mean of the last hidden states over all attended tokens, unnormalised, by transformers in float32 from the
same weights; texts are cut at MAX_TOKENS (128, as fine_tune does). LogisticRegression: C = 1, max_iter = 1000. TSV files have a header
with `label` and `text`. Exits with 1 if our accuracy is more than a point lower. Needs scikit-learn beside the packages at
the head of make_fixtures.py.
"""
import json
import sys
import time

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from transformers import AutoModel, AutoTokenizer


def read(path):
    lines = [line.split("\t") for line in open(path, encoding="utf8").read().splitlines() if line.strip()]
    header, rows = lines[0], lines[1:]
    return [row[header.index("text")].strip() for row in rows], [row[header.index("label")].strip() for row in rows]


@torch.no_grad()
def features(model, tokenizer, texts, limit):
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = np.empty((len(texts), model.config.hidden_size), np.float32)
    for at in range(0, len(order), 32):
        chosen = order[at : at + 32]
        inputs = tokenizer([texts[i] for i in chosen], padding=True, truncation=True, max_length=limit, return_tensors="pt")
        share = inputs["attention_mask"][..., None]
        hidden = model(**inputs).last_hidden_state
        found[chosen] = ((hidden * share).sum(1) / share.sum(1)).numpy()
    return found


def main():
    folder, train, test, ours = sys.argv[1:5]
    limit = int(sys.argv[5]) if len(sys.argv) > 5 else 128
    start = time.time()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    (x, y), (texts, truth) = read(train), read(test)
    regression = LogisticRegression(max_iter=1000).fit(features(model, tokenizer, x, limit), y)
    predicted = regression.predict(features(model, tokenizer, texts, limit))
    accuracy = float((predicted == np.array(truth)).mean())
    found = json.load(open(ours, encoding="utf8"))["eval"]
    print(f"{len(x)} texts to learn from, {len(texts)} to check with, {time.time() - start:.0f} s here")
    print(f"logistic regression: accuracy {accuracy:.4f}, macro F1 {f1_score(truth, predicted, average='macro'):.4f}")
    print(f"head alone, ours:    accuracy {found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f}")
    sys.exit(int(found["accuracy"] < accuracy - 0.01))


if __name__ == "__main__":
    main()
