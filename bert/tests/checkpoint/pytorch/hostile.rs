//! Pickles that want to run something, to be endless, or to be what they are not.

use super::make::*;
use super::*;

/// The refusals of a pickled value, one for each layout, which must be the same.
fn refused(value: &[u8]) -> String {
    let numbers = [0; 24];
    let zip = refusal(&archive(&records(&pickle(value), &[("0", &numbers)])));
    let old = refusal(&legacy(value, &[("0", 6, &numbers)]));
    // Bytes are counted from the pickle's own start there, from the file's here.
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    assert_eq!(words(&zip), words(&old));
    zip
}

fn floats_0() -> Vec<u8> {
    storage("FloatStorage", "0", 6)
}

#[test]
fn calls_are_refused_by_name_and_place() {
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "getattr"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch._utils", "_rebuild_tensor_v2 "),
        ("torch.FloatStorage", ""),
        ("numpy.core.multiarray", "scalar"),
        ("argparse", "Namespace"),
        ("webbrowser", "open"),
    ] {
        let value = call(global(module, name), &[text("touch /tmp/owned")]);
        let words = refused(&value);
        assert!(words.contains(&format!("{module}.{name}")), "{words}");
        assert!(words.contains("at byte 2,"), "{words}");
        assert!(words.contains("nothing in them is run"), "{words}");
        // The same name from the stack, as protocol 4 has it.
        let stacked = [text(module), text(name), b"\x93".to_vec()].concat();
        assert!(refused(&stacked).contains(&format!("{module}.{name}")));
    }
}

#[test]
fn operations_that_state_dicts_do_not_need_are_refused_by_byte() {
    let known = b".(N\x88\x89)]}t\x85\x86\x87aesuQR\x81b\x93\x94\x80\x95qrhjKMJ\x8aGXT\x8cUc";
    for byte in 0..=255u8 {
        let pickle = pickle(&[&[byte][..], &[0; 40]].concat());
        let words = refusal(&archive(&records(&pickle, &[])));
        let unknown = words.contains(&format!("operation {byte:#04x}"));
        assert_eq!(unknown, !known.contains(&byte), "{byte:#x}: {words}");
    }
}

#[test]
fn known_functions_only_put_tensors_together() {
    let dictionary = || global("collections", "OrderedDict");
    let rebuild = |n| global("torch._utils", n);
    for (value, what) in [
        (call(dictionary(), &[int(1)]), "collections.OrderedDict"),
        (
            call(dictionary(), &[int(1), int(2)]),
            "collections.OrderedDict",
        ),
        (
            call(global("torch", "FloatStorage"), &[int(9)]),
            "a class of storages",
        ),
        (call(global("torch", "float32"), &[]), "a dtype"),
        (call(global("torch", "Tensor"), &[]), "a class of tensors"),
        (
            call(rebuild("_rebuild_parameter"), &[int(1)]),
            "_rebuild_parameter",
        ),
        (call(int(5), &[]), "no function"),
        (call(text("os.system"), &[text("id")]), "no function"),
        (
            [int(1), dict(&[]), b"b".to_vec()].concat(),
            "state of an object",
        ),
    ] {
        let words = refused(&value);
        assert!(words.contains(what) && words.contains("calls"), "{words}");
    }
}

#[test]
fn whole_models_and_other_things_outside_are_refused() {
    let outside = |parts: &[Vec<u8>]| refused(&[&tuple(parts)[..], b"Q"].concat());
    let module = [text("module"), text("M"), text("m.py"), text("import os")];
    let words = outside(&module);
    assert!(
        words.contains("whole model") && words.contains("state_dict()"),
        "{words}"
    );
    assert!(outside(&[text("file"), text("/etc/passwd")]).contains("must be a storage"));
    assert!(outside(&[]).contains("must be a storage"));
    assert!(outside(&[text("storage")]).contains("five or six"));
}

#[test]
fn broken_tensors_are_named() {
    let tensor = |value: Vec<u8>| refused(&dict(&[("layer.weight", value)]));
    let named = |words: String, rule: &str| {
        assert!(
            words.contains("tensor \"layer.weight\"") && words.contains(rule),
            "{words}"
        );
    };
    named(tensor(view(floats_0(), 0, &[7], &[1])), "beyond the end");
    named(
        tensor(view(floats_0(), 1, &[2, 3], &[3, 1])),
        "beyond the end",
    );
    named(tensor(view(floats_0(), i64::MAX, &[6], &[1])), "");
    named(
        tensor(view(floats_0(), 0, &[i64::MAX, i64::MAX], &[1, 1])),
        "counted",
    );
    named(
        tensor(view(floats_0(), 0, &[0, i64::MAX, 9], &[1, 1, 1])),
        "counted",
    );
    // Strides that are neither: a slice of columns, a repeated row, three turned dimensions.
    let rule = "neither row by row nor";
    named(tensor(view(floats_0(), 0, &[2, 2], &[3, 1])), rule);
    named(tensor(view(floats_0(), 0, &[2, 3], &[0, 1])), rule);
    named(tensor(view(floats_0(), 0, &[1, 2, 3], &[1, 1, 2])), rule);
    let twice = [("layer.weight", view(floats_0(), 0, &[6], &[1]))];
    named(
        refused(&dict(&[twice[0].clone(), twice[0].clone()])),
        "stands twice",
    );
    let many = [1; 9];
    for words in [
        tensor(view(floats_0(), -1, &[6], &[1])),
        tensor(view(floats_0(), 0, &[-6], &[1])),
        tensor(view(floats_0(), 0, &[6], &[1, 1])),
        tensor(view(floats_0(), 0, &many, &many)),
        tensor(view(int(0), 0, &[6], &[1])),
        tensor(view(storage("FloatStorage", "0", -1), 0, &[6], &[1])),
        tensor(view(storage("FloatStorage", "0", i64::MAX), 0, &[6], &[1])),
    ] {
        assert!(words.contains("damaged at byte"), "{words}");
    }
    let other = dict(&[
        ("a", view(floats_0(), 0, &[6], &[1])),
        ("b", view(storage("HalfStorage", "0", 6), 0, &[6], &[1])),
    ]);
    assert!(refused(&other).contains("two storages of the same key"));
}

