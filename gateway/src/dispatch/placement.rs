//! Which executor reads which files.
//!
//! A file goes to the executor with the greatest hash of path and executor (rendezvous hashing),
//! so that caches stay warm when executors come and go; where that would give one executor much
//! more than its share of bytes, the next in the file's own order takes it. Where fragments have to
//! follow the order of files, runs of about equal size are cut instead.
//!
//! Invariants: deterministic, also over releases of the standard library; every file is placed
//! exactly once; inside of a bucket files keep their order.

use std::sync::Arc;

use skein_catalog::snapshot::File;

/// Beyond its even share by this part, an executor takes no further file while another can. Small: a
/// query waits for the executor that has most, and a file that moves costs one reading of its footer.
const OVERLOAD_PERCENT: u64 = 2;

/// Divides the files of one scan among buckets; `names` are the buckets' stable names.
pub fn by_hash(files: &[Arc<File>], names: &[String]) -> Vec<Vec<Arc<File>>> {
    let mut buckets = vec![Vec::new(); names.len()];
    if names.len() <= 1 {
        buckets
            .first_mut()
            .into_iter()
            .for_each(|bucket| bucket.extend(files.iter().cloned()));
        return buckets;
    }
    let total: u64 = files.iter().map(|file| weight(file)).sum();
    let share = total / names.len() as u64;
    let limit = share + share * OVERLOAD_PERCENT / 100;
    // Large files first: what is left to even out at the end is small.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|index| {
        (
            std::cmp::Reverse(weight(&files[*index])),
            &files[*index].path,
        )
    });
    let mut loads = vec![0_u64; names.len()];
    let mut placed = vec![0_usize; files.len()];
    for index in order {
        let file = &files[index];
        let mut ranked: Vec<usize> = (0..names.len()).collect();
        ranked.sort_by_key(|bucket| std::cmp::Reverse(score(&file.path, &names[*bucket])));
        let fits = ranked
            .iter()
            .find(|bucket| loads[**bucket] + weight(file) <= limit);
        let bucket = fits.copied().unwrap_or_else(|| {
            ranked
                .iter()
                .copied()
                .min_by_key(|bucket| loads[*bucket])
                .unwrap_or(0)
        });
        loads[bucket] += weight(file);
        placed[index] = bucket;
    }
    for (file, bucket) in files.iter().zip(placed) {
        buckets[bucket].push(Arc::clone(file));
    }
    buckets
}

/// Cuts the files of one scan into runs of about equal size, in order.
pub fn in_order(files: &[Arc<File>], count: usize) -> Vec<Vec<Arc<File>>> {
    let mut buckets = vec![Vec::new(); count.max(1)];
    let total: u128 = files.iter().map(|file| u128::from(weight(file))).sum();
    let mut before = 0_u128;
    for file in files {
        // The middle of the file decides, so that runs are even and never go back.
        let middle = before + u128::from(weight(file)) / 2;
        let bucket = usize::try_from(middle * count as u128 / total.max(1)).unwrap_or(0);
        buckets[bucket.min(count.saturating_sub(1))].push(Arc::clone(file));
        before += u128::from(weight(file));
    }
    buckets
}

/// The bucket for work that reads `paths` whole.
pub fn one_of<'a>(paths: impl IntoIterator<Item = &'a str>, names: &[String]) -> usize {
    let key = paths
        .into_iter()
        .fold(FNV_START, |hash, path| fnv(hash, path.as_bytes()));
    let key = key.to_string();
    (0..names.len())
        .max_by_key(|bucket| score(&key, &names[*bucket]))
        .unwrap_or(0)
}

/// An empty file costs something too.
fn weight(file: &File) -> u64 {
    file.bytes.max(1)
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// FNV-1a with a final mix: not the standard library's hasher, which may change.
fn score(path: &str, name: &str) -> u64 {
    let hash = fnv(fnv(fnv(FNV_START, path.as_bytes()), &[0]), name.as_bytes());
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn files(sizes: impl IntoIterator<Item = u64>) -> Vec<Arc<File>> {
        let file = |(index, bytes): (usize, u64)| {
            Arc::new(File {
                path: format!("data/part-{index:04}.parquet"),
                bytes,
                version: String::new(),
                partition: BTreeMap::new(),
                shape: 0,
            })
        };
        sizes.into_iter().enumerate().map(file).collect()
    }

    fn names(count: usize) -> Vec<String> {
        (0..count)
            .map(|index| format!("executor-{index}"))
            .collect()
    }

    fn paths(bucket: &[Arc<File>]) -> Vec<&str> {
        bucket.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn places_every_file_once_and_evenly() {
        let files = files((0..97).map(|index| 1000 + index * 37 % 500));
        for count in 1..8 {
            let buckets = by_hash(&files, &names(count));
            let mut all: Vec<&str> = buckets.iter().flat_map(|bucket| paths(bucket)).collect();
            all.sort_unstable();
            assert_eq!(all, paths(&files));
            let loads = buckets
                .iter()
                .map(|bucket| bucket.iter().map(|f| f.bytes).sum::<u64>());
            let share = files.iter().map(|file| file.bytes).sum::<u64>() / count as u64;
            assert!(
                loads.max().expect("a bucket") <= share + share / 20,
                "{count}"
            );
            for bucket in &buckets {
                assert!(bucket.is_sorted_by(|a, b| a.path < b.path));
            }
        }
    }

    #[test]
    fn a_new_executor_takes_files_and_the_others_keep_most() {
        let files = files([1000; 200]);
        let before = by_hash(&files, &names(4));
        let after = by_hash(&files, &names(5));
        let kept: usize = (0..4)
            .map(|bucket| {
                before[bucket]
                    .iter()
                    .filter(|file| after[bucket].contains(file))
                    .count()
            })
            .sum();
        assert!(kept >= 120, "{kept} of 200 files stayed");
    }

    #[test]
    fn one_huge_file_does_not_take_the_others_along() {
        let files = files(std::iter::once(1_000_000).chain([1000; 50]));
        let buckets = by_hash(&files, &names(2));
        let with_huge = buckets
            .iter()
            .find(|bucket| bucket.iter().any(|f| f.bytes == 1_000_000));
        assert_eq!(with_huge.expect("placed").len(), 1);
    }

    #[test]
    fn runs_keep_the_order_of_files() {
        let files = files((0..23).map(|index| 10 + index % 7));
        for count in 1..30 {
            let buckets = in_order(&files, count);
            assert_eq!(buckets.len(), count);
            let all: Vec<&str> = buckets.iter().flat_map(|bucket| paths(bucket)).collect();
            assert_eq!(all, paths(&files));
        }
        let one_each = in_order(&files[..3], 3);
        assert!(one_each.iter().all(|bucket| bucket.len() == 1));
    }

    #[test]
    fn the_same_files_choose_the_same_executor() {
        let names = names(5);
        let chosen = one_of(["a", "b"], &names);
        assert_eq!(chosen, one_of(["a", "b"], &names));
        let spread: std::collections::BTreeSet<usize> = (0..50)
            .map(|index| one_of([format!("{index}").as_str()], &names))
            .collect();
        assert!(spread.len() > 3);
    }
}
