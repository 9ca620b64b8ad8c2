//! PyTorch files made by hand, to be wrong in one place.

/// What stands before the first operation of every pickle here.
pub const START: &[u8] = b"\x80\x02";

pub fn text(text: &str) -> Vec<u8> {
    [
        &b"X"[..],
        &(text.len() as u32).to_le_bytes(),
        text.as_bytes(),
    ]
    .concat()
}

pub fn int(n: i64) -> Vec<u8> {
    [&b"\x8a\x08"[..], &n.to_le_bytes()].concat()
}

pub fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

pub fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", &items.concat()[..], b"t"].concat()
}

pub fn ints(numbers: &[i64]) -> Vec<u8> {
    tuple(&numbers.iter().map(|n| int(*n)).collect::<Vec<_>>())
}

/// Calls a function.
pub fn call(function: Vec<u8>, arguments: &[Vec<u8>]) -> Vec<u8> {
    [&function[..], &tuple(arguments), b"R"].concat()
}

pub fn storage(class: &str, key: &str, count: i64) -> Vec<u8> {
    let parts = [
        text("storage"),
        global("torch", class),
        text(key),
        text("cpu"),
        int(count),
    ];
    [&tuple(&parts)[..], b"Q"].concat()
}

/// A tensor of a storage.
pub fn view(storage: Vec<u8>, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let hooks = call(global("collections", "OrderedDict"), &[]);
    let parts = [
        storage,
        int(offset),
        ints(shape),
        ints(strides),
        b"\x89".to_vec(),
        hooks,
    ];
    call(global("torch._utils", "_rebuild_tensor_v2"), &parts)
}

/// A dict by names.
pub fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries
        .iter()
        .flat_map(|(key, value)| [text(key), value.clone()]);
    [b"}(", &entries.collect::<Vec<_>>().concat()[..], b"u"].concat()
}

/// A whole pickle of one value.
pub fn pickle(value: &[u8]) -> Vec<u8> {
    [START, value, b"."].concat()
}

/// One record of an archive, as it stands there and as the directory lists it.
#[derive(Clone)]
pub struct Record {
    pub name: String,
    pub data: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    /// Of the data before it was packed.
    pub inflated: u32,
    pub crc: u32,
    /// Bytes between the name and the data.
    pub padding: usize,
    /// The directory's name, flags and length.
    pub listed: (String, u16, u32),
}

impl Record {
    /// As PyTorch writes it: stored, its sizes behind it.
    pub fn new(name: &str, data: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            data: data.to_vec(),
            flags: 0x808,
            method: 0,
            inflated: data.len() as u32,
            crc: crc32fast::hash(data),
            padding: 13,
            listed: (name.to_owned(), 0x808, data.len() as u32),
        }
    }

    fn sizes(&self, stored: u32) -> Vec<u8> {
        [self.crc, stored, self.inflated]
            .map(u32::to_le_bytes)
            .concat()
    }
}

/// An archive of these records.
pub fn archive(records: &[Record]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let half = |n: usize| (n as u16).to_le_bytes();
    for record in records {
        let at = bytes.len() as u32;
        let follow = record.flags & 8 != 0;
        let length = record.data.len() as u32;
        bytes.extend(b"PK\x03\x04\0\0");
        bytes.extend(
            [record.flags, record.method, 0, 0]
                .map(u16::to_le_bytes)
                .concat(),
        );
        bytes.extend(if follow {
            vec![0; 12]
        } else {
            record.sizes(length)
        });
        bytes.extend([half(record.name.len()), half(record.padding)].concat());
        bytes.extend(record.name.as_bytes());
        bytes.resize(bytes.len() + record.padding, b'Z');
        bytes.extend(&record.data);
        if follow {
            bytes.extend([&b"PK\x07\x08"[..], &record.sizes(length)].concat());
        }
        let (name, flags, length) = &record.listed;
        directory.extend(b"PK\x01\x02\0\0\0\0");
        directory.extend([*flags, record.method, 0, 0].map(u16::to_le_bytes).concat());
        directory.extend(record.sizes(*length));
        directory.extend([&half(name.len())[..], &[0; 12]].concat());
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (at, length) = (bytes.len() as u32, directory.len() as u32);
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([half(records.len()), half(records.len())].concat());
    bytes.extend([length, at].map(u32::to_le_bytes).concat());
    bytes.extend([0, 0]);
    bytes
}

/// The records of a state dict with this pickle and these storages.
pub fn records(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<Record> {
    let mut records = vec![
        Record::new("m/data.pkl", pickle),
        Record::new("m/byteorder", b"little"),
    ];
    let data = |(key, data): &(&str, &[u8])| Record::new(&format!("m/data/{key}"), data);
    records.extend(storages.iter().map(data));
    records.push(Record::new("m/version", b"3\n"));
    records
}

/// The same in the layout before zip; each storage with its number of elements.
pub fn legacy(value: &[u8], storages: &[(&str, i64, &[u8])]) -> Vec<u8> {
    legacy_with(b"\x88", value, storages)
}

pub fn legacy_with(little: &[u8], value: &[u8], storages: &[(&str, i64, &[u8])]) -> Vec<u8> {
    let keys: Vec<u8> = storages.iter().flat_map(|(key, ..)| text(key)).collect();
    let mut bytes = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec();
    bytes.extend(pickle(b"M\xe9\x03"));
    bytes.extend(pickle(&dict(&[("little_endian", little.to_vec())])));
    bytes.extend(pickle(value));
    bytes.extend(pickle(&[b"](", &keys[..], b"e"].concat()));
    for (_, count, data) in storages {
        bytes.extend(count.to_le_bytes());
        bytes.extend(*data);
    }
    bytes
}

/// Six numbers, 0 to 5, and a matrix `[2, 3]` of them under the name `w`.
pub fn sample() -> (Vec<u8>, Vec<u8>) {
    let numbers = (0..6u8).flat_map(|n| f32::from(n).to_le_bytes()).collect();
    let tensor = view(storage("FloatStorage", "0", 6), 0, &[2, 3], &[3, 1]);
    (dict(&[("w", tensor)]), numbers)
}
