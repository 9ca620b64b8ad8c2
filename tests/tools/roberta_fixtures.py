"""RoBERTa's relatives with SentencePiece vocabularies, whose weights are PyTorch files. Run by itself:

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 transformers==5.24.0 tokenizers==0.23.3 safetensors==0.8.0 sentencepiece==0.2.2
    venv/bin/python tests/tools/roberta_fixtures.py [OUT_DIR]

    tiny-xlm-roberta     XLMRobertaForMaskedLM, activation silu; pytorch_model.bin in the zip layout, the decoder and the word
                         embedding in one storage
    tiny-camembert       CamembertForMaskedLM, activation quick_gelu; pytorch_model.bin in the layout before it, as `module.…`, gamma
                         and beta for LayerNorm's weight and bias

Every kernel is transposed in both, as TensorFlow's converters leave them. Goldens as in family_fixtures.py.
"""
import io

import sentencepiece
import torch
import transformers as hf

from family_fixtures import LINES, SIZES, fields, golden, scatter, tokenization
from make_fixtures import OUT


def pieces(language):
    lines = LINES if language == "xlm" else LINES + ["le fromage était très bon, n'est-ce pas ?", "où est-elle allée hier soir", "l'été à Paris"]
    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 4), model_writer=stream, vocab_size=90, model_type="unigram", character_coverage=1.0,
        normalization_rule_name="nmt_nfkc", num_threads=1, hard_vocab_limit=False, minloglevel=2)
    spm = sentencepiece.SentencePieceProcessor(model_proto=stream.getvalue())
    # Without <unk>, <s> and </s>, which begin it.
    found = [(spm.id_to_piece(i), round(spm.get_score(i), 4)) for i in range(3, len(spm))]
    # A map as in the published files would be 300 KB; this one knows what the tests write.
    rules = OUT / "rules.tsv"
    rules.write_text("2026\t2e 2e 2e\nff21\t41\nbd\t31 2f 32\na0\t20\n3000\t20\n9\t20\na\t20\n200b\t20\n")
    small = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=small, vocab_size=60, hard_vocab_limit=False,
                                             normalization_rule_tsv=str(rules), num_threads=1, minloglevel=2)
    rules.unlink()
    return found, fields(fields(small.getvalue())[3])[2]


def xlm_roberta():
    found, charsmap = pieces("xlm")
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return hf.XLMRobertaTokenizer(vocab=special + found + [("<mask>", 0.0)], _spm_precompiled_charsmap=charsmap, model_max_length=64)


def camembert():
    found, charsmap = pieces("fr")
    special = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0), ("<unk>", 0.0), ("<unk>NOTUSED", -100.0)]
    special += [("<s>", 0.0), ("</s>", 0.0)]
    return hf.CamembertTokenizer(vocab=special + found + [("<mask>", 0.0)], _spm_precompiled_charsmap=charsmap, model_max_length=64)


def save(name, model, tokenizer, rename, zipped):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    state = {}
    for key, tensor in model.state_dict().items():
        if tensor.dim() == 2 and "embeddings" not in key and key != "lm_head.decoder.weight":
            tensor = tensor.t().contiguous().t()
        state[key] = tensor
    assert zipped or state["lm_head.decoder.weight"].data_ptr() == state["roberta.embeddings.word_embeddings.weight"].data_ptr()
    # transformers reads the plain names; what is kept has the others.
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    golden(folder, tokenizer)
    tokenization(folder, tokenizer)
    torch.save({rename(key): tensor for key, tensor in state.items()}, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)


def older(key):
    start, dot, end = key.rpartition("LayerNorm.")
    return "module." + (start + dot + {"weight": "gamma", "bias": "beta"}[end] if dot else key)


def main():
    sizes = dict(SIZES, max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5)
    tokenizer = xlm_roberta()
    config = hf.XLMRobertaConfig(**sizes, vocab_size=len(tokenizer), hidden_act="silu")
    save("tiny-xlm-roberta", scatter(hf.XLMRobertaForMaskedLM(config), 21), tokenizer, lambda key: key, True)
    tokenizer = camembert()
    config = hf.CamembertConfig(**sizes, vocab_size=len(tokenizer), hidden_act="quick_gelu", bos_token_id=5, eos_token_id=6)
    save("tiny-camembert", scatter(hf.CamembertForMaskedLM(config), 22), tokenizer, older, False)


if __name__ == "__main__":
    main()
