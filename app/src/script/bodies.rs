//! The parts of scripts, in Python. `{…}` are places that the module fills; f-strings have braces too, with other words in them.

/// A text, and its tokens.
pub const TOKENS: &str = r#"inputs = tokenizer({texts}, return_tensors="pt"{types}{cut})
"#;

/// A text, its tokens, and where they stand in it.
pub const OFFSETS: &str = r#"inputs = tokenizer({texts}, return_tensors="pt"{types}, return_offsets_mapping=True{cut})
offsets, sequences = inputs.pop("offset_mapping")[0].tolist(), inputs.sequence_ids(0)
"#;

/// Hides words.
pub const HIDE: &str = r#"before = inputs["input_ids"][0].clone()
inputs["input_ids"][0, HIDDEN] = tokenizer.mask_token_id
"#;

/// A pass.
pub const RUN: &str = r#"with torch.no_grad():
    output = model(**inputs)
"#;

/// The best guesses of each hidden word, and how the word fares that stands there.
pub const GUESSES: &str = r#"word = lambda token: tokenizer.convert_ids_to_tokens(int(token))
for place in HIDDEN:
    logits = {logits}[0, place]
    shares = logits.softmax(-1)
    print(f"Position {place}")
    for share, token in zip(*shares.topk(GUESSES)):
        print(f"{share:10.4%}  {word(token)}")
    hidden = before[place]
    if hidden != tokenizer.mask_token_id:
        print(f"hidden: {word(hidden)}, {shares[hidden]:.4%}, rank {(logits > logits[hidden]).sum() + 1}")
"#;

/// Whether the second text follows.
pub const FOLLOWS: &str = r#"print(f"{{logits}[0].softmax(-1)[0]:10.4%}  the second text follows the first")
"#;

/// How likely each token was replaced.
pub const REPLACED: &str = r#"tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0].tolist())
for token, share, sequence in zip(tokens, output.logits[0].sigmoid(), inputs.sequence_ids(0)):
    if sequence is not None:
        print(f"{share:10.4%}  {token}")
"#;

/// Outputs of a whole text, the likeliest first.
pub const OUTPUTS: &str = r#"shares = output.logits[0].{shares}
for share, place in zip(*shares.sort(descending=True)):
    print(f"{share:10.4%}  {model.config.id2label[int(place)]}")
"#;

/// One number.
pub const SCORE: &str = r#"score = output.logits[0, 0]
print(f"{score:10.4f}  score")
print(f"{score.sigmoid():10.4%}  as a probability")
"#;

/// Neighbouring tokens of one tag as one entity.
pub const ENTITIES: &str = r#"found, last = [], None
for shares, (start, end), sequence in zip(output.logits[0].softmax(-1), offsets, sequences):
    if sequence is None:
        continue
    tag = model.config.id2label[int(shares.argmax())]
    label = tag[2:] if tag[:2] in ("B-", "I-") else tag
    # Neighbours of one label are one entity, unless a B- begins another.
    if tag != "O" and (last != (sequence, label) or tag[:2] == "B-"):
        found.append((sequence, label, start, []))
    if tag != "O":
        found[-1][3].append((end, shares.max()))
    last = (sequence, label) if tag != "O" else None
for sequence, label, start, tokens in found:
    text = ({texts},)[sequence]
    share = sum(share for _, share in tokens) / len(tokens)
    print(f"{share:10.4%}  {label}: {text[start:tokens[-1][0]]}")
"#;

/// The likeliest answers, and that there is none.
pub const ANSWERS: &str = r#"inputs = tokenizer({texts}, return_tensors="pt"{types}, return_offsets_mapping=True{parts})
offsets = inputs.pop("offset_mapping").tolist()
inputs.pop("overflow_to_sample_mapping", None)
with torch.no_grad():
    output = model(**inputs)
starts, ends = output.start_logits, output.end_logits


def spans(part):
    """Every answer of up to 30 tokens in a part of the passage, the likeliest first."""
    places = [i for i, sequence in enumerate(inputs.sequence_ids(part)) if sequence == {sequence}]
    found = [(float(starts[part, a] + ends[part, b]), a, b) for i, a in enumerate(places) for b in places[i : i + 30]]
    return places, sorted(found, key=lambda span: -span[0])


part = max(range(len(offsets)), key=lambda part: spans(part)[1][0][0])
places, found = spans(part)
best = []
for _, a, b in found:
    if len(best) < 3 and all(b < first or a > last for first, last in best):
        best.append((a, b))
shares = lambda logits: dict(zip([0, *places], logits[part, [0, *places]].softmax(-1)))  # 0, [CLS]: no answer
begins, finishes = shares(starts), shares(ends)
rows = [(begins[a] * finishes[b], {passage}[offsets[part][a][0] : offsets[part][b][1]]) for a, b in best]
for share, answer in sorted([*rows, (begins[0] * finishes[0], "(no answer)")], key=lambda row: -row[0]):
    print(f"{share:10.4%}  {answer}")
"#;

/// Choices side by side.
pub const CHOICES: &str = r#"inputs = tokenizer([TEXT] * len(CHOICES), CHOICES, return_tensors="pt"{types}, padding=True, truncation=True, max_length={limit})
with torch.no_grad():
    logits = model(**{name: values.unsqueeze(0) for name, values in inputs.items()}).logits[0]
for score, share, choice in sorted(zip(logits, logits.softmax(-1), CHOICES), key=lambda row: -row[0]):
    print(f"{share:10.4%}  {choice}  (score {score:.4f})")
"#;
