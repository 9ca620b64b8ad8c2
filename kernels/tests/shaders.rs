//! Every shader parses and validates, and its bindings and `Params` are what Rust says they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kernels::gpu::{Access, Kernel, Scalar};
use kernels::ops;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, ScalarKind, StorageAccess, TypeInner};

fn module(kernel: &Kernel) -> naga::Module {
    naga::front::wgsl::parse_str(&kernel.wgsl())
        .unwrap_or_else(|e| panic!("{}: {}", kernel.name, e.emit_to_string(&kernel.wgsl())))
}

#[test]
fn every_shader_is_valid() {
    // `unpack2x16float` is part of core WGSL; naga counts it as a capability all the same. Shaders
    // with subgroups are chosen where the device has them.
    let taken = Capabilities::SHADER_FLOAT16_IN_FLOAT32 | Capabilities::SUBGROUP;
    for kernel in ops::kernels() {
        Validator::new(ValidationFlags::all(), taken)
            .validate(&module(kernel))
            .unwrap_or_else(|e| panic!("{}: {e:?}", kernel.name));
    }
}

#[test]
fn params_have_the_layout_that_rust_gives_them() {
    for kernel in ops::kernels() {
        let module = module(kernel);
        let (_, variable) = module
            .global_variables
            .iter()
            .find(|(_, v)| v.space == AddressSpace::Uniform)
            .unwrap_or_else(|| panic!("{} has no uniform", kernel.name));
        let TypeInner::Struct { members, .. } = &module.types[variable.ty].inner else {
            panic!("{}: the uniform is no struct", kernel.name);
        };
        let found: Vec<_> = members
            .iter()
            .map(|m| {
                let TypeInner::Scalar(scalar) = module.types[m.ty].inner else {
                    panic!("{}: `{:?}` is no scalar", kernel.name, m.name);
                };
                (m.name.clone().unwrap_or_default(), m.offset, scalar.kind)
            })
            .collect();
        let kind = |scalar| match scalar {
            Scalar::U32 => ScalarKind::Uint,
            Scalar::F32 => ScalarKind::Float,
        };
        let expected: Vec<_> = kernel
            .params
            .iter()
            .enumerate()
            .map(|(i, f)| (f.name.to_owned(), 4 * i as u32, kind(f.scalar)))
            .collect();
        assert_eq!(found, expected, "{}", kernel.name);
    }
}

#[test]
fn bindings_are_what_rust_binds() {
    for kernel in ops::kernels() {
        let module = module(kernel);
        let mut found: Vec<(u32, Option<Access>)> = module
            .global_variables
            .iter()
            .filter_map(|(_, v)| {
                let access = match v.space {
                    AddressSpace::Uniform => None,
                    AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => {
                        Some(Access::Write)
                    }
                    AddressSpace::Storage { .. } => Some(Access::Read),
                    _ => return None,
                };
                Some((v.binding.as_ref()?.binding, access))
            })
            .collect();
        found.sort_by_key(|(binding, _)| *binding);
        let storage = kernel.bindings.iter().map(|&a| Some(a));
        let expected: Vec<_> = (0..).zip(std::iter::once(None).chain(storage)).collect();
        assert_eq!(found, expected, "{}", kernel.name);
        assert!(
            kernel.bindings.len() <= 8,
            "{}: adapters grant 8 storage buffers",
            kernel.name
        );
    }
}

#[test]
fn every_wgsl_file_belongs_to_a_shader() {
    fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the source folder") {
            let path = entry.expect("a folder entry").path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|e| e == "wgsl") {
                files.insert(path);
            }
        }
    }
    let mut files = BTreeSet::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(!files.is_empty());
    for file in files {
        let source = std::fs::read_to_string(&file).expect("a shader");
        let used = ops::kernels().iter().any(|k| k.source.contains(&source));
        assert!(used, "{} is in no kernel", file.display());
    }
}

#[test]
fn shaders_that_use_subgroups_are_known() {
    for kernel in ops::kernels() {
        let named = kernel.name.contains("quads");
        assert_eq!(kernel.needs_subgroups(), named, "{}", kernel.name);
    }
}
