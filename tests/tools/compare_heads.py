"""The same fine-tuning of tags or answers in PyTorch, to hold `fine_tune`'s figures against. Run by itself:

    python tests/tools/compare_heads.py MODEL_DIR TRAIN EVAL --goal tags|answers [--epochs 3] [--lr 5e-5] [--batch 16] [--max-tokens 128]
        [--dropout 0.1] [--seed 1]

with torch, transformers and seqeval. As there: the whole model learns, AdamW (0.9, 0.999, 1e-8, decay 0.01 but for biases and norms), the
rate rises over a tenth of the steps and falls to zero, gradients are clipped at 1, the loss of tags is on first pieces, passages come in
windows of which 128 tokens (or half the room) stand in the one before too, and the best epoch counts. A seed gives the same first weights of
the head and the same batches as there: without dropout (`--dropout 0`, there too) both runs are the same but for rounding.
"""
import argparse
import json
import math

import torch
import transformers as hf
from seqeval.metrics import f1_score, precision_score, recall_score

from metrics_golden import compute_exact, compute_f1


class Random:
    """SplitMix64, as `bert::data::Random`."""

    def __init__(self, seed, stream):
        self.state = seed
        self.state = self.bits() ^ stream
        self.bits()

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = (self.state ^ self.state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    def below(self, bound):
        excess = 2**64 % bound
        while (drawn := self.bits()) > 2**64 - 1 - excess:
            pass
        return drawn % bound

    def normal(self):
        first, second = (self.bits() >> 11) / 2**53, (self.bits() >> 11) / 2**53
        return math.sqrt(-2 * math.log(1 - first)) * math.cos(2 * math.pi * second)

    def shuffle(self, some):
        for i in range(len(some) - 1, 0, -1):
            j = self.below(i + 1)
            some[i], some[j] = some[j], some[i]


def batches(rows, size, limit, random):
    """As `bert::data::batches`: texts of like length together, in random order."""
    lengths = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512]
    padded = lambda n: min(next(l for l in lengths if l >= n), limit)
    some = [(padded(len(r["input_ids"])), i) for i, r in enumerate(rows)]
    random.shuffle(some)
    some.sort(key=lambda one: one[0])
    parts = [[rows[i] for _, i in some[first : first + size]] for first in range(0, len(some), size)]
    random.shuffle(parts)
    # The last is taken first.
    return parts[::-1]


def conll(path):
    texts, words = [], []
    for line in open(path, encoding="utf-8"):
        if line.strip():
            words.append(tuple(part.strip() for part in line.split("\t")))
        elif words:
            texts.append(words)
            words = []
    return texts + [words] if words else texts


def squad(path):
    data = json.load(open(path, encoding="utf-8"))["data"]
    return [(q["question"].strip(), p["context"], q["answers"]) for a in data for p in a["paragraphs"] for q in p["qas"]]


def encode_tags(tokenizer, texts, names, limit):
    rows = []
    for words in texts:
        encoded = tokenizer([w for w, _ in words], is_split_into_words=True, truncation=True, max_length=limit)
        labels, seen = [], set()
        for word in encoded.word_ids():
            labels.append(-100 if word is None or word in seen else names.index(words[word][1]))
            seen.add(word)
        rows.append(dict(input_ids=encoded["input_ids"], token_type_ids=encoded["token_type_ids"], labels=labels))
    return rows


