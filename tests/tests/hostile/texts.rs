//! Texts to learn from: tables, texts with marks, running text, and the vocabulary that is made of it.

use crate::damage::{Format, fixture, said};
use crate::memory::{TABLES, bounded};
use bert::data::{
    Columns, DataError, Dataset, Example, Format as Texts, HeaderRow, Marks, Prose, Random, Row,
    Second, Split, Stretch, Table, Truth, blocks, kinds, plain_text, sentences,
};
use bert::tokenizer::{Tokenizer, TokenizerFiles, Vocabulary, WordCounts};

fn files(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn lies_in(stretch: &Stretch, text: &str) -> bool {
    stretch.start < stretch.end && stretch.end <= text.chars().count()
}

/// What is marked stands in its text.
fn marked(row: &Row) {
    match &row.marks {
        None => {}
        Some(Marks::Tags(tags)) => {
            let apart = |pair: &[(Stretch, String)]| pair[0].0.end <= pair[1].0.start;
            assert!(tags.windows(2).all(apart), "{row:?}");
            let stands =
                |(place, tag): &(Stretch, String)| lies_in(place, &row.cells[0]) && !tag.is_empty();
            assert!(tags.iter().all(stands), "{row:?}");
        }
        Some(Marks::Answers(answers)) => {
            assert!(answers.iter().all(|answer| lies_in(answer, &row.cells[1])));
        }
        Some(Marks::Choices(choices, right)) => {
            assert!((2..=16).contains(&choices.len()) && *right < choices.len());
            assert!(choices.iter().all(|choice| !choice.trim().is_empty()));
        }
    }
}

/// What is learned of an example is among what can be.
fn learnable(example: &Example, labels: usize) {
    let fits = match &example.truth {
        Truth::Class(class) => *class < labels,
        Truth::Labels(all) => {
            all.iter().all(|label| *label < labels) && all.windows(2).all(|two| two[0] < two[1])
        }
        Truth::Score(score) => score.is_finite(),
        Truth::Tags(tags) => tags.iter().all(|one| one.tag < labels),
        Truth::Answers(answers) => {
            let passage = example.pair.as_deref().unwrap_or_default();
            answers.iter().all(|answer| lies_in(answer, passage))
        }
        Truth::Choice { options, right } => *right < options.len(),
    };
    assert!(fits, "{example:?} of {labels} labels");
}

fn sets(table: &Table) {
    let columns = Columns::guess(table);
    for kind in kinds(table, &columns) {
        match Dataset::of(kind, table, &columns, None) {
            Ok((dataset, report)) => {
                report.notes();
                let count = dataset.examples.len();
                assert!(count <= table.rows.len());
                for example in &dataset.examples {
                    assert_eq!(example.truth.kind(), kind);
                    learnable(example, dataset.labels.len());
                }
                let split = Split::stratified(&dataset, 0.2, 1);
                let mut all = [split.train, split.validation].concat();
                all.sort_unstable();
                assert_eq!(all, Vec::from_iter(0..count), "each example once");
            }
            Err(error) => said(&error),
        }
    }
}

fn tables(bytes: &[u8]) {
    let guessed = Texts::guess(None, bytes);
    for header in [HeaderRow::Detect, HeaderRow::Present, HeaderRow::Absent] {
        match Table::parse(bytes, guessed, header) {
            Ok(table) => {
                assert!(!table.rows.is_empty() && !table.columns.is_empty());
                for row in &table.rows {
                    assert_eq!(row.cells.len(), table.columns.len());
                    marked(row);
                }
                table.notes();
                sets(&table);
            }
            Err(error) => said(&error),
        }
    }
}

#[test]
fn tables_of_texts() {
    let format = Format {
        files: files(&[
            "text\tlabel\ngood film\tpos\nbad film\tneg\nso so\tneg\n",
            "label,text,pair\n1,\"a, \"\"b\"\"\",x\n0,c,y\n1.0,d,\n",
            "sep=;\ntext;label\na;1\nb;2\n",
            "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": null}\n",
            "[{\"sentence1\": \"a\", \"sentence2\": \"b\", \"label\": 0}, {\"sentence1\": \"c\", \"label\": 1}]",
            "just a line\nand another, with a comma\n",
            "{\"text\": \"a\", \"labels\": [\"x\", \"y\"]}\n{\"text\": \"b\", \"labels\": [\"y\"]}\n{\"text\": \"c\", \"labels\": []}",
            "text,x,y,z\na,1,0,1\nb,0,0,1\nc,1,1,0\n",
            "text\tscore\na\t0.5\nb\t-1e3\nc\t2\n",
        ]),
        words: &[
            "\"\"",
            "sep=|\n",
            "\"label\"",
            "\"text\"",
            "-1",
            "|",
            ";",
            "\r",
            "1.0",
        ],
    };
    format.attack(tables);
}

