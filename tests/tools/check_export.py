"""Loads an exported folder with transformers and compares its logits with ours.

    python tests/tools/check_export.py DIR PREDICTIONS.json [TOLERANCE]

PREDICTIONS.json is what `fine_tune --predictions` writes in the same run as DIR:
{"labels": [..], "rows": [{"text", "pair", "label", "logits"}, ..]}. The texts go through AutoTokenizer (cut at the
model's limit) and AutoModelForSequenceClassification in float32, one by one and in padded batches. Exits with 1 if
labels differ, a weight is missing or unexpected, or a logit differs by more than TOLERANCE (1e-4).

    python tests/tools/check_export.py --all FOLDERS

checks every folder in FOLDERS that `UNMASK_FOLDERS=FOLDERS cargo test --test export families` wrote, whatever its head, against the
`said.json` beside it.

A folder that brings code (mean pooling) must refuse to load without it; that is checked too. Needs the packages at the
head of make_fixtures.py; nothing is downloaded.
"""
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer


CLASSES = dict(classes="SequenceClassification", labels="SequenceClassification", score="SequenceClassification", tokens="TokenClassification", span="QuestionAnswering")


def check_all(root):
    """Every folder: loads without a missing or an unexpected weight, and gives the same logits."""
    worst, bad = 0.0, 0
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        said = json.load(open(os.path.join(folder, "said.json"), encoding="utf8"))
        code = "auto_map" in json.load(open(os.path.join(folder, "config.json"), encoding="utf8"))
        trust = dict(trust_remote_code=True) if code else {}
        auto = getattr(transformers, "AutoModelFor" + CLASSES[said["kind"]])
        model, info = auto.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **trust)
        model.eval()
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=os.path.join(folder, "tokenizer.json"))
        types = getattr(model.config, "type_vocab_size", 0) > 1
        error = 0.0
        for row in said["rows"]:
            inputs = tokenizer(row["text"], row["pair"], return_tensors="pt", return_token_type_ids=types)
            with torch.no_grad():
                out = model(**inputs)
            logits = torch.stack([out.start_logits, out.end_logits], -1) if said["kind"] == "span" else out.logits
            error = max(error, (logits.flatten() - torch.tensor(row["logits"])).abs().max().item())
        faults = {key: info[key] for key in ["missing_keys", "unexpected_keys", "mismatched_keys"] if info[key]}
        bad += bool(faults) or error > 1e-4
        print(f"{name}: {type(model).__name__}{' with its code' if code else ''}, {error:.2e} {faults or ''}")
        worst = max(worst, error)
    print(f"largest difference {worst:.2e}, {bad} folders wrong")
    sys.exit(int(bad > 0))


def main():
    if sys.argv[1] == "--all":
        check_all(sys.argv[2])
    folder, predictions = sys.argv[1:3]
    tolerance = float(sys.argv[3]) if len(sys.argv) > 3 else 1e-4
    expected = json.load(open(predictions, encoding="utf8"))
    config = json.load(open(os.path.join(folder, "config.json"), encoding="utf8"))
    code = "auto_map" in config
    if code:
        try:
            AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=False)
        except ValueError as error:
            print("without its code:", str(error).splitlines()[0][:100])
        else:
            sys.exit("the folder loads without its code, and would compute something else")
    trust = dict(trust_remote_code=True) if code else {}
    tokenizer = AutoTokenizer.from_pretrained(folder, **trust)
    model, info = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **trust)
    for kind in ["missing_keys", "unexpected_keys", "mismatched_keys"]:
        assert not info[kind], (kind, info[kind])
    model.eval()
    labels = [model.config.id2label[i] for i in range(model.config.num_labels)]
    assert labels == expected["labels"], labels
    assert [model.config.label2id[name] for name in labels] == list(range(len(labels)))
    rows = expected["rows"]
    ours = torch.tensor([row["logits"] for row in rows])
    limit = model.config.max_position_embeddings
    pairs = rows[0]["pair"] is not None
    worst = {}
    for size in [1, 16]:
        theirs = []
        for at in range(0, len(rows), size):
            batch = rows[at : at + size]
            second = [row["pair"] for row in batch] if pairs else None
            inputs = tokenizer([row["text"] for row in batch], second, padding=True, truncation=True, max_length=limit, return_tensors="pt")
            with torch.no_grad():
                theirs.append(model(**inputs).logits)
        worst[size] = (torch.cat(theirs) - ours).abs().max().item()
    named = torch.tensor([labels.index(row["label"]) for row in rows])
    accuracy = (ours.argmax(-1) == named).float().mean().item()
    print(f"{type(model).__name__}: {len(rows)} texts, logits up to {ours.abs().max():.3f}, ours right {accuracy:.4f}, "
          f"largest difference one by one {worst[1]:.2e}, in batches {worst[16]:.2e}")
    sys.exit(int(max(worst.values()) > tolerance))


if __name__ == "__main__":
    main()
