//! The rules of the two containers around a pickle.

use super::make::*;
use super::*;

fn whole() -> Vec<Record> {
    let (value, numbers) = sample();
    records(&pickle(&value), &[("0", &numbers)])
}

/// The file's refusal after a change of its record of this name.
fn changed(name: &str, change: impl Fn(&mut Record)) -> String {
    let mut records = whole();
    let record = records.iter_mut().find(|record| record.name == name);
    change(record.expect("a record"));
    refusal(&archive(&records))
}

#[test]
fn the_sample_is_taken_in_either_layout() {
    let (value, numbers) = sample();
    for file in [archive(&whole()), legacy(&value, &[("0", 6, &numbers)])] {
        let found = floats(parse(None, file.chunks(5)).expect("a file"));
        assert_eq!(found["w"], (vec![2, 3], vec![0., 1., 2., 3., 4., 5.]));
    }
}

#[test]
fn sizes_may_stand_before_the_data_and_the_pickle_be_deflated() {
    let mut records = whole();
    for record in &mut records {
        record.flags = 0;
        record.listed.1 = 0;
    }
    let before = archive(&records);
    assert!(parse(None, before.chunks(9)).is_ok());
    for flags in [0, 8] {
        let pickle = &mut records[0];
        let packed = miniz_oxide::deflate::compress_to_vec(&whole()[0].data, 6);
        (pickle.method, pickle.flags, pickle.listed.1) = (8, flags, flags);
        pickle.listed.2 = packed.len() as u32;
        pickle.data = packed;
        assert!(parse(None, archive(&records).chunks(9)).is_ok());
        // Its length is told, and holds.
        let mut wrong = records.clone();
        wrong[0].inflated += 1;
        assert!(refusal(&archive(&wrong)).contains("inflated"));
        wrong[0].inflated = u32::MAX - 1;
        assert!(refusal(&archive(&wrong)).contains("more than"));
    }
}

#[test]
fn a_checksum_of_zero_was_not_computed_and_any_other_counts() {
    for name in ["m/data.pkl", "m/data/0"] {
        assert!(changed(name, |record| record.crc ^= 1).contains("checksum"));
        let mut records = whole();
        for record in &mut records {
            record.crc = 0;
        }
        assert!(parse(None, [&archive(&records)[..]]).is_ok());
    }
}

#[test]
fn directory_and_records_must_agree() {
    let name = "m/data/0";
    let disagree = "directory does not agree";
    assert!(changed(name, |r| r.listed.0 = "m/data/1".into()).contains(disagree));
    assert!(changed(name, |r| r.listed.1 = 0).contains(disagree));
    assert!(changed(name, |r| r.listed.2 -= 1).contains(disagree));
    assert!(changed("m/data.pkl", |r| r.listed.2 += 1).contains(disagree));
    // A directory that lists one record less, or that begins elsewhere.
    let file = archive(&whole());
    let hidden = archive(&whole()[..3]);
    let directory = |file: &[u8]| {
        let starts = file.windows(4).position(|window| window == b"PK\x01\x02");
        starts.expect("a directory")
    };
    let spliced = [&file[..directory(&file)], &hidden[directory(&hidden)..]].concat();
    assert!(refusal(&spliced).contains(disagree));
    let gap = [
        &file[..directory(&file)],
        b"\0\0\0\0",
        &file[directory(&file)..],
    ]
    .concat();
    assert!(refusal(&gap).contains(disagree));
}

#[test]
fn what_torch_never_writes_is_refused() {
    let name = "m/data/0";
    assert!(changed(name, |r| r.method = 8).contains("is compressed"));
    assert!(changed("m/version", |r| r.method = 8).contains("is compressed"));
    assert!(changed(name, |r| r.method = 14).contains("unknown way"));
    assert!(changed(name, |r| r.flags |= 1).contains("encrypted"));
    assert!(
        changed("m/byteorder", |r| *r = Record::new("m/byteorder", b"big")).contains("big-endian")
    );
    assert!(changed(name, |r| r.name = "m/data/7".into()).contains("belongs to no tensor"));
    assert!(changed(name, |r| r.name = "n/data/0".into()).contains("another folder"));
    assert!(changed("m/version", |r| r.name = "m/data/0".into()).contains("there twice"));
    assert!(changed("m/version", |r| r.name = "m/byteorder".into()).contains("there twice"));
    assert!(changed("m/version", |r| r.name = "m/code/model.py".into()).contains("none that"));
    assert!(changed("m/data.pkl", |r| r.name = "m/version".into()).contains("no data.pkl"));
    let longer = changed(name, |r| r.data.push(0));
    assert!(longer.contains("longer than its storage"), "{longer}");
    let shorter = changed(name, |r| r.data.truncate(20));
    assert!(shorter.contains("longer than its storage"), "{shorter}");
    let told = |more: bool| {
        changed(name, |r| {
            r.flags = 0;
            if more {
                r.data.push(0)
            } else {
                r.data.truncate(20)
            }
        })
    };
    assert!(told(true).contains("another length") && told(false).contains("another length"));
    let (value, _) = sample();
    let missing = records(&pickle(&value), &[]);
    assert!(refusal(&archive(&missing)).contains("storage \"0\": is not in the archive"));
    let long = |r: &mut Record| r.data = vec![b'3'; 10_000];
    assert!(changed("m/version", long).contains("longer than it may be"));
    let zip64 = |r: &mut Record| (r.flags, r.inflated) = (0, u32::MAX);
    assert!(changed(name, zip64).contains("4 GiB"));
    let other = archive(&[Record::new("readme.txt", b"hello")]);
    assert!(refusal(&other).contains("none that a state dict has"));
}

#[test]
fn the_legacy_layout_has_its_own_rules() {
    let (value, numbers) = sample();
    let refused = |file: Vec<u8>| refusal(&file);
    let count = refused(legacy(&value, &[("0", 5, &numbers)]));
    assert!(
        count.contains("another length than the pickle says"),
        "{count}"
    );
    assert!(refused(legacy(&value, &[("1", 6, &numbers)])).contains("belongs to no tensor"));
    let twice = legacy(&value, &[("0", 6, &numbers), ("0", 6, &numbers)]);
    assert!(refused(twice).contains("listed twice"));
    assert!(refused(legacy(&value, &[])).contains("is not in the file"));
    let big = legacy_with(b"\x89", &value, &[("0", 6, &numbers)]);
    assert!(refused(big).contains("big-endian"));
    // A pickle that torch did not write, and one of a later layout.
    let foreign = pickle(&dict(&[("a", int(1))]));
    assert!(refused(foreign).contains("none that torch.save writes"));
    let mut later = legacy(&value, &[("0", 6, &numbers)]);
    later[18] += 1;
    assert!(refused(later).contains("none that torch.save writes"));
    // A view in the storage's id, as the first versions wrote it.
    let parts = [
        text("storage"),
        global("torch", "FloatStorage"),
        text("0"),
        text("cpu"),
        int(6),
        tuple(&[text("1"), int(0), int(6)]),
    ];
    let old = [&tuple(&parts)[..], b"Q"].concat();
    let old = dict(&[("w", view(old, 0, &[6], &[1]))]);
    assert!(refused(legacy(&old, &[("0", 6, &numbers)])).contains("first versions of PyTorch"));
}

#[test]
fn archives_of_other_kinds_are_named() {
    let mut tar = vec![0; 512];
    tar[..8].copy_from_slice(b"storages");
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refusal(&tar).contains("tar archive"));
}