#[test]
fn a_matrix_too_large_to_be_turned_is_refused_before_any_of_it_came() {
    let rows = 1 << 14;
    let big = view(
        storage("FloatStorage", "0", rows * rows),
        0,
        &[rows, rows],
        &[1, rows],
    );
    let words = refused(&dict(&[("kernel", big)]));
    assert!(
        words.contains("column by column") && words.contains("kernel"),
        "{words}"
    );
}

#[test]
fn what_holds_no_tensors_is_refused() {
    for value in [
        dict(&[]),
        dict(&[("epoch", int(3))]),
        dict(&[("state_dict", dict(&[("a", int(1))]))]),
        int(7),
        b"]".to_vec(),
        view(floats_0(), 0, &[6], &[1]),
    ] {
        assert!(refused(&value).contains("no tensors"));
    }
}

#[test]
fn cycles_come_to_an_end() {
    // A list in itself, a dict in itself, and a state dict that is its own container.
    let list = b"]q\x00h\x00a".to_vec();
    let dict = [b"}q\x00", &text("state_dict")[..], b"h\x00s"].concat();
    let both = [&dict[..], &text("model"), b"]q\x01h\x00ah\x01as"].concat();
    for value in [list, dict, both] {
        assert!(refused(&value).contains("no tensors"));
    }
}

#[test]
fn bombs_pass_a_bound_soon() {
    let start = std::time::Instant::now();
    // Doubling: each list holds the one before twice, 2^30 in all; refused for want of tensors, not memory.
    let doubling: Vec<u8> = (0..30u8)
        .flat_map(|i| [b'(', b'h', i, b'h', i, b'l', b'q', i + 1])
        .collect();
    assert!(refused(&[b"]q\x00", &doubling[..]].concat()).contains("operation 0x6c"));
    let tuples: Vec<u8> = (0..200u8)
        .flat_map(|i| [b'h', i, b'h', i, 0x86, b'q', i + 1])
        .collect();
    assert!(refused(&[b"]q\x00", &tuples[..]].concat()).contains("no tensors"));
    // Many operations; a long name, list and tuple that are used again and again.
    assert!(refused(&vec![b']'; 1 << 21]).contains("more than"));
    let again = |value: Vec<u8>, each: &[u8]| {
        refused(&[&value[..], b"q\x00", &each.repeat(100_000)].concat())
    };
    let names = again(text(&"a".repeat(1 << 20)), b"h\x00h\x00\x93");
    assert!(names.contains("at most 512 bytes"), "{names}");
    let pair = [&b"]"[..], &text("k"), b"aNaq\x02"].concat();
    let list = [&pair[..], b"]", &b"h\x02a".repeat(100_000)].concat();
    let call = [&global("collections", "OrderedDict")[..], b"h\x00\x85R"].concat();
    assert!(again(list, &call).contains("more than"));
    let tuple = [b"(", &b"N".repeat(100_000)[..], b"t"].concat();
    let call = [&global("torch._utils", "_rebuild_tensor_v2")[..], b"h\x00R"].concat();
    assert!(again(tuple, &call).contains("more than 8 arguments"));
    // Texts that claim what is not there, and more pickle than is read.
    assert!(refused(b"X\xff\xff\xff\xff").contains("longer than the pickle"));
    assert!(refused(&[b"c", &[b'a'; 2000][..]].concat()).contains("1024 bytes"));
    let much = [text(&"a".repeat(3 << 20)), text(&"b".repeat(3 << 20))].concat();
    let zip = refusal(&archive(&records(&pickle(&much), &[])));
    assert!(zip.contains("longer than it may be"), "{zip}");
    let words = refusal(&legacy(&much, &[]));
    assert!(words.contains("more than"), "{words}");
    assert!(start.elapsed().as_secs() < 60, "bounds must hold work down");
}

#[test]
fn a_stack_that_is_empty_or_holds_the_wrong_kind_is_no_panic() {
    for value in [
        &b"R"[..],
        b"t",
        b"u",
        b"s",
        b"a",
        b"e",
        b"b",
        b"Q",
        b"\x81",
        b"\x85",
        b"\x93",
        b"q\x00",
        b"h\x07",
        b"\x94",
        b"(R",
        b"N(sR",
        b"}Ns",
        b"}(Nu",
        b"NNa",
        b"N(Ne",
        b"Q",
        b"NQ",
        b"NNR",
        b"(N\x86",
        b"\x8a\x09123456789",
        b"U\x02\xff\xff",
        b"c\xff\n\n",
    ] {
        let words = refused(value);
        assert!(
            words.contains("damaged at") || words.contains("calls"),
            "{value:?}: {words}"
        );
    }
}
