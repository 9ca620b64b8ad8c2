"""Folders whose tokenizer is more than one file, and what `transformers` makes of them. Run by itself:

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 transformers==5.24.0 tokenizers==0.23.3 safetensors==0.8.0 sentencepiece==0.2.2
    venv/bin/python tests/tools/tokenizer_fixtures.py [OUT_DIR]

Writes OUT_DIR/tokenizers (tests/fixtures unless given): one folder a case, each with the files that AutoTokenizer reads, and golden.json with
the ids of a few texts.

    cased, accents, defaults   tokenizer.json against a tokenizer_config.json that says otherwise
    backend                    the same, of a class that leaves all to tokenizer.json
    added                      vocab.txt, special_tokens_map.json, added_tokens.json
    decoder                    vocab.txt, added_tokens_decoder in tokenizer_config.json
    bytes, bytes-spaced        vocab.json and merges.txt, without and with a space before the first word
    albert, albert-accents     a tokenizer.json of an ALBERT's pieces, against a tokenizer_config.json that says otherwise
"""
import json
import shutil

import transformers as hf

from family_fixtures import byte_level
from make_fixtures import OUT, VERSIONS, write

ROOT = OUT / "tokenizers"
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the cat The Cat café cafe 中 文 中文 dog ##s sat . , ! a b ##c naïve naive Über uber É é e".split()
TEXTS = [
    ("The Cat sat, the cats!", None), ("Café café cafe CAFÉ naïve Über É", None), ("中文 a中b文", None), ("the {m} sat <extra> the<extra>cat", None),
    ("<Extra> EXTRA  [new] a [NEW]", "the {m}."), ("", None), ("  the  cat ", "  a"), ("{m}the{m} cat {m}", None),
]


def bert(name, settings, more=(), lowercase=True, files=("tokenizer.json",)):
    folder = ROOT / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": len(WORDS) + 4}))
    if "tokenizer.json" in files:
        hf.BertTokenizer(vocab={w: i for i, w in enumerate(WORDS)}, do_lower_case=lowercase).save_pretrained(folder)
    else:
        (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    for file, content in {"tokenizer_config.json": settings, **dict(more)}.items():
        (folder / file).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    golden(folder)


def bytes_(name, settings):
    folder = ROOT / name
    folder.mkdir(parents=True)
    inner = json.loads(byte_level().backend_tokenizer.to_str())["model"]
    (folder / "config.json").write_text(json.dumps({"model_type": "roberta", "vocab_size": len(inner["vocab"]) + 1}))
    (folder / "vocab.json").write_text(json.dumps(inner["vocab"], ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(m) for m in inner["merges"]) + "\n")
    mask = {"content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>", "mask_token": mask}
    (folder / "special_tokens_map.json").write_text(json.dumps(names, indent=1) + "\n")
    (folder / "added_tokens.json").write_text(json.dumps({"<extra>": len(inner["vocab"])}) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings) + "\n")
    golden(folder)


def albert(name, settings):
    folder = ROOT / name
    folder.mkdir(parents=True)
    special = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    pieces = "▁ ▁the ▁The ▁cat ▁Cat ▁caf ▁Caf ▁na ▁Na".split() + list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZéÉïÜü中文.,!<>[]\"")
    vocabulary = [(word, 0.0) for word in special] + [(piece, -3.0 - 0.01 * i) for i, piece in enumerate(pieces)]
    (folder / "config.json").write_text(json.dumps({"model_type": "albert", "vocab_size": len(vocabulary)}))
    hf.AlbertTokenizer(vocab=vocabulary, do_lower_case=True).save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")
    golden(folder)


def golden(folder):
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    cases = []
    for text, pair in TEXTS:
        text, pair = (t and t.replace("{m}", tokenizer.mask_token) for t in (text, pair))
        ids = tokenizer(text, pair)["input_ids"]
        cases.append(dict(text=text, text_pair=pair, ids=ids, tokens=tokenizer.convert_ids_to_tokens(ids)))
    write(folder / "golden.json", VERSIONS | dict(tokenizer_class=type(tokenizer).__name__), cases=cases)


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    bert("cased", {"do_lower_case": False, "tokenizer_class": "BertTokenizer"})
    bert("accents", {"strip_accents": False, "tokenize_chinese_chars": False, "tokenizer_class": "DistilBertTokenizerFast"}, lowercase=False)
    bert("defaults", {"model_max_length": 64}, lowercase=False)
    bert("backend", {"do_lower_case": False, "tokenizer_class": "PreTrainedTokenizerFast", "mask_token": "[MASK]", "pad_token": "[PAD]"})
    n = len(WORDS)
    extra = {"added_tokens.json": {"[new]": n + 1, "<extra>": n, "EXTRA": n + 2}, "special_tokens_map.json": {
        "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": {
            "content": "[MASK]", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}}}
    bert("added", {"do_lower_case": True}, extra, files=())
    token = dict(lstrip=False, rstrip=False, normalized=False, single_word=False, special=False)
    decoder = {str(n): dict(token, content="<extra>", rstrip=True), str(n + 1): dict(token, content="EXTRA", normalized=True)}
    bert("decoder", {"do_lower_case": True, "added_tokens_decoder": decoder, "tokenizer_class": "BertTokenizer"}, files=())
    bytes_("bytes", {"model_max_length": 64})
    bytes_("bytes-spaced", {"add_prefix_space": True, "tokenizer_class": "RobertaTokenizer"})
    albert("albert", {"do_lower_case": False, "tokenizer_class": "AlbertTokenizer"})
    albert("albert-accents", {"keep_accents": True, "tokenizer_class": "AlbertTokenizerFast"})


if __name__ == "__main__":
    main()
