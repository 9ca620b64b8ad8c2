"""Five steps of AdamW in PyTorch for replaced words (Clark et al. 2020): tiny-electra-discriminator learns to tell what a generator beside it,
which shares its tables of embeddings, has drawn. Run by itself, after family_fixtures.py:

    python tests/tools/replaced_fixture.py [OUT_DIR]

Writes OUT_DIR/replaced.json (tests/fixtures unless given). The generator's own weights are a formula of their names in transformers, so that no
file holds them; the words are drawn with the noise of kernels/src/ops/sample, ported here.
"""
import numpy as np
import torch
import transformers as hf
from torch.nn.functional import cross_entropy

from family_fixtures import OUT
from goal_fixtures import RECIPE, encode
from make_fixtures import VERSIONS, number, summary, write

WEIGHT = 50.0
STREAM = 0x6E4E0000
SEED = 1234
TEXTS = ["the film was great", "a cat sat on the mat", "i love"]
HIDDEN = [(0, 2), (0, 4), (1, 3), (2, 1), (2, 2)]
TABLES = ["word_embeddings", "position_embeddings", "token_type_embeddings"]


def pcg(x):
    state = x * np.uint32(747796405) + np.uint32(2891336453)
    word = ((state >> ((state >> np.uint32(28)) + np.uint32(4))) ^ state) * np.uint32(277803737)
    return (word >> np.uint32(22)) ^ word


def draw(logits, seed):
    """A column of each row, as kernels/src/ops/sample draws it."""
    with np.errstate(over="ignore"):
        key = pcg(np.array([seed], np.uint32) + np.array([STREAM], np.uint32) * np.uint32(2654435769))
        bits = pcg(np.arange(logits.numel(), dtype=np.uint32) ^ key) >> np.uint32(9)
    v = (bits.astype(np.float64) + 0.5) / 2**23
    noise = np.log(np.log1p(v / (1 - v))).reshape(logits.shape)
    return torch.from_numpy(np.argmax(logits.detach().double().numpy() - noise, axis=1))


def formula(name, parameter):
    """Numbers that the test makes too."""
    start = sum(name.encode())
    waves = torch.sin(start + 0.7 * torch.arange(parameter.numel(), dtype=torch.float64)) * 0.2
    return (waves + (1.0 if name.endswith("LayerNorm.weight") else 0.0)).float().reshape(parameter.shape)


def place(name):
    """The name under which a generator's parameter lies."""
    name = name.removeprefix("electra.").replace("generator_predictions.dense", "cls.predictions.transform.dense")
    name = name.replace("generator_predictions.LayerNorm", "cls.predictions.transform.LayerNorm")
    return "generator/" + name.replace("generator_lm_head.bias", "cls.predictions.bias")


def gradients(generator, model):
    found = [dict(name=n, grad=summary(p.grad)) for n, p in model.named_parameters()]
    packed = {}
    for name, parameter in generator.named_parameters():
        if any(table in name for table in TABLES) or name == "generator_lm_head.weight":
            continue
        for part in ["query", "key", "value"]:
            name = name.replace(f"attention.self.{part}.", "attention.self.qkv.")
        packed.setdefault(place(name), []).append(parameter.grad)
    return found + [dict(name=n, grad=summary(torch.cat(parts))) for n, parts in packed.items()]


def main():
    tokenizer = hf.AutoTokenizer.from_pretrained(OUT / "tiny-electra-discriminator")
    model = hf.ElectraForPreTraining.from_pretrained(OUT / "tiny-electra-discriminator", dtype=torch.float32).eval()
    own = model.config
    config = hf.ElectraConfig.from_dict(own.to_dict() | dict(hidden_size=own.hidden_size // 2, intermediate_size=own.intermediate_size // 2, num_attention_heads=1))
    generator = hf.ElectraForMaskedLM(config).eval()
    for table in TABLES:
        setattr(generator.electra.embeddings, table, getattr(model.electra.embeddings, table))
    generator.generator_lm_head.weight = model.electra.embeddings.word_embeddings.weight
    shared = {id(p) for p in model.parameters()}
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if id(parameter) not in shared:
                parameter.copy_(formula(name, parameter))
    encoded = encode(tokenizer, TEXTS, True)
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    hidden = ids.clone()
    rows, columns = (torch.tensor(x) for x in zip(*HIDDEN))
    hidden[rows, columns] = tokenizer.mask_token_id
    target = ids[rows, columns]
    named = dict(model.named_parameters()) | {"generator/" + n: p for n, p in generator.named_parameters() if id(p) not in shared}
    flat = {n for n in named if n.endswith("bias") or "norm" in n.lower()}
    groups = [dict(params=[named[n] for n in named if n not in flat], weight_decay=RECIPE["weight_decay"]), dict(params=[named[n] for n in flat], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=RECIPE["lr"], betas=tuple(RECIPE["betas"]), eps=RECIPE["eps"])
    losses, drawn, grads = [], [], []
    for step in range(6):
        logits = generator(input_ids=hidden, attention_mask=mask, token_type_ids=encoded["token_type_ids"]).logits[rows, columns]
        words = cross_entropy(logits, target)
        sample = draw(logits, SEED + step)
        filled = ids.clone()
        filled[rows, columns] = sample
        told = model(input_ids=filled, attention_mask=mask, token_type_ids=encoded["token_type_ids"], labels=(filled != ids).float()).loss
        loss = words + WEIGHT * told
        losses.append([number(x.item(), 8) for x in (words, told, loss)])
        drawn.append(sample.tolist())
        if step == 5:
            break
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            grads = gradients(generator, model)
        torch.nn.utils.clip_grad_norm_(named.values(), RECIPE["max_grad_norm"])
        optimizer.step()
    masks = [[text, at, ids[text, at].item()] for text, at in HIDDEN]
    note = "dropout off; losses[i] are words, told and words + 50 told before step i + 1; drawn[i] is what the generator drew with seed + i"
    write(OUT / "replaced.json", VERSIONS | RECIPE | dict(note=note, seed=SEED, input_ids=hidden.tolist(), lengths=mask.sum(1).tolist(),
          token_type_ids=encoded["token_type_ids"].tolist(), masks=masks, losses=losses, drawn=drawn), parameters=grads)


if __name__ == "__main__":
    main()
