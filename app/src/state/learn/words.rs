//! The words of the lesson's steps: what each claims and asks. What it sets up and checks is in `steps.rs`, apart, so that the
//! words come with what shows them.

use super::CHOICES;
use super::steps::COUNT;

/// A paper that a claim comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Paper {
    /// Authors, year, title.
    pub name: &'static str,
    /// Its number on arXiv.
    pub arxiv: &'static str,
}

const BERT: Paper = Paper {
    name: "Devlin et al., 2019: BERT: Pre-training of Deep Bidirectional Transformers",
    arxiv: "1810.04805",
};
const ROBERTA: Paper = Paper {
    name: "Liu et al., 2019: RoBERTa: A Robustly Optimized BERT Pretraining Approach",
    arxiv: "1907.11692",
};
const ALBERT: Paper = Paper {
    name: "Lan et al., 2020: ALBERT: A Lite BERT",
    arxiv: "1909.11942",
};
const ELECTRA: Paper = Paper {
    name: "Clark et al., 2020: ELECTRA: Pre-training Text Encoders as Discriminators",
    arxiv: "2003.10555",
};

/// The words of one step.
#[derive(Debug)]
pub struct Words {
    /// The claim, in a sentence.
    pub claim: &'static str,
    /// What it is about, as a list of topics has it.
    pub topics: &'static str,
    /// Asked before anything is shown.
    pub question: &'static str,
    pub choices: [&'static str; CHOICES],
    /// Which of them is right.
    pub right: usize,
    /// Why.
    pub why: &'static str,
    /// What to do once the button was pressed.
    pub task: &'static str,
    /// What the page checks.
    pub check_text: &'static str,
    /// What the claim does not say.
    pub limits: &'static str,
    pub papers: &'static [Paper],
}

/// Those of all steps, in order.
pub const WORDS: [Words; COUNT] = [
    Words {
        claim: "BERT reads both sides of a blank.",
        topics: "Bidirectional",
        question: "“He poured a cup of ▢ and sat down.” Which words may BERT use to fill the blank?",
        choices: ["Those before it", "Those after it", "Both"],
        right: 2,
        why: "Every layer mixes each token with all others, left and right. That is the B in BERT: bidirectional.",
        task: "Compare the three columns: the left side alone, the right side alone, and both.",
        check_text: "The three columns are there",
        limits: "BERT was not trained with one side alone, so its guesses from one side are worse than those of a model \
                 that was.",
        papers: &[BERT],
    },
    Words {
        claim: "A text becomes pieces of words from a fixed list.",
        topics: "WordPiece, [CLS] and [SEP]",
        question: "What does BERT do with a word that is not in its vocabulary?",
        choices: [
            "It leaves the word out",
            "It cuts the word into known pieces",
            "It learns the new word",
        ],
        right: 1,
        why: "The longest known piece from the left, then the next, marked with ##. [CLS] stands before the text and [SEP] \
              after it; what a classifier reads is [CLS].",
        task: "Type a long or rare word of your own into the text, and see its pieces below.",
        check_text: "Your own text has a word in pieces (##)",
        limits: "RoBERTa and its kin cut words by bytes, with other marks. The list was made once, before training.",
        papers: &[BERT],
    },
    Words {
        claim: "It was trained by hiding 15% of the words.",
        topics: "Masked language modelling, 80/10/10, exercise 1",
        question: "Exercise 1. A text has 100 tokens, and BERT's recipe is 15%, of these 80/10/10. How many show as [MASK]?",
        choices: ["100", "15", "12"],
        right: 2,
        why: "15 of 100 are chosen and carry the loss: 80% of them, 12, show as [MASK]; 10%, 1.5 on average, are swapped for \
              a random word; 10% stay. So the model cannot trust any word it sees, and learns something at all of them.",
        task: "Press “Deal again” a few times and count: hidden, swapped, kept.",
        check_text: "Words have been dealt",
        limits: "15% is a choice, not a law: larger models learn well with more. The other 85% carry no loss at all.",
        papers: &[BERT],
    },
    Words {
        claim: "The guess takes shape layer by layer.",
        topics: "Lower and upper layers, logit lens",
        question: "If the model stopped after its first layer, would the best guess be the same?",
        choices: ["Always", "Often not", "It would have no guess"],
        right: 1,
        why: "Each layer rewrites every token's vector. Put through the same head, early layers name frequent or near words; \
              what fits the sentence comes later.",
        task: "Follow the word “coffee”: type it into “Follow a word”, and watch its rank from layer to layer.",
        check_text: "The picture follows a word",
        limits: "The head was trained for the last layer alone. It may misread what an early layer knows.",
        papers: &[Paper {
            name: "Tenney et al., 2019: BERT Rediscovers the Classical NLP Pipeline",
            arxiv: "1905.05950",
        }],
    },
    Words {
        claim: "Heads share the work; switch one off and see.",
        topics: "Attention",
        question: "You switch one attention head off. What happens to the guesses?",
        choices: [
            "They are lost",
            "They shift, mostly a little",
            "Nothing at all",
        ],
        right: 1,
        why: "Heads overlap, so most can go alone. Some do something that no other does, and then the guess moves.",
        task: "Press a small map, then “Switch head … off”; try a few, in lower and upper layers. Which one moves the guess most?",
        check_text: "A head is off",
        limits: "Where a head looks is no explanation of the guess. What changes when it is off is a fact about this one text.",
        papers: &[
            Paper {
                name: "Clark et al., 2019: What Does BERT Look At?",
                arxiv: "1906.04341",
            },
            Paper {
                name: "Michel et al., 2019: Are Sixteen Heads Really Better than One?",
                arxiv: "1905.10650",
            },
        ],
    },
    Words {
        claim: "Telling the next sentence was too easy to teach much.",
        topics: "Next sentence prediction, successors, misconception: NSP is what makes BERT good",
        question: "BERT also learned whether a second text follows the first or comes from elsewhere. Why did RoBERTa drop it?",
        choices: [
            "It was too slow",
            "The topic gives the answer away",
            "It needs labels",
        ],
        right: 1,
        why: "A random other text mostly has another topic, so little about order or logic has to be learned. Without it \
              RoBERTa did as well or better. ALBERT swaps two neighbours instead: same topic, so order is all there is.",
        task: "Look at what is to be learned: hidden words in pairs, and whether the second follows. Start it if you have a few \
               minutes: it draws both losses.",
        check_text: "Pairs of the book are ready to be learned",
        limits: "That it helped little on the usual tests does not make it useless for tasks on pairs of texts.",
        papers: &[ROBERTA, ALBERT],
    },
    Words {
        claim: "Fine-tuning moves every weight a little, unless you hold them.",
        topics: "Fine-tuning, transfer, misconception: only the new layer learns",
        question: "In BERT's own recipe, which weights change in fine-tuning?",
        choices: [
            "Those of the new head alone",
            "All of them, a little",
            "Those of the last layer",
        ],
        right: 1,
        why: "All weights learn, at a rate so small that most change by less than 1%. Training the head alone is a choice, and \
              often a good one: it takes seconds.",
        task: "Press “Start”: the head alone learns six kinds of question. Then look at Inside, “Before and after”: its bars are \
               at 0. Try “Whole model” later and look again.",
        check_text: "A run has ended",
        limits: "How far the weights moved says nothing about how much better the model got.",
        papers: &[
            BERT,
            Paper {
                name: "Peters et al., 2019: To Tune or Not to Tune?",
                arxiv: "1903.05987",
            },
        ],
    },
    Words {
        claim: "With pretraining, a few examples go far.",
        topics: "Sample efficiency, transfer with few examples",
        question: "Six kinds of question, 8 labelled examples of them in all. How well can a head on a pretrained model do?",
        choices: ["No better than chance", "Well above chance", "Perfectly"],
        right: 1,
        why: "The encoder already tells texts apart; the head only has to name the parts. Error falls roughly like 1/√n, so \
              each further step costs four times the examples for half the gap.",
        task: "Press “Draw the frozen line” and read it from left to right. Add the line from scratch if you have a few minutes.",
        check_text: "The curve has points",
        limits: "One data set, one model. With labels enough, training from scratch can catch up.",
        papers: &[Paper {
            name: "Zhang et al., 2021: Revisiting Few-sample BERT Fine-tuning",
            arxiv: "2006.05987",
        }],
    },
    Words {
        claim: "Outside its world it is lost.",
        topics: "Failure by domain, adaptation",
        question: "This model read English prose. How surprised is it by the same thought in German?",
        choices: [
            "Equally",
            "Far more, at nearly every word",
            "It translates it first",
        ],
        right: 1,
        why: "It has pieces for German letters, but no idea which follow. The same goes, less plainly, for law, chemistry or \
              chats. More pretraining on such text mends it before any labels are spent.",
        task: "Compare the bits under the words of the two sentences. Put a sentence of your own trade in the second box.",
        check_text: "Both sentences have their bits",
        limits: "Bits depend on the vocabulary, so models with different ones cannot be compared by them.",
        papers: &[Paper {
            name: "Gururangan et al., 2020: Don't Stop Pretraining",
            arxiv: "2004.10964",
        }],
    },
    Words {
        claim: "BERT does not write.",
        topics: "Encoder and decoder, exercise 2, misconception: BERT generates text",
        question: "Exercise 2. A model that reads left to right learns from all 100 of 100 tokens, BERT from 15. How many times as \
                   much signal does a pass give the former?",
        choices: ["1.5 times", "6.7 times", "15 times"],
        right: 1,
        why: "100 / 15 is 6.7. The other model is a decoder: it gives each next word a probability, and their product is that of \
              the text. BERT fills each blank as if the others were not there, and in which order one fills them changes \
              the product: it has no probability of a text.",
        task: "Four blanks, filled in three orders: read the three texts. Below, the probabilities of one text are multiplied in \
               each order. Press “Write anew” and compare the three products again.",
        check_text: "It has written anew",
        limits: "A BERT can be made to write, slowly and badly. A decoder pays for writing: it sees the left side only. \
                 (To see one, make a twin under “Make a new one” in the model's card: Writing then shows the one product it has.)",
        papers: &[Paper {
            name: "Wang and Cho, 2019: BERT has a Mouth, and It Must Speak",
            arxiv: "1902.04094",
        }],
    },
    Words {
        claim: "Every word can teach.",
        topics: "ELECTRA, replaced words, successors",
        question: "ELECTRA swaps words for plausible ones, and a model tells for each token whether it was swapped. How many tokens \
                   carry the loss?",
        choices: ["All of them", "15%", "Those that were swapped"],
        right: 0,
        why: "Every token is real or replaced, so all of them teach. That is why ELECTRA reached BERT's level with about a \
              quarter of the computing.",
        task: "Play a round: press the words that you take for swapped, then “Show”. Every word that you looked at was a yes or no: \
               ELECTRA learns from each of them. (To train one, open an ELECTRA: Teach then offers “Replaced words”.)",
        check_text: "A round's answer is shown",
        limits: "A yes or no carries fewer bits than a word out of thousands: 100% against 15% is not 6.7 times as much learned.",
        papers: &[ELECTRA],
    },
];
