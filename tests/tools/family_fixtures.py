"""The tiny checkpoints of BERT's relatives, and what `transformers` computes on them. Run by make_fixtures.py.

    tiny-roberta                 RobertaForMaskedLM, byte-level BPE trained on a few lines, positions from 2
    tiny-albert                  AlbertForPreTraining, four layers in two groups, a SentencePiece unigram tokenizer whose
                                 normalizer has a compiled character map
    tiny-distilbert              DistilBertForMaskedLM, activation relu
    tiny-electra-generator       ElectraForMaskedLM, embeddings narrower than the hidden states
    tiny-electra-discriminator   ElectraForPreTraining
    tiny-*-classifier            *ForSequenceClassification with three classes and the tokenizer of the folder it is named after

Each with a tokenizer has golden.json and golden_tokenization.json; the masked language models golden_train.json; classifiers
golden_logits.json. Activations are chosen so that a head that has its own (exact GELU in RoBERTa's and ELECTRA's) differs from
the layers.
"""
import io
import json

import sentencepiece
import torch
import transformers as hf
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from make_fixtures import OUT, VERSIONS, VOCAB, number, numbers, summary, write

LINES = """the film was great and the man saw it
a cat sat on the mat and the dog ran
I love this very long night, not the day!
what is it? it is a red sea, who saw the river
the quick brown fox jumps over the lazy dog 0123456789
Café naïve Übermut ça déjà vu""".split("\n")

SIZES = dict(hidden_size=16, num_attention_heads=2, intermediate_size=32, num_hidden_layers=2, initializer_range=0.2)
TEXTS = [
    ("the film was {m}.", None, None),
    ("The {m} sat on the {m}, and the dog ran!", None, None),
    ("I {m} this movie", "it was {m} long.", None),
    ("unaffable xyz Café 😀 {m}", None, None),
    ("{m}", None, None),
    ("", None, None),
    ("the film was {m}.", None, 16),
    ("a cat", "is {m} able to like a very long film, is it not? " * 5, None),
]
ODD = [
    "Café cafe\u0301 NAÏVE straße",
    "👩‍👩‍👧 🏳️‍🌈 🤷🏽 ok 😀",
    "中文字 と かな 한국어",
    "שלום עולם مرحبا",
    "  two  spaces\tand\na line\u00a0and\u3000more  ",
    "``quotes'' “curly” … – — ½ ﬁ ① ＡＢＣ ™",
    "zero\u200bwidth soft\u00adhyphen \u202ereversed\u202c",
    "don't 1,000.50 #hash @name http://a.b/c?d=e",
    "{m}word {m} word{m}",
    "\0nul \ufffd \ufeffmark",
    "",
    " ",
]


def scatter(model, seed):
    """Weights large enough that every part shows in the outputs, and no two logits are close."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() == 1:
                p.copy_(0.2 * noise + (name.endswith("weight")))
            else:
                p.copy_((0.5 if "embeddings" in name else 0.35) * noise)
    return model.eval()


def save(name, model, tokenizer=None):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    tied = set(getattr(model, "all_tied_weights_keys", None) or {})
    state = {k: v.contiguous() for k, v in model.state_dict().items() if k not in tied}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    if tokenizer:
        tokenizer.save_pretrained(folder)
    return folder


def byte_level():
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special + ["<mask>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    inner.train_from_iterator(LINES, trainer)
    data = json.loads(inner.to_str())["model"]
    merges = [tuple(m) for m in data["merges"]]
    # As in the published files, the mask takes the space before it.
    mask = AddedToken("<mask>", lstrip=True, special=True)
    return hf.RobertaTokenizer(vocab=data["vocab"], merges=merges, mask_token=mask, model_max_length=64)


# What the compiled map turns into what. NFKD, which comes before it, leaves all of these alone.
CHARACTERS = {"–": "-", "—": "-", "“": '"', "”": '"', "\u200b": " ", "\u200d": "", "\u202e": "", "ß": "ss", "😀": ":)"}


def unigram():
    rules = "".join(" ".join(f"{ord(c):x}" for c in a) + "\t" + " ".join(f"{ord(c):x}" for c in b) + "\n"
                    for a, b in CHARACTERS.items())
    path = OUT / "rules.tsv"
    path.write_text(rules)
    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line.lower() for line in LINES * 4]), model_writer=stream, vocab_size=90, model_type="unigram",
        normalization_rule_tsv=str(path), pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, pad_piece="<pad>",
        control_symbols=["[CLS]", "[SEP]"], user_defined_symbols=["[MASK]"], character_coverage=1.0, num_threads=1,
        hard_vocab_limit=False, minloglevel=2)
    path.unlink()
    spm = sentencepiece.SentencePieceProcessor(model_proto=stream.getvalue())
    pieces = [(spm.id_to_piece(i), round(spm.get_score(i), 4)) for i in range(len(spm))]
    # The map is in the model's second-level message `normalizer_spec` (field 3), its field 2.
    spec = fields(stream.getvalue())[3]
    charsmap = fields(spec)[2]
    tokenizer = hf.AlbertTokenizer(vocab=pieces, _spm_precompiled_charsmap=charsmap, model_max_length=64)
    inner = tokenizer.backend_tokenizer
    # As in the published files, which close with this one.
    inner.normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
        normalizers.Lowercase(), normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    assert inner.normalizer.normalize_str("STRASSE–ß 😀") == "strasse-ss :)"
    return tokenizer


def fields(message):
    """The length-delimited fields of a protocol buffer message, the last of each number."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            varint()
        elif kind == 2:
            length = varint()
            found[key >> 3] = message[at:at + length]
            at += length
        else:
            at += 4 if kind == 5 else 8
    return found


