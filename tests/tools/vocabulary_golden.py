"""The vocabularies that `tokenizers` trains on three texts, for bert/tests/tokenizer/vocabulary.rs.

    python tests/tools/vocabulary_golden.py

writes tests/fixtures/vocabulary.json. Needs `tokenizers` (0.23.3). Its trainer numbers the pieces that go on with a word in
the order of a hash map, which differs from run to run, and breaks ties by these numbers. Given as special tokens, letters and
pieces have the numbers that this project gives them; then every run must give the same, which is checked over several processes.
"""
import collections
import json
import pathlib
import subprocess
import sys

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = [("secret-garden.txt", 2000, True), ("short-answers.json", 1500, False), ("named-things.jsonl", 600, True)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def train(name, size, lower):
    lines = (ROOT / "static/examples" / name).read_text(encoding="utf8").split("\n")
    normalizer = normalizers.BertNormalizer(lowercase=lower)
    cut = pre_tokenizers.BertPreTokenizer()
    words = collections.Counter(w for line in lines for w, _ in cut.pre_tokenize_str(normalizer.normalize_str(line)))
    letters = collections.Counter()
    for word, count in words.items():
        for c in word:
            letters[c] += count
    kept = sorted(letters, key=lambda c: (-letters[c], c))[: min(1000, (size - 5) // 4)]
    inside = sorted({c for word in words for c in word[1:] if c in set(kept)})
    pinned = SPECIAL + sorted(kept) + ["##" + c for c in inside]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, cut
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=2, limit_alphabet=len(kept), show_progress=False,
        special_tokens=[AddedToken(token, special=True) for token in pinned])
    tokenizer.train_from_iterator(lines, trainer)
    vocab = tokenizer.get_vocab()
    return sorted(vocab, key=vocab.get)


def main():
    if sys.argv[1:] == ["once"]:
        print(json.dumps([train(*case) for case in CASES]))
        return
    runs = [subprocess.run([sys.executable, __file__, "once"], capture_output=True, check=True, text=True).stdout for _ in range(4)]
    differing = [case for i, case in enumerate(CASES) if len({json.dumps(json.loads(run)[i]) for run in runs}) > 1]
    print("runs that differ:", differing)
    cases = [{"file": name, "size": size, "lower_case": lower, "tokens": tokens}
             for (name, size, lower), tokens in zip(CASES, json.loads(runs[0]))]
    out = ROOT / "tests/fixtures/vocabulary.json"
    out.write_text(json.dumps(cases, ensure_ascii=False), encoding="utf8")
    print(out, out.stat().st_size, "bytes", [len(case["tokens"]) for case in cases])


if __name__ == "__main__":
    main()
