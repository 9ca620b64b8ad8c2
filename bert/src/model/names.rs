//! The parameter names that graphs refer to: BERT's, in every family.

/// `[V, E]`
pub const WORD: &str = "embeddings.word_embeddings.weight";
/// `[P, E]`
pub const POSITION: &str = "embeddings.position_embeddings.weight";
/// `[S, E]`
pub const TYPE: &str = "embeddings.token_type_embeddings.weight";
/// `.weight` and `.bias`: `[E]`
pub const EMBEDDING_NORM: &str = "embeddings.LayerNorm";
/// `.weight`: `[H, E]`, only where the configuration asks for it
pub const PROJECTION: &str = "embeddings_project";
/// `.weight`: `[H, H]`
pub const POOLER: &str = "pooler.dense";
/// `.weight`: `[E, H]`
pub const TRANSFORM: &str = "cls.predictions.transform.dense";
/// `[E]` each
pub const TRANSFORM_NORM: &str = "cls.predictions.transform.LayerNorm";
/// `[V, E]`, only where it is not the word embedding
pub const DECODER: &str = "cls.predictions.decoder.weight";
/// `[V]`
pub const DECODER_BIAS: &str = "cls.predictions.bias";
/// `.weight`: `[2, H]`
pub const NSP: &str = "cls.seq_relationship";
/// `.weight`: `[L, H]`
pub const CLASSIFIER: &str = "classifier";
/// `.weight`: `[H, H]`
pub const REPLACED: &str = "discriminator_predictions.dense";
/// `.weight`: `[1, H]`
pub const REPLACED_LOGIT: &str = "discriminator_predictions.dense_prediction";

/// Layer `i`'s part of this name, as in `encoder.layer.0.output.dense`; of layers that share
/// their weights, i is the group.
pub fn layer(i: usize, part: &str) -> String {
    format!("encoder.layer.{i}.{part}")
}

/// The packed queries, keys and values: `.weight` `[3H, H]`, `.bias` `[3H]`.
pub const QKV: &str = "attention.self.qkv";
