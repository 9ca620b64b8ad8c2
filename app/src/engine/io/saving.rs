//! How a manifest is written, so that there is a whole one whenever a tab is closed.
//!
//! The new one is written beside the old one and then takes its name. Where the browser cannot
//! rename, it is written in place, and what lies beside it stays until that has been looked at.

use crate::checkpoint::manifest::{MANIFEST, Manifest, key};

/// The new manifest, before it takes the old one's name.
const NEW: &str = "manifest.new";

/// What this asks of a folder.
pub(super) trait Place {
    type Error;

    /// A file, where there is one of a size that a manifest has.
    async fn read(&self, name: &str) -> Option<Vec<u8>>;

    /// Writes a whole file, in place of what was there.
    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Gives a file another's name; `false` where that cannot be done.
    async fn rename(&self, from: &str, to: &str) -> bool;

    /// Deletes a file; one that is not there is no trouble.
    async fn remove(&self, name: &str);
}

/// Writes a manifest.
pub(super) async fn save<P: Place>(place: &P, manifest: &Manifest) -> Result<(), P::Error> {
    let bytes = manifest.to_json();
    let key = key(&manifest.listing.address);
    let old = place.read(MANIFEST).await;
    let is_broken = old.is_some_and(|old| Manifest::parse(&key, &old).is_none());
    // Then the one beside it, which an earlier tab left, may be the only whole one.
    if !is_broken {
        place.write(NEW, &bytes).await?;
        if place.rename(NEW, MANIFEST).await {
            return Ok(());
        }
    }
    place.write(MANIFEST, &bytes).await?;
    if place.read(MANIFEST).await.as_deref() == Some(&bytes[..]) {
        place.remove(NEW).await;
    }
    Ok(())
}

/// The manifest of the folder `key`; `None` where there is none that can be believed.
pub(super) async fn load<P: Place>(place: &P, key: &str) -> Option<Manifest> {
    for name in [MANIFEST, NEW] {
        let bytes = place.read(name).await;
        let manifest = bytes.and_then(|bytes| Manifest::parse(key, &bytes));
        if manifest.is_some() {
            return manifest;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Listing;
    use crate::checkpoint::address::Address;
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    /// A folder whose tab is closed after so many steps.
    struct Folder {
        files: RefCell<BTreeMap<String, Vec<u8>>>,
        steps: Cell<usize>,
        renames: bool,
    }

    impl Folder {
        /// Whether the tab is still there.
        fn step(&self) -> bool {
            let left = self.steps.get();
            self.steps.set(left.saturating_sub(1));
            left > 0
        }
    }

    impl Place for Folder {
        type Error = ();

        async fn read(&self, name: &str) -> Option<Vec<u8>> {
            self.files.borrow().get(name).cloned()
        }

        async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ()> {
            // Emptied, half written, written.
            for length in [0, bytes.len() / 2, bytes.len()] {
                if !self.step() {
                    return Err(());
                }
                let mut files = self.files.borrow_mut();
                files.insert(name.to_owned(), bytes[..length].to_vec());
            }
            Ok(())
        }

        async fn rename(&self, from: &str, to: &str) -> bool {
            if !self.renames || !self.step() {
                return false;
            }
            let mut files = self.files.borrow_mut();
            let file = files.remove(from);
            file.is_some_and(|file| files.insert(to.to_owned(), file).is_some())
        }

        async fn remove(&self, name: &str) {
            if self.step() {
                self.files.borrow_mut().remove(name);
            }
        }
    }

    fn manifest(saved: f64) -> Manifest {
        let address = Address::parse("https://example.org/m/").unwrap();
        let listing = Listing {
            address: address.clone(),
            asked: address,
            files: Vec::new(),
        };
        Manifest::new(listing, saved)
    }

    #[test]
    fn tabs_may_be_closed_at_any_moment() {
        let all = [manifest(1.0), manifest(2.0), manifest(3.0)];
        let key = key(&all[0].listing.address);
        for renames in [true, false] {
            let mut seen = [0; 3];
            for (first, second) in (0..144).map(|i| (i / 12, i % 12)) {
                let folder = Folder {
                    files: RefCell::default(),
                    steps: Cell::new(usize::MAX),
                    renames,
                };
                pollster::block_on(save(&folder, &all[0])).unwrap();
                let mut before = 0;
                for (next, steps) in [(1, first), (2, second)] {
                    folder.steps.set(steps);
                    let saved = pollster::block_on(save(&folder, &all[next]));
                    let found = pollster::block_on(load(&folder, &key));
                    let found = all.iter().position(|known| Some(known) == found.as_ref());
                    let found = found.expect("there is always a whole one");
                    assert!([before, next].contains(&found), "{first} {second}: {found}");
                    assert!(found == next || saved.is_err(), "{first} {second}");
                    before = found;
                }
                seen[before] += 1;
            }
            assert!(seen.iter().all(|times| *times > 0), "{seen:?}");
        }
    }

    #[test]
    fn a_folder_without_one_has_none() {
        let folder = Folder {
            files: RefCell::default(),
            steps: Cell::new(usize::MAX),
            renames: true,
        };
        let key = key(&manifest(1.0).listing.address);
        assert_eq!(pollster::block_on(load(&folder, &key)), None);
        let half = manifest(1.0).to_json()[..20].to_vec();
        folder.files.borrow_mut().insert(MANIFEST.to_owned(), half);
        assert_eq!(pollster::block_on(load(&folder, &key)), None);
    }
}
