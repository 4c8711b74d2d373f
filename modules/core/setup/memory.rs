use serde_json::{Value, json};

use super::Facts;
use super::host::{Host, facts as of};

/// Memory and swap, in megabytes, and how long the host has been up.
pub(super) fn facts(host: &Host) -> Facts {
    let mut facts = Facts::new();
    if let Some(text) = host.text("/proc/meminfo") {
        facts.extend(memory(&text));
    }
    let uptime = host.text("/proc/uptime");
    if let Some(seconds) = uptime.as_deref().and_then(|text| text.split('.').next()?.parse::<u64>().ok()) {
        facts.insert("uptime_seconds".to_owned(), Value::from(seconds));
    }
    facts
}

fn memory(text: &str) -> Facts {
    let of_name = |name: &str| -> Option<i64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next()?.parse::<i64>().ok()? / 1024)
    };
    let (total, free) = (of_name("MemTotal"), of_name("MemFree"));
    let (swap, swap_free) = (of_name("SwapTotal"), of_name("SwapFree"));
    let available = (|| Some(of_name("Cached")? + free? + of_name("Buffers")?))();
    let less = |whole: Option<i64>, part: Option<i64>| Some(whole? - part?);
    of(json!({
        "memtotal_mb": total,
        "memfree_mb": free,
        "swaptotal_mb": swap,
        "swapfree_mb": swap_free,
        "memory_mb": {
            "real": { "total": total, "used": less(total, free), "free": free },
            "nocache": { "free": available, "used": less(total, available) },
            "swap": {
                "total": swap, "free": swap_free, "used": less(swap, swap_free), "cached": of_name("SwapCached"),
            },
        },
    }))
}

/// How busy the host has been.
pub(super) fn load(host: &Host) -> Facts {
    let Some(text) = host.text("/proc/loadavg") else { return Facts::new() };
    let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().ok());
    let mut next = || numbers.next().flatten();
    of(json!({ "loadavg": { "1m": next(), "5m": next(), "15m": next() } }))
}
