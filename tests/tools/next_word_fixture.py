"""Five steps of AdamW in PyTorch for the next word: tiny-bert read as BertLMHeadModel with is_decoder. Run by itself, after make_fixtures.py:

    python tests/tools/next_word_fixture.py [OUT_DIR]

Writes OUT_DIR/next_word.json (tests/fixtures unless given).
"""
import torch
import transformers as hf

from family_fixtures import OUT
from goal_fixtures import RECIPE, encode, train
from make_fixtures import VERSIONS, write

TEXTS = ["the film was great", "a cat sat on the mat", "i love"]


def main():
    tokenizer = hf.AutoTokenizer.from_pretrained(OUT / "tiny-bert")
    model = hf.BertLMHeadModel.from_pretrained(OUT / "tiny-bert", is_decoder=True, dtype=torch.float32).eval()
    encoded = encode(tokenizer, TEXTS, True)
    labels = encoded["input_ids"].masked_fill(encoded["attention_mask"] == 0, -100)
    run = train(model, encoded, lambda: model(**encoded, labels=labels).loss, 1.0)
    parameters = run.pop("parameters")
    note = "dropout off; losses[i] is the loss before step i + 1; grads are those of step 0 before clipping; weight decay on matrices and embeddings"
    write(OUT / "next_word.json", VERSIONS | RECIPE | dict(note=note) | run, parameters=parameters)


if __name__ == "__main__":
    main()