const SQUAD: &str = r#"{"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": "Ada was born in Löndon, in 1815.",
"qas": [{"id": "1", "question": "Where?", "answers": [{"text": "Löndon", "answer_start": 16}], "is_impossible": false},
{"id": "2", "question": "Why?", "answers": [], "is_impossible": true}]}, {"context": "b c", "qas": [{"question": "b?", "answers": [{"text": "b"}]}]}]}]}"#;

#[test]
fn texts_with_marks() {
    let seeds = files(&[
        SQUAD,
        "{\"question\": \"Who?\", \"context\": \"Ada did it.\", \"answers\": {\"text\": [\"Ada\"], \"answer_start\": [0]}}\n{\"question\": \"x\", \"context\": \"y\", \"answers\": []}",
        "[{\"question\": \"Who?\", \"passage\": \"Ada did.\", \"answer\": \"Ada\"}, {\"question\": \"a\", \"passage\": \"b b\", \"answer\": \"b\", \"answer_start\": 2}]",
        "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 1}\n{\"question\": \"r\", \"choices\": [\"c\", \"d\", \"e\"], \"answer\": 0}",
        "{\"question\": {\"stem\": \"q\", \"choices\": [{\"text\": \"a\", \"label\": \"A\"}, {\"text\": \"b\", \"label\": \"B\"}]}, \"answerKey\": \"B\"}\n{\"question\": \"r\", \"choices\": {\"text\": [\"a\", \"b\"], \"label\": [\"1\", \"2\"]}, \"answerKey\": \"2\"}",
        "{\"sent1\": \"a\", \"sent2\": \"b\", \"ending0\": \"c\", \"ending1\": \"d\", \"label\": 1}\n{\"premise\": \"p\", \"choice1\": \"x\", \"choice2\": \"y\", \"label\": 0}",
        "{\"tokens\": [\"Ada\", \"in\", \"London\"], \"ner_tags\": [\"B-PER\", \"O\", \"B-LOC\"]}\n{\"tokens\": [\"no\"], \"ner_tags\": [\"O\"]}",
        "{\"text\": \"Ada in Löndon\", \"spans\": [{\"start\": 0, \"end\": 3, \"label\": \"PER\"}, [7, 13, \"LOC\"]]}\n{\"text\": \"no\", \"spans\": [], \"answer\": \"reject\"}",
        "-DOCSTART- -X- O\n\nAda NNP B-PER\nin IN O\nLondon NNP S-LOC\n\nno DT O\n",
        "Ada\tI-PER\nLovelace\tI-PER\n.\tO\n\n京都\tI-LOC\n",
    ]);
    for seed in &seeds {
        let table = Table::parse(seed, Texts::guess(None, seed), HeaderRow::Detect);
        let table = table.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(seed)));
        assert!(
            table.rows.iter().all(|row| row.marks.is_some()),
            "{table:?}"
        );
    }
    let format = Format {
        files: seeds,
        words: &[
            "\"question\"",
            "\"context\"",
            "\"answers\"",
            "\"answer_start\"",
            "\"choices\"",
            "\"answer\"",
            "\"ending2\"",
            "\"tokens\"",
            "\"tags\"",
            "\"spans\"",
            "\"start\"",
            "\"end\"",
            "B-X",
            "I-PER",
            "E-PER",
            "-5",
            "4294967296",
            "[]",
            "{}",
        ],
    };
    format.attack(tables);
}

