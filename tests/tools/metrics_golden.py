"""Figures of random data by the field's own tools: seqeval, scikit-learn, SciPy, and SQuAD's script. Run by itself:

    pip install seqeval scikit-learn scipy
    python tests/tools/metrics_golden.py

Writes tests/fixtures/metrics.json.
"""
import collections
import json
import pathlib
import random
import re
import string

import numpy as np
import scipy.stats
import seqeval.metrics as se
import sklearn.metrics as sk

OUT = pathlib.Path(__file__).parents[1] / "fixtures" / "metrics.json"
RANDOM = random.Random(5)


def entities():
    kinds = ["O", "O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-creative-work", "I-creative-work"]
    truth = [[RANDOM.choice(kinds) for _ in range(RANDOM.randint(1, 12))] for _ in range(60)]
    found = [[tag if RANDOM.random() < 0.8 else RANDOM.choice(kinds) for tag in row] for row in truth]
    report = se.classification_report(truth, found, output_dict=True, zero_division=0)
    types = {n: [report[n][k] for k in ["precision", "recall", "f1-score"]] + [int(report[n]["support"])] for n in report if "avg" not in n}
    return dict(truth=truth, found=found, precision=se.precision_score(truth, found), recall=se.recall_score(truth, found),
                f1=se.f1_score(truth, found), accuracy=se.accuracy_score(truth, found), types=types)


def labels():
    # The last label never occurs and is never given.
    truth = [[int(RANDOM.random() < p) for p in [0.6, 0.3, 0.1, 0.0]] for _ in range(50)]
    found = [[round(min(0.999, max(0.001, RANDOM.gauss(0.3 + 0.35 * t, 0.2))), 3) for t in row] for row in truth]
    for row in found:
        row[3] = 0.01
    given = [[int(p > 0.5) for p in row] for row in found]
    result = dict(truth=truth, found=found, subset_accuracy=sk.accuracy_score(truth, given))
    for average in ["micro", "macro"]:
        p, r, f, _ = sk.precision_recall_fscore_support(truth, given, average=average, zero_division=0)
        result[average] = [p, r, f]
    best = []
    for label in range(3):
        t, p = np.array(truth)[:, label], np.array(found)[:, label]
        best.append(max(sk.f1_score(t, p >= cut, zero_division=0) for cut in sorted(set(p))))
    return result | dict(best=best)


def scores():
    truth = [RANDOM.randint(0, 10) / 2 for _ in range(40)]
    found = [round(t + RANDOM.gauss(0, 1), 1) for t in truth]
    return dict(truth=truth, found=found, pearson=scipy.stats.pearsonr(truth, found)[0], spearman=scipy.stats.spearmanr(truth, found)[0],
                mean_squared_error=sk.mean_squared_error(truth, found))


# From SQuAD's evaluate-v2.0.py.
def normalize_answer(s):
    s = "".join(ch for ch in s.lower() if ch not in set(string.punctuation))
    return " ".join(re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", s).split())


def compute_exact(a_gold, a_pred):
    return int(normalize_answer(a_gold) == normalize_answer(a_pred))


def compute_f1(a_gold, a_pred):
    gold_toks, pred_toks = normalize_answer(a_gold).split(), normalize_answer(a_pred).split()
    num_same = sum((collections.Counter(gold_toks) & collections.Counter(pred_toks)).values())
    if len(gold_toks) == 0 or len(pred_toks) == 0:
        return int(gold_toks == pred_toks)
    if num_same == 0:
        return 0
    precision, recall = num_same / len(pred_toks), num_same / len(gold_toks)
    return 2 * precision * recall / (precision + recall)


def answers():
    words = ["the", "a", "An", "old", "Café", "U.S.", "1,000", "the—cat", "naïve", "THE", "o'clock", "(north)", "and", "old"]
    text = lambda most: " ".join(RANDOM.choice(words) for _ in range(RANDOM.randint(0, most)))
    cases = [[[text(4) for _ in range(RANDOM.randint(0, 3))], text(4)] for _ in range(80)]
    # The script: an empty list is the empty answer; answers of nothing but articles are left out of others.
    for case in cases:
        case[0] = [answer for answer in case[0] if normalize_answer(answer)]
    result = []
    for gold, found in cases:
        result.append(dict(right=gold, found=found, exact=max(compute_exact(a, found) for a in gold or [""]), f1=max(compute_f1(a, found) for a in gold or [""])))
    return result


if __name__ == "__main__":
    OUT.write_text(json.dumps(dict(entities=entities(), labels=labels(), scores=scores(), answers=answers()), indent=1, ensure_ascii=False) + "\n")
