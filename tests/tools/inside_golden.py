"""What `transformers` says of the inside of the tiny checkpoints: hidden states, the logit lens, attention, heads off, attributions,
surprisal, one side only. In the environment of make_fixtures.py, with captum:

    python tests/tools/inside_golden.py [OUT.json]

Writes tests/fixtures/inside.json unless told otherwise. All of it in double precision, with eager attention. Heads are switched off by
zeroing their part of what goes into the layer's output matrix; integrated gradients are Captum's (Gauss-Legendre) on the sum of word,
position and type embeddings, which a hook puts in the place of the model's own.
"""
import json
import math
import sys
from pathlib import Path

import torch
import transformers as hf
from captum.attr import IntegratedGradients

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
POINTS = 8
TOP = 5
TEXTS = [("the man [MASK] the dog and ran", None), ("the cat sat", "a quick [MASK]")]
WORDS = ["tiny-bert", "tiny-bert-f16", "tiny-roberta", "tiny-xlm-roberta", "tiny-albert", "tiny-distilbert", "tiny-electra-generator"]
# Folder, tokenizer's folder, the class of the model.
HEADS = [("tiny-classifier", "tiny-bert", "SequenceClassification"), ("tiny-roberta-classifier", "tiny-roberta", "SequenceClassification"),
         ("tiny-albert-classifier", "tiny-albert", "SequenceClassification"), ("tiny-distilbert-classifier", "tiny-bert", "SequenceClassification"),
         ("tiny-electra-classifier", "tiny-bert", "SequenceClassification"), ("heads/bert-tokens", "tiny-bert", "TokenClassification"),
         ("heads/distilbert-span", "tiny-bert", "QuestionAnswering")]


def numbers(tensor):
    return [float(f"{x:.6g}") for x in torch.as_tensor(tensor).flatten().tolist()]


class Inside:
    """A model whose heads can be off and whose sum of embeddings can be given."""

    def __init__(self, model):
        self.model = model.double().eval()
        self.encoder = model.base_model
        self.config = model.config
        self.off, self.given, self.sum, self.layer = [], None, None, 0
        self.encoder.embeddings.LayerNorm.register_forward_pre_hook(self.embed)
        ends = (".attention.output.dense", ".attention.out_lin", ".attention.dense")
        self.outputs = [module for name, module in self.encoder.named_modules() if ("." + name).endswith(ends)]
        values = (".attention.self.value", ".attention.v_lin", ".attention.value")
        self.values = [module for name, module in self.encoder.named_modules() if ("." + name).endswith(values)]
        self.carried = []
        for module in self.outputs:
            module.register_forward_pre_hook(self.context)
        for module in self.values:
            module.register_forward_hook(lambda module, args, value: self.carried.append(value[0]))
        self.heads = self.config.num_attention_heads

    def embed(self, module, args):
        self.sum, self.layer, self.carried = args[0], 0, []
        if self.given is not None:
            return (self.given,)

    def context(self, module, args):
        context = args[0].clone()
        size = context.shape[-1] // self.heads
        for layer, head in self.off:
            if layer == self.layer:
                context[..., head * size:(head + 1) * size] = 0
        self.layer += 1
        return (context,)

    def run(self, encoded, ids=None, **more):
        inputs = dict(encoded)
        if ids is not None:
            inputs = {name: value.expand(len(ids), *value.shape[1:]) for name, value in inputs.items()}
            inputs["input_ids"] = ids
        return self.model(**inputs, output_hidden_states=True, output_attentions=True, **more)


def best(logits, target):
    values, ids = logits.topk(TOP)
    rank = 1 + int((logits > logits[target]).sum())
    return dict(ids=ids.tolist(), logits=numbers(values), sum=numbers(torch.logsumexp(logits, -1))[0], target=numbers(logits[target])[0], rank=rank)