#[test]
fn a_passage_with_many_questions_takes_no_more_than_a_file_may() {
    let file = |passage: usize, questions: usize| {
        let one = r#"{"question":"q","answers":[]}"#;
        let questions = vec![one; questions].join(",");
        let passage = "a ".repeat(passage / 2);
        format!(r#"{{"data":[{{"paragraphs":[{{"context":"{passage}","qas":[{questions}]}}]}}]}}"#)
    };
    let refused = |text: String| {
        let mut found = None;
        bounded(TABLES, text.len(), || {
            found = Some(Table::parse(text.as_bytes(), Texts::Json, HeaderRow::Detect).map(drop));
        });
        found.expect("an outcome").expect_err("too much")
    };
    let error = refused(file(1 << 20, 300));
    assert!(matches!(error, DataError::Marks { .. }), "{error}");
    let error = refused(file((1 << 20) + 4, 1));
    assert!(matches!(error, DataError::LongRow { .. }), "{error}");
    let error = refused(file(2, 100_001));
    assert!(matches!(error, DataError::TooManyRows { .. }), "{error}");
}

/// Prose in several scripts, with all that ends a sentence or a document.
const PROSE: &str = "The cat sat on the mat. \"Did it?\" it did!\nA second line goes\non here: the mat, the cat, the hat.\n\n\
    Another document about the cat and the mat and the hat. It ends (so soon).\r\n\r\n\
    Мама мыла раму. Мама мыла окно, и раму, и окно.\n\n京都。東京！大阪？ 京都と東京と大阪。\n\
    L'été où Zoë a naïvement mangé la crème brûlée… et la crème.\n\nacgtacgataccaacgtacgataccaacgtacgatacca acgt acgt gata cca";

#[test]
fn running_texts() {
    let vocabulary = String::from_utf8(fixture("tiny-bert/vocab.txt")).expect("a text");
    let tokenizer = Tokenizer::from_vocab_txt(&vocabulary, true).expect("a tokenizer");
    let corpus = [PROSE, PROSE].join("\n\n");
    let format = Format {
        files: files(&[PROSE, &corpus, "One. Two.\nThree. Four.\nFive."]),
        words: &[
            ". ",
            "\n\n",
            "? ",
            "。",
            "\u{85}",
            "\u{2028}",
            "\u{a0}",
            "\u{200b}",
            "[MASK]",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ],
    };
    format.attack(|bytes| {
        let text = match plain_text(bytes) {
            Ok(text) => text,
            Err(error) => return said(&error),
        };
        let prose = Prose::read(&text);
        assert!(
            prose
                .documents()
                .iter()
                .all(|document| !document.is_empty())
        );
        let tidy = |sentence: &String| {
            sentence.split(' ').all(|word| {
                let letters = word.chars().count();
                (1..=100).contains(&letters) && !word.contains(char::is_whitespace)
            })
        };
        assert!(prose.sentences().all(tidy), "{prose:?}");
        // Pieces hold every word, in its place, and no more tokens than there is room for.
        let (room, all) = (16, sentences(&text));
        let pieces = blocks(&text, &tokenizer, room);
        for piece in &pieces {
            let fits = tokenizer.count(&piece.text) + tokenizer.added_tokens(false) <= room;
            assert!(fits || !piece.text.contains(' '), "{piece:?}");
        }
        let texts: Vec<&str> = pieces.iter().map(|piece| &*piece.text).collect();
        assert_eq!(texts.join(" "), all.join(" "));
        for second in [Second::Random, Second::Swapped] {
            let count = |sentence: &str| tokenizer.count(sentence);
            for pair in prose.pairs(second, room, count, &mut Random::new(7, 0)) {
                for text in [&pair.text.text[..], pair.text.passage()] {
                    let words = text.split(' ').count();
                    assert!(!text.is_empty() && words <= room / 2, "{pair:?}");
                }
            }
        }
        let whole = prose.documents().len();
        let (train, validation) = prose.split(0.2, 7);
        assert_eq!(
            train.documents().len() + validation.documents().len(),
            whole
        );
        assert!(whole < 2 || !(train.documents().is_empty() || validation.documents().is_empty()));
    });
}

/// The tokenizer of a vocabulary's `vocab.txt` and settings, without its `tokenizer.json`.
fn from_lines(files: &[(String, Vec<u8>)]) -> Tokenizer {
    let mut folder = TokenizerFiles::default();
    for (name, bytes) in files.iter().filter(|(name, _)| name != "tokenizer.json") {
        folder.insert(name, bytes.clone());
    }
    folder.read(None).expect("a tokenizer")
}

#[test]
fn texts_for_a_vocabulary() {
    let format = Format {
        files: files(&[
            PROSE,
            &[PROSE, "the cat sat on the mat\n"].join("\n").repeat(3),
        ]),
        words: &[
            "##", "[UNK]", "[CLS] ", "\u{301}", "\u{85}", "\u{2028}", "\u{feff}", "\u{ad}",
            "\u{200d}", "\u{e000}", "\u{1c}", "İ", "ß", "\u{3000}",
        ],
    };
    format.attack(|bytes| {
        let Ok(text) = plain_text(bytes) else { return };
        for lower_case in [true, false] {
            let mut counts = WordCounts::new(lower_case);
            for sentence in sentences(&text) {
                if let Err(error) = counts.add(&sentence) {
                    said(&error);
                }
            }
            let (different, kept, share) = counts.coverage(80);
            assert!(kept <= different && (0.0..=1.0).contains(&share));
            match Vocabulary::train(&counts, 80) {
                Ok(vocabulary) => {
                    let mut tokens = vocabulary.tokens.clone();
                    tokens.sort_unstable();
                    tokens.dedup();
                    assert_eq!(tokens.len(), 80, "no token twice");
                    let files = vocabulary.files(64);
                    let (tokenizer, lines) =
                        (vocabulary.tokenizer().expect("its own"), from_lines(&files));
                    assert_eq!((tokenizer.vocab_size(), lines.vocab_size()), (80, 80));
                    for sentence in sentences(&text).iter().take(4) {
                        let ids = tokenizer.encode(sentence, None, 64).ids;
                        assert_eq!(ids, lines.encode(sentence, None, 64).ids, "{sentence}");
                    }
                }
                Err(error) => said(&error),
            }
        }
    });
}
