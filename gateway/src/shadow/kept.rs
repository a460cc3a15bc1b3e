//! What was found out before, by text: bounded by the memory it takes.
//!
//! A shadow database never changes, so what it says about a text, and the rows that a repeatable query
//! gives, are the same each time. Drivers and schema browsers send the same catalogue statements with
//! every connection they open.
//!
//! Invariant: the bytes of all entries are at most `bytes_max`; the least recently used leaves first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

/// What an entry takes besides its text and its value.
const ENTRY_BYTES: usize = 128;

/// Values by text.
#[derive(Debug)]
pub(super) struct Kept<V: ?Sized> {
    entries: Mutex<Entries<V>>,
    bytes_max: usize,
    /// An entry may take no more, so that one cannot push all others out.
    entry_bytes_max: usize,
}

#[derive(Debug)]
struct Entries<V: ?Sized> {
    by_text: LruCache<String, (Arc<V>, usize)>,
    bytes: usize,
}

impl<V: ?Sized> Kept<V> {
    pub(super) fn new(bytes_max: usize, entry_bytes_max: usize) -> Self {
        debug_assert!(entry_bytes_max <= bytes_max, "one entry fits");
        let by_text = LruCache::unbounded();
        Self {
            entries: Mutex::new(Entries { by_text, bytes: 0 }),
            bytes_max,
            entry_bytes_max,
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries<V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, text: &str) -> Option<Arc<V>> {
        let mut entries = self.entries();
        entries
            .by_text
            .get(text)
            .map(|(value, _)| Arc::clone(value))
    }

    /// Whether a value of so many bytes would be kept.
    pub(super) fn takes(&self, text: &str, bytes: usize) -> bool {
        text.len() + bytes + ENTRY_BYTES <= self.entry_bytes_max
    }

    /// Keeps a value that takes so many bytes, if it is not too large.
    pub(super) fn put(&self, text: String, value: Arc<V>, bytes: usize) {
        if !self.takes(&text, bytes) {
            return;
        }
        let bytes = text.len() + bytes + ENTRY_BYTES;
        let mut entries = self.entries();
        if let Some((_, replaced)) = entries.by_text.put(text, (value, bytes)) {
            entries.bytes -= replaced;
        }
        entries.bytes += bytes;
        while entries.bytes > self.bytes_max {
            let Some((_, (_, freed))) = entries.by_text.pop_lru() else {
                break;
            };
            entries.bytes -= freed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_leaves_when_there_is_no_room() {
        let kept = Kept::new(4 * ENTRY_BYTES, 3 * ENTRY_BYTES);
        let put = |text: &str, bytes| kept.put(text.to_owned(), Arc::new(bytes), bytes);
        put("a", 9);
        put("b", 9);
        put("b", 10);
        assert_eq!(kept.entries().bytes, 2 * ENTRY_BYTES + 21);
        assert_eq!(kept.get("a").as_deref(), Some(&9));
        put("c", ENTRY_BYTES);
        assert_eq!(kept.get("b"), None, "it was used before a");
        assert_eq!(kept.get("a").as_deref(), Some(&9));
        assert_eq!(kept.get("c").as_deref(), Some(&ENTRY_BYTES));
        put("large", 3 * ENTRY_BYTES);
        assert_eq!(kept.get("large"), None);
        assert_eq!(kept.entries().by_text.len(), 2);
    }
}
