//! The memory of all processes of a sandbox together, which no limit of a single process bounds.
//!
//! Linux counts memory for groups of processes in control groups only, and an ordinary user may not
//! make these everywhere. So the processes are looked at, some twenty times a second: pages that
//! several of them share are counted for each.

use std::{collections::HashMap, fs, time::Duration};

/// How often they are looked at.
const EVERY: Duration = Duration::from_millis(50);

/// Resolves when the processes under `pid`, itself included, hold more than `most` bytes.
pub(super) async fn over(pid: u32, most: u64) {
    loop {
        tokio::time::sleep(EVERY).await;
        if resident(pid) > most {
            return;
        }
    }
}

/// Bytes that the processes under `pid` hold; 0 where that cannot be seen.
fn resident(pid: u32) -> u64 {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut bytes: HashMap<u32, u64> = HashMap::new();
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    for process in processes.flatten() {
        let name = process.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end while it is looked at.
        let Some((parent, held)) = fs::read(process.path().join("status"))
            .ok()
            .and_then(|status| parent_and_bytes(&String::from_utf8_lossy(&status)))
        else {
            continue;
        };
        children.entry(parent).or_default().push(number);
        bytes.insert(number, held);
    }
    let (mut sum, mut open) = (0_u64, vec![pid]);
    while let Some(process) = open.pop() {
        sum = sum.saturating_add(bytes.get(&process).copied().unwrap_or(0));
        open.extend(children.remove(&process).unwrap_or_default());
    }
    sum
}

/// The parent of a process and the bytes that it holds; a process that ends holds none.
fn parent_and_bytes(status: &str) -> Option<(u32, u64)> {
    let number = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let parent = u32::try_from(number("PPid:")?).ok()?;
    Some((parent, number("VmRSS:").unwrap_or(0).saturating_mul(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_holds_is_read() {
        let status = "Name:\ta\nPPid:\t7\nVmHWM:\t  9 kB\nVmRSS:\t  12 kB\n";
        assert_eq!(parent_and_bytes(status), Some((7, 12 << 10)));
        assert_eq!(parent_and_bytes("PPid:\t7\n"), Some((7, 0)));
        assert_eq!(parent_and_bytes(""), None);
        assert!(!cfg!(target_os = "linux") || resident(std::process::id()) > 0);
    }
}