def attributions(inside, encoded, words, tokenizer, logit, hidden):
    """`logit(output)` makes [n] of an output; `words` are no special tokens, `hidden` those that are hidden in turn."""
    ids = encoded["input_ids"]

    def forward(given):
        inside.given = given
        found = logit(inside.run(encoded, ids.expand(len(given), -1)))
        inside.given = None
        return found

    inside.run(encoded)
    own = inside.sum.detach()
    own.requires_grad_(True)
    value = forward(own)[0]
    (slope,) = torch.autograd.grad(value, own)
    found = dict(logit=float(value), gradient_x_input=numbers((slope * inside.encoder.embeddings.word_embeddings(ids)).sum(-1)[0].detach()), baselines={})
    more = {}
    if inside.config.model_type in ("roberta", "xlm-roberta", "camembert"):
        more["position_ids"] = torch.arange(ids.shape[1])[None] + inside.config.pad_token_id + 1
    for name, filler in [("mask", tokenizer.mask_token_id), ("pad", tokenizer.pad_token_id), ("zero", None)]:
        base = torch.zeros_like(own)
        if filler is not None:
            other = ids.clone()
            other[0, words] = filler
            inside.run(encoded, other, **more)
            base = inside.sum
        base = base.detach()
        integrated = IntegratedGradients(forward).attribute(own.detach(), base, n_steps=POINTS, method="gausslegendre")
        found["baselines"][name] = dict(logit=float(forward(base)[0].detach()), integrated_gradients=numbers(integrated.sum(-1)[0].detach()))
    others = ids.repeat(len(hidden), 1)
    for row, place in enumerate(hidden):
        others[row, place] = tokenizer.mask_token_id
    found["mask_one_out"] = numbers(value.detach() - logit(inside.run(encoded, others)).detach())
    found["hidden"] = hidden
    return found


def encode(inside, tokenizer, text, pair):
    types = getattr(inside.config, "type_vocab_size", 0) > 1
    if text and tokenizer.mask_token:
        text, pair = (part and part.replace("[MASK]", tokenizer.mask_token) for part in (text, pair))
    encoded = tokenizer(text, pair, return_tensors="pt", return_token_type_ids=types)
    words = [i for i, sequence in enumerate(encoded.sequence_ids(0)) if sequence is not None]
    return text, pair, encoded, words


def look(inside, encoded):
    """What every kind of model has."""
    with torch.no_grad():
        output = inside.run(encoded)
    norms = []
    for layer in range(inside.config.num_hidden_layers):
        module = inside.outputs[layer] if len(inside.outputs) > layer and inside.config.model_type != "albert" else None
        if module is None:
            groups = inside.config.num_hidden_groups
            module = inside.outputs[int(layer / (inside.config.num_hidden_layers / groups))]
        value = inside.carried[layer]
        size = value.shape[-1] // inside.heads
        for head in range(inside.heads):
            part = slice(head * size, (head + 1) * size)
            norms.append((value[:, part] @ module.weight[:, part].T).norm(dim=-1))
    return output, dict(ids=encoded["input_ids"][0].tolist(), hidden=[numbers(h[0]) for h in output.hidden_states],
                        attention=[numbers(a[0]) for a in output.attentions], norms=numbers(torch.stack(norms).detach()))


def mlm_head(model):
    for name in ("cls", "lm_head", "predictions"):
        if hasattr(model, name):
            head = getattr(model, name)
            return head.predictions if name == "cls" else head
    if hasattr(model, "vocab_transform"):
        return lambda x: model.vocab_projector(model.vocab_layer_norm(model.activation(model.vocab_transform(x))))
    return lambda x: model.generator_lm_head(model.generator_predictions(x))


