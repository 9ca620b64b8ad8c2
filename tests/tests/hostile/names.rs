//! Names of dropped files, headers of answers, and the record of what was found about shaders.

use crate::damage::Format;
use app::checkpoint::basket::{Basket, Offered};
use app::checkpoint::lone::{Taken, lone};
use app::checkpoint::{Role, Source};
use app::engine::io::extent::extent;
use app::recipe::TextSource;
use kernels::gpu::{AdapterInfo, Tuning};

fn files(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// What was taken out is of what was offered, each part once.
fn taken(source: &Source, offered: usize) {
    let Source::Files { files, .. } = source else {
        panic!("not of files: {source:?}");
    };
    assert!(
        files
            .iter()
            .all(|file| file.slot < offered && !file.name.contains('/'))
    );
    assert!(
        files.windows(2).all(|two| two[0].role < two[1].role),
        "{files:?}"
    );
}

#[test]
fn dropped_names() {
    let format = Format {
        files: files(&[
            "tiny/README.md\ntiny/onnx/config.json\ntiny/config.json\ntiny/pytorch_model.bin\ntiny/model.safetensors\ntiny/vocab.txt",
            "model-00001-of-00002.safetensors\nmodel-00002-of-00002.safetensors\nconfig.json\ntokenizer.json",
            "checkpoint-500/optimizer.pt\ncheckpoint-500/rng_state_0.pth\ncheckpoint-500/model.safetensors\ncheckpoint-500/config.json",
            "moods.head.safetensors",
            "reviews.TSV",
            "a.gguf",
            "1_Pooling/config.json\nmodules.json\nspecial_tokens_map.json\ntokenizer_config.json\nadded_tokens.json\nmerges.txt\nvocab.json",
        ]),
        words: &[
            "/",
            "//",
            "..",
            "\n",
            ".",
            ".bin",
            ".safetensors",
            "config.json",
            "vocab.txt",
            "-of-00002",
            "tokenizer.json",
            "\u{202e}",
            ".head.safetensors",
            "model",
            ".pt",
            "spiece.model",
        ],
    };
    format.attack_text(|text| {
        let offer = |(slot, path): (usize, &str)| Offered {
            path: path.to_owned(),
            bytes: slot as u64,
            slot,
        };
        let offered: Vec<Offered> = text.lines().enumerate().map(offer).collect();
        match lone(&offered) {
            Some(Taken::Head(file)) => assert_eq!((file.slot, file.role), (0, Role::Head)),
            Some(Taken::Examples(TextSource::File { slot, .. })) => assert_eq!(slot, 0),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        // All at once, and one after another: what was kept is never lost.
        let mut basket = Basket::default();
        let _ = basket.add(&offered);
        let mut by_ones = Basket::default();
        for file in &offered {
            let before = by_ones.slots().count();
            if let Err(failure) = by_ones.add(std::slice::from_ref(file)) {
                assert!(!failure.cause.trim().is_empty() && !failure.advice.trim().is_empty());
            }
            assert!(by_ones.slots().count() >= before);
        }
        for mut basket in [basket, by_ones] {
            let (held, missing) = (basket.slots().count(), basket.missing());
            match basket.take() {
                Ok(source) => taken(&source, offered.len()),
                Err(failure) => {
                    assert!(missing.iter().all(|name| failure.title.contains(name)));
                    assert_eq!(basket.slots().count(), held, "what was given is kept");
                }
            }
        }
    });
}

#[test]
fn headers_of_parts() {
    let format = Format {
        files: files(&[
            "bytes 5-9/10\n5",
            "bytes 0-0/*\n1",
            "bytes 100-18446744073709551615/*\n18446744073709551615",
        ]),
        words: &[
            "bytes ",
            "-",
            "/",
            "*",
            "+",
            "18446744073709551615",
            "0",
            " ",
            "\n",
            "9",
        ],
    };
    format.attack_text(|text| {
        let (range, length) = text.split_once('\n').unwrap_or((text, ""));
        for asked in [None, Some(0), Some(5), Some(u64::MAX)] {
            for status in [200, 206] {
                for (range, length) in [
                    (Some(range), Some(length)),
                    (None, Some(length)),
                    (Some(range), None),
                ] {
                    let Some(found) = extent(asked, status, range, length) else {
                        continue;
                    };
                    assert!(found.begins <= asked.unwrap_or(0));
                    assert!(found.total.is_none_or(|total| total >= found.begins));
                }
            }
        }
    });
}

#[test]
fn records_of_shaders() {
    let format = Format {
        files: files(&[
            "nt-7-10-10 tiles-64x64\ntn-1-9-5 tiles-32x32-4\nwithout subgroups Some kernels are wrong with them.\n",
            "0.1.0 Vulkan llvmpipe; Mesa 22\nnn-7-10-10 lanes\nwithout tiles-64x64 It failed.",
        ]),
        words: &[
            "without ",
            "\n",
            "\r",
            " ",
            "nt-7-10-10",
            "tiles-64x64",
            "\u{2028}",
            ";",
        ],
    };
    format.attack_text(|text| {
        let read = Tuning::parse(text);
        assert_eq!(Tuning::parse(&read.to_string()), read, "{text:?}");
        let adapter = AdapterInfo {
            name: text.chars().take(20).collect(),
            backend: "Vulkan".to_owned(),
            driver: text.chars().skip(20).take(20).collect(),
            software: false,
        };
        assert_eq!(
            Tuning::recall(&read.record(&adapter), &adapter),
            Some(read.clone())
        );
        assert_eq!(read.id(&adapter).is_none(), read.is_empty());
        let _ = Tuning::recall(text, &adapter);
    });
}
