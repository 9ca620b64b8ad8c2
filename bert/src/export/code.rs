//! The class that a folder brings along where `transformers` has none for how its head reads a text.

use super::{Kind, pooling};
use crate::config::{Family, HeadKind, Pooling};
use crate::model::Model;

/// For BERT, and the mean of the tokens.
const MODELING: &str = include_str!("modeling_unmask.py");

/// The family's class. [`super::needs_code`] says where it is needed.
pub(super) fn modeling(model: &Model, kind: Kind) -> String {
    let family = model.config().family;
    let prefix = family.class_prefix();
    let base = match family {
        Family::XlmRoberta | Family::Camembert => "roberta",
        _ => family.model_type(),
    };
    let mut code = MODELING
        .replace("self.bert", &format!("self.{base}"))
        .replace("unmask_bert", &model_type(model))
        .replace("Bert", prefix);
    if matches!(family, Family::DistilBert | Family::Electra) {
        code = code.replace(", add_pooling_layer=False", "");
    }
    if family == Family::DistilBert {
        code = code.replace(", token_type_ids=token_type_ids", "");
    }
    // Where the family's classifier is a part of its head, it has the same name here.
    if let (_, "classifier.out_proj") = model.head_names(HeadKind::Classes) {
        let own = "self.classifier = nn.Module()\n        self.classifier.out_proj = nn.Linear";
        code = code
            .replace("self.classifier = nn.Linear", own)
            .replace("self.classifier(self", "self.classifier.out_proj(self");
    }
    if pooling(model, kind) == Some(Pooling::Cls) {
        let mean = "        share = attention_mask.to(hidden.dtype).unsqueeze(-1)\n        vectors = (hidden * share).sum(1) / share.sum(1)\n";
        code = code
            .replace(mean, "        vectors = hidden[:, 0]\n")
            .replace(
                "the mean of all attended tokens, special ones included",
                "the vector of its first token",
            );
    }
    code
}

/// The model type of its own, so that loading fails without the code.
pub(super) fn model_type(model: &Model) -> String {
    format!(
        "unmask_{}",
        model.config().family.model_type().replace('-', "_")
    )
}