def encode_answers(tokenizer, questions, limit):
    rows = []
    for i, (question, passage, answers) in enumerate(questions):
        room = limit - tokenizer.num_special_tokens_to_add(pair=True) - len(tokenizer(question, add_special_tokens=False)["input_ids"])
        encoded = tokenizer(question, passage, truncation="only_second", max_length=limit, stride=min(128, room // 2), return_overflowing_tokens=True, return_offsets_mapping=True)
        for w in range(len(encoded["input_ids"])):
            places = [o if s == 1 else None for o, s in zip(encoded["offset_mapping"][w], encoded.sequence_ids(w))]
            inside = [n for n, o in enumerate(places) if o]
            span = (0, 0)
            for answer in answers[:1]:
                start, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
                if inside and places[inside[0]][0] <= start and places[inside[-1]][1] >= end:
                    span = (max(n for n in inside if places[n][0] <= start), min(n for n in inside if places[n][1] >= end))
            rows.append(dict(input_ids=encoded["input_ids"][w], token_type_ids=encoded["token_type_ids"][w], span=span, places=places, question=i))
    return rows


def batch_of(rows, pad):
    length = max(len(r["input_ids"]) for r in rows)
    fill = lambda key, value: torch.tensor([r[key] + [value] * (length - len(r[key])) for r in rows])
    batch = dict(input_ids=fill("input_ids", pad), token_type_ids=fill("token_type_ids", 0))
    batch["attention_mask"] = torch.tensor([[1] * len(r["input_ids"]) + [0] * (length - len(r["input_ids"])) for r in rows])
    if "labels" in rows[0]:
        batch["labels"] = fill("labels", -100)
    else:
        batch["start_positions"], batch["end_positions"] = (torch.tensor([r["span"][i] for r in rows]) for i in (0, 1))
    return batch


def loss_of(model, batch):
    """As `transformers` has it, but that padding is no place for an answer: there a text's loss follows from what it is padded to."""
    out = model(**batch)
    if "labels" in batch:
        return out.loss
    ends = [(out.start_logits, batch["start_positions"]), (out.end_logits, batch["end_positions"])]
    padding = batch["attention_mask"] == 0
    return sum(torch.nn.functional.cross_entropy(logits.masked_fill(padding, -torch.inf), place) for logits, place in ends) / 2


@torch.no_grad()
def judge_tags(model, rows, texts, names, pad, size):
    truth, found = [], []
    for first in range(0, len(rows), size):
        some = rows[first : first + size]
        best = model(**batch_of(some, pad)).logits.argmax(-1)
        for row, guess, words in zip(some, best, texts[first : first + size]):
            kept = [names[g] for g, l in zip(guess.tolist(), row["labels"]) if l != -100]
            truth.append([t for _, t in words])
            found.append(kept + ["O"] * (len(words) - len(kept)))
    return dict(f1=f1_score(truth, found), precision=precision_score(truth, found), recall=recall_score(truth, found))


@torch.no_grad()
def judge_answers(model, rows, questions, pad, size):
    best = {}
    for first in range(0, len(rows), size):
        some = rows[first : first + size]
        out = model(**batch_of(some, pad))
        for row, start, end in zip(some, out.start_logits, out.end_logits):
            inside = [n for n, o in enumerate(row["places"]) if o]
            for a in inside:
                for b in range(a, min(a + 30, inside[-1] + 1)):
                    score = (start[a] + end[b]).item()
                    if row["question"] not in best or score > best[row["question"]][0]:
                        best[row["question"]] = (score, row["places"][a][0], row["places"][b][1])
    exact = f1 = 0
    for i, (_, passage, answers) in enumerate(questions):
        text = passage[best[i][1] : best[i][2]]
        exact += max(compute_exact(a["text"], text) for a in answers)
        f1 += max(compute_f1(a["text"], text) for a in answers)
    return dict(exact_match=exact / len(questions), f1=f1 / len(questions))


def main():
    parser = argparse.ArgumentParser()
    for name in ["model", "train", "eval"]:
        parser.add_argument(name)
    parser.add_argument("--goal", choices=["tags", "answers"], required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    hf.set_seed(a.seed)
    tokenizer = hf.AutoTokenizer.from_pretrained(a.model)
    rates = dict(hidden_dropout_prob=a.dropout, attention_probs_dropout_prob=a.dropout, classifier_dropout=a.dropout)
    pad = tokenizer.pad_token_id or 0
    if a.goal == "tags":
        train, evaluation = conll(a.train), conll(a.eval)
        names = sorted({t for words in train for _, t in words})
        model = hf.AutoModelForTokenClassification.from_pretrained(a.model, num_labels=len(names), **rates)
        rows = encode_tags(tokenizer, train, names, a.max_tokens)
        checks = encode_tags(tokenizer, evaluation, names, a.max_tokens)
        judge = lambda: judge_tags(model, checks, evaluation, names, pad, a.batch)
    else:
        train, evaluation = squad(a.train), squad(a.eval)
        model = hf.AutoModelForQuestionAnswering.from_pretrained(a.model, **rates)
        rows, checks = encode_answers(tokenizer, train, a.max_tokens), encode_answers(tokenizer, evaluation, a.max_tokens)
        judge = lambda: judge_answers(model, checks, evaluation, pad, a.batch)
    head = model.classifier if a.goal == "tags" else model.qa_outputs
    draw = Random(a.seed, 0x1EA2)
    numbers = [draw.normal() * model.config.initializer_range for _ in range(head.weight.numel())]
    with torch.no_grad():
        head.weight.copy_(torch.tensor(numbers).view(head.weight.shape))
        head.bias.zero_()
    print(f"{len(rows)} rows to learn from, {len(checks)} to judge by", flush=True)
    flat = lambda n: n.endswith("bias") or "LayerNorm" in n
    groups = [dict(params=[p for n, p in model.named_parameters() if flat(n) == f], weight_decay=0.0 if f else 0.01) for f in (False, True)]
    optimizer = torch.optim.AdamW(groups, lr=a.lr)
    steps = a.epochs * -(-len(rows) // a.batch)
    schedule = hf.get_linear_schedule_with_warmup(optimizer, -(-steps // 10), steps)
    best = None
    for epoch in range(a.epochs):
        model.train()
        losses = []
        for part in batches(rows, a.batch, model.config.max_position_embeddings, Random(a.seed, epoch + 1)):
            loss = loss_of(model, batch_of(part, pad))
            losses.append(loss.item())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        model.eval()
        figures = judge()
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f}, {figures}", flush=True)
        if best is None or figures["f1"] > best["f1"]:
            best = figures
    print(json.dumps(best))


if __name__ == "__main__":
    main()
