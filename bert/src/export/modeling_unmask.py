"""BERT with a classifier over the mean of all attended tokens, special ones included."""
import torch
from torch import nn
from transformers import BertConfig, BertModel, BertPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class UnmaskBertConfig(BertConfig):
    model_type = "unmask_bert"


class UnmaskBertForSequenceClassification(BertPreTrainedModel):
    config_class = UnmaskBertConfig

    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = BertModel(config, add_pooling_layer=False)
        names = ["classifier_dropout", "classifier_dropout_prob", "seq_classif_dropout", "hidden_dropout_prob"]
        rates = [getattr(config, name, None) for name in names]
        self.dropout = nn.Dropout(next(rate for rate in rates if rate is not None))
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, labels=None, **kwargs):
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        hidden = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        share = attention_mask.to(hidden.dtype).unsqueeze(-1)
        vectors = (hidden * share).sum(1) / share.sum(1)
        logits = self.classifier(self.dropout(vectors))
        loss = None
        if labels is not None and self.config.problem_type == "regression":
            loss = nn.functional.mse_loss(logits.squeeze(), labels.squeeze().to(logits.dtype))
        elif labels is not None and self.config.problem_type == "multi_label_classification":
            loss = nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        elif labels is not None:
            loss = nn.functional.cross_entropy(logits, labels.view(-1))
        return SequenceClassifierOutput(loss=loss, logits=logits)