def words_case(inside, tokenizer, text, pair):
    text, pair, encoded, words = encode(inside, tokenizer, text, pair)
    ids = encoded["input_ids"]
    output, found = look(inside, encoded)
    mask = tokenizer.mask_token_id
    place = ids[0].tolist().index(mask)
    logits = output.logits[0, place]
    target = int(logits.topk(2).indices[1])
    found |= dict(text=text, pair=pair, place=place, target=target)
    head = mlm_head(inside.model)
    with torch.no_grad():
        found["lens"] = [best(head(h)[0, place], target) for h in output.hidden_states]
        assert (head(output.hidden_states[-1])[0, place] - logits).abs().max() < 1e-9
        inside.off = [(0, 1), (inside.config.num_hidden_layers - 1, 0)]
        found["off"] = inside.off
        found["without"] = best(inside.run(encoded).logits[0, place], target)
        inside.off = []
        length = ids.shape[1]
        for side, seen in [("left", torch.ones(length, length).tril()), ("right", torch.ones(length, length).triu())]:
            bias = torch.zeros(length, length, dtype=torch.float64).masked_fill(seen == 0, -1e300)[None, None]
            sided = {name: value for name, value in encoded.items() if name != "attention_mask"}
            seen_by = inside.run(sided, attention_mask=bias)
            assert seen_by.attentions[0][0, 0][seen == 0].abs().max() == 0
            found[side] = best(seen_by.logits[0, place], target)
        for name, within in [("surprisal", False), ("within_word", True)]:
            pieces = list(zip(encoded.sequence_ids(0), encoded.word_ids(0)))
            scored = [i for i in words if int(ids[0, i]) != mask]
            others = ids.repeat(len(scored), 1)
            for row, i in enumerate(scored):
                others[row, i] = mask
                for j in words:
                    if within and j > i and pieces[j] == pieces[i]:
                        others[row, j] = mask
            shares = torch.log_softmax(inside.run(encoded, others).logits, -1)
            bits = [-float(shares[row, i, ids[0, i]]) / math.log(2) for row, i in enumerate(scored)]
            found[name] = dict(places=scored, bits=numbers(torch.tensor(bits)), perplexity=2 ** (sum(bits) / len(bits)))
    hidden = [i for i in words if int(ids[0, i]) != mask]
    found["attribution"] = attributions(inside, encoded, words, tokenizer, lambda o: o.logits[:, place, target], hidden)
    return found


def classes(model, hidden):
    """The head of a whole text on one layer's output."""
    kind = model.config.model_type
    if kind == "bert":
        return model.classifier(model.bert.pooler(hidden))
    if kind == "albert":
        return model.classifier(model.albert.pooler_activation(model.albert.pooler(hidden[:, 0])))
    if kind == "distilbert":
        return model.classifier(torch.relu(model.pre_classifier(hidden[:, 0])))
    return model.classifier(hidden)


def head_case(inside, tokenizer, kind, text, pair):
    text, pair, encoded, words = encode(inside, tokenizer, text, pair)
    output, found = look(inside, encoded)
    found = dict(ids=found["ids"], text=text, pair=pair, off=[(0, 1)])
    if kind == "SequenceClassification":
        with torch.no_grad():
            found["classes"] = [numbers(classes(inside.model, h)[0]) for h in output.hidden_states]
        all_ = lambda o: o.logits
        logit, found["asked"] = lambda o: o.logits[:, 1], dict(output=1)
    elif kind == "TokenClassification":
        all_ = lambda o: o.logits
        logit, found["asked"] = lambda o: o.logits[:, 2, 3], dict(place=2, output=3)
    else:
        all_ = lambda o: torch.stack([o.start_logits, o.end_logits], -1)
        logit, found["asked"] = lambda o: o.end_logits[:, 3], dict(place=3, output=1)
    with torch.no_grad():
        inside.off = found["off"]
        found["without"] = numbers(all_(inside.run(encoded))[0])
        inside.off = []
    found["attribution"] = attributions(inside, encoded, words, tokenizer, logit, words)
    return found


def main():
    load = dict(attn_implementation="eager")
    models = []
    for folder in WORDS:
        tokenizer = hf.AutoTokenizer.from_pretrained(FIXTURES / folder)
        inside = Inside(hf.AutoModelForMaskedLM.from_pretrained(FIXTURES / folder, **load))
        cases = [words_case(inside, tokenizer, *text) for text in (TEXTS[1:] if folder == "tiny-bert-f16" else TEXTS)]
        models.append(dict(folder=folder, tokenizer=folder, cases=cases))
    for folder, of, kind in HEADS:
        tokenizer = hf.AutoTokenizer.from_pretrained(FIXTURES / of)
        inside = Inside(getattr(hf, "AutoModelFor" + kind).from_pretrained(FIXTURES / folder, **load))
        models.append(dict(folder=folder, tokenizer=of, cases=[head_case(inside, tokenizer, kind, "the dog saw it", "and ran")]))
    versions = {module.__name__: module.__version__ for module in (torch, hf)} | dict(captum=__import__("captum").__version__)
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES / "inside.json"
    out.write_text(json.dumps(dict(versions=versions, points=POINTS, models=models), separators=(",", ":")) + "\n")
    print(out, out.stat().st_size, "bytes")


main()