def word_piece():
    path = OUT / "tiny-bert" / "vocab.txt"
    return hf.BertTokenizerFast(vocab=str(path), do_lower_case=True, model_max_length=64)


@torch.no_grad()
def golden(folder, tokenizer):
    architecture = hf.AutoConfig.from_pretrained(folder).architectures[0]
    model, info = getattr(hf, architecture).from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    model.eval()
    types = getattr(model.config, "type_vocab_size", 0) > 1
    cases = []
    for text, pair, padded_to in TEXTS:
        text, pair = (t and t.format(m=tokenizer.mask_token) for t in (text, pair))
        pad = dict(padding="max_length", max_length=padded_to) if padded_to else dict(truncation=True, max_length=64)
        e = tokenizer(text, pair, return_tensors="pt", return_token_type_ids=types, **pad)
        ids, attended = e["input_ids"][0], e["attention_mask"][0].bool()
        o = model(**e, output_hidden_states=True)
        last = o.hidden_states[-1][0, 0]
        case = dict(text=text, text_pair=pair, tokens=tokenizer.convert_ids_to_tokens(ids.tolist()), input_ids=ids.tolist(),
                    attention_mask=e["attention_mask"][0].tolist(), masked=[])
        if types:
            case["token_type_ids"] = e["token_type_ids"][0].tolist()
        if architecture == "ElectraForPreTraining":
            case["replaced_logits"] = numbers(o.logits)
        else:
            logits = (o.prediction_logits if "prediction_logits" in o else o.logits)[0]
            for position in (ids == tokenizer.mask_token_id).nonzero()[:, 0].tolist():
                row = logits[position]
                top = row.topk(10)
                probabilities = row.softmax(-1)[top.indices]
                case["masked"].append(dict(
                    position=position,
                    top10=[dict(id=i, token=tokenizer.convert_ids_to_tokens(i), logit=number(v), prob=number(p))
                           for i, v, p in zip(top.indices.tolist(), top.values.tolist(), probabilities.tolist())],
                    logits_l2=number(row.norm().item()), logsumexp=number(row.logsumexp(-1).item())))
        if "sop_logits" in o:
            pooled = model.albert(**e).pooler_output[0]
            case |= dict(sop_logits=numbers(o.sop_logits), pooler_first8=numbers(pooled[:8]), pooler_l2=number(pooled.norm().item()))
        case |= dict(cls_last_hidden_first8=numbers(last[:8]), cls_last_hidden_l2=number(last.norm().item()),
                     hidden_l2_per_layer_unpadded=[number(h[0][attended].norm().item()) for h in o.hidden_states])
        cases.append(case)
    write(folder / "golden.json", VERSIONS | dict(dtype="float32", model_class=architecture), cases=cases)


def tokenization(folder, tokenizer):
    texts = [(t.format(m=tokenizer.mask_token) if "{m}" in t else t, None) for t in ODD]
    texts += [(a, b) for (a, _), (b, _) in zip(texts, texts[1:])]
    cases, inner = [], tokenizer.backend_tokenizer
    inner.no_truncation(), inner.no_padding()
    for text, pair in texts:
        e = inner.encode(text, pair)
        # Offsets count characters.
        cases.append(dict(text=text, text_pair=pair, ids=e.ids, tokens=tokenizer.convert_ids_to_tokens(e.ids), type_ids=e.type_ids,
                          offsets=[list(o) for o in e.offsets], special_tokens_mask=e.special_tokens_mask))
    write(folder / "golden_tokenization.json", VERSIONS, cases=cases)


