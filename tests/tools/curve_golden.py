"""The curve's frozen line against scikit-learn's logistic regression on the same subsets.

    cargo run --release -p bert --example curve -- MODEL --train TRAIN.tsv --eval TEST.tsv --methods head --seeds 5 \\
        --pooling mean --device cpu --json --rows > CURVE.json
    python tests/tools/curve_golden.py MODEL TRAIN.tsv TEST.tsv CURVE.json

The features are those of compare_sklearn.py: the mean of the last hidden states, by transformers in float32 from the same weights.
Subsets are the beginnings of the orders that `--rows` prints, as lines of the training file. Exits with 1 if at some size the mean
over the seeds is more than a point from scikit-learn's.
"""
import json
import sys

import numpy as np
import torch
from compare_sklearn import features
from sklearn.linear_model import LogisticRegression
from transformers import AutoModel, AutoTokenizer


def read(path):
    lines = [line.split("\t") for line in open(path, encoding="utf8").read().split("\n")]
    header = lines[0]
    text, label = header.index("text"), header.index("label")
    return {i + 1: (row[text].strip(), row[label].strip()) for i, row in enumerate(lines) if i and len(row) > 1}


def main():
    folder, train, test, ours = sys.argv[1:5]
    curve = json.load(open(ours, encoding="utf8"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    limit = curve["setup"]["lines"][0]["max_tokens"]
    rows, tests = read(train), list(read(test).values())[: curve["tested"]]
    places = {line: i for i, line in enumerate(rows)}
    x = features(model, tokenizer, [text for text, _ in rows.values()], limit)
    y = np.array([label for _, label in rows.values()])
    tx, ty = features(model, tokenizer, [text for text, _ in tests], limit), np.array([label for _, label in tests])
    worst = 0.0
    for size in curve["setup"]["sizes"]:
        found = {p["seed"]: p["accuracy"] for p in curve["points"] if p["method"] == "Head" and p["size"] == size}
        wanted = {}
        for seed in found:
            chosen = [places[line] for line in curve["rows"][str(seed)][:size]]
            wanted[seed] = float((LogisticRegression(max_iter=5000).fit(x[chosen], y[chosen]).predict(tx) == ty).mean())
        ours_mean, mean = np.mean(list(found.values())), np.mean(list(wanted.values()))
        apart = max(abs(found[seed] - wanted[seed]) for seed in found)
        worst = max(worst, abs(ours_mean - mean))
        print(f"{size:6} examples: ours {ours_mean:.4f}, scikit-learn {mean:.4f}, furthest apart of {len(found)} seeds {apart:.4f}")
    print(f"mean norm of the features {np.linalg.norm(x, axis=1).mean():.2f}; furthest apart of the means {worst:.4f}")
    sys.exit(int(worst > 0.01))


if __name__ == "__main__":
    main()