def train(folder, tokenizer):
    """Five steps of masked language modelling, every parameter that gets a gradient trained."""
    architecture = hf.AutoConfig.from_pretrained(folder).architectures[0]
    model = getattr(hf, architecture).from_pretrained(folder, dtype=torch.float32).eval()
    texts = ["the film was great and the man saw it.", "a cat sat on the mat", "I love this very long night, not the day!"]
    e = tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
    ids, labels = e["input_ids"].clone(), torch.full_like(e["input_ids"], -100)
    for row, position in [(0, 2), (0, 4), (0, 8), (1, 2), (1, 5), (2, 3), (2, 6), (2, 11)]:
        labels[row, position] = ids[row, position]
        if (row, position) != (1, 5):  # one target is left in sight, as the 80/10/10 rule has it
            ids[row, position] = tokenizer.mask_token_id
    recipe = dict(lr=1e-3, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.01)
    optimizer = torch.optim.AdamW(model.parameters(), **recipe)
    losses, grads = [], {}
    for step in range(6):
        o = model(input_ids=ids, attention_mask=e["attention_mask"])
        logits = o.prediction_logits if "prediction_logits" in o else o.logits
        loss = torch.nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), labels.view(-1))
        losses.append(number(loss.item(), 8))
        if step == 5:
            break
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            grads = {n: summary(p.grad) for n, p in model.named_parameters() if p.grad is not None}
        optimizer.step()
    head = VERSIONS | dict(note="as tiny-bert's golden_train.json", **recipe, input_ids=ids.tolist(),
                           attention_mask=e["attention_mask"].tolist(), labels=labels.tolist(), losses=losses)
    write(folder / "golden_train.json", head, parameters=[dict(name=n, grad=g) for n, g in grads.items()])


@torch.no_grad()
def classifier(name, model, tokenizer):
    folder = save(name, model)
    types = getattr(model.config, "type_vocab_size", 0) > 1
    cases = []
    for text, pair in [("the film was great", None), ("bad, dull and too long. I hate it!", None), ("what is it?", "it is a dog"), ("", None)]:
        logits = model(**tokenizer(text, pair, return_tensors="pt", return_token_type_ids=types)).logits[0]
        cases.append(dict(text=text, text_pair=pair, logits=numbers(logits)))
    write(folder / "golden_logits.json", VERSIONS | dict(model_class=type(model).__name__), cases=cases)


def main():
    def fixture(name, model, tokenizer, learns=True):
        folder = save(name, model, tokenizer)
        golden(folder, tokenizer)
        tokenization(folder, tokenizer)
        if learns:
            train(folder, tokenizer)
    labels = dict(num_labels=3)

    tokenizer = byte_level()
    sizes = dict(SIZES, vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5, hidden_act="gelu_new")
    fixture("tiny-roberta", scatter(hf.RobertaForMaskedLM(hf.RobertaConfig(**sizes)), 11), tokenizer)
    classifier("tiny-roberta-classifier", scatter(hf.RobertaForSequenceClassification(hf.RobertaConfig(**sizes | labels)), 12), tokenizer)

    tokenizer = unigram()
    sizes = dict(SIZES, vocab_size=len(tokenizer), max_position_embeddings=64, embedding_size=8, num_hidden_layers=4, num_hidden_groups=2)
    fixture("tiny-albert", scatter(hf.AlbertForPreTraining(hf.AlbertConfig(**sizes)), 13), tokenizer)
    classifier("tiny-albert-classifier", scatter(hf.AlbertForSequenceClassification(hf.AlbertConfig(**sizes | labels)), 14), tokenizer)

    tokenizer = word_piece()
    sizes = dict(vocab_size=len(VOCAB), max_position_embeddings=64, dim=16, n_layers=2, n_heads=2, hidden_dim=32, activation="relu")
    fixture("tiny-distilbert", scatter(hf.DistilBertForMaskedLM(hf.DistilBertConfig(**sizes)), 15), tokenizer)
    classifier("tiny-distilbert-classifier", scatter(hf.DistilBertForSequenceClassification(hf.DistilBertConfig(**sizes | labels)), 16), tokenizer)

    sizes = dict(SIZES, vocab_size=len(VOCAB), max_position_embeddings=64, embedding_size=12, hidden_act="relu")
    fixture("tiny-electra-generator", scatter(hf.ElectraForMaskedLM(hf.ElectraConfig(**sizes)), 17), tokenizer)
    sizes |= dict(hidden_act="gelu_new", embedding_size=16)
    fixture("tiny-electra-discriminator", scatter(hf.ElectraForPreTraining(hf.ElectraConfig(**sizes)), 18), tokenizer, learns=False)
    classifier("tiny-electra-classifier", scatter(hf.ElectraForSequenceClassification(hf.ElectraConfig(**sizes | labels)), 19), tokenizer)
