use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Facts;
use super::host::{Host, facts as of};

const DMI: &str = "/sys/devices/virtual/dmi/id";

/// What the firmware calls the machine, and the file that says it.
const FIRMWARE: [(&str, &str); 17] = [
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

/// The forms of a chassis by the number that the SMBIOS specification gives them.
const FORMS: [&str; 37] = [
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

/// The machine as its firmware describes it.
pub(super) fn dmi(host: &Host) -> Facts {
    let text = |file: &str| host.text(&format!("{DMI}/{file}"));
    let told = |file: &str| Value::from(text(file).unwrap_or_else(|| "NA".to_owned()));
    let mut facts: Facts = FIRMWARE.iter().map(|(name, file)| ((*name).to_owned(), told(file))).collect();
    let form = text("chassis_type").map(|number| {
        let known = number.parse().ok().and_then(|at: usize| FORMS.get(at));
        known.map_or_else(|| format!("unknown ({number})"), |form| (*form).to_owned())
    });
    facts.insert("form_factor".to_owned(), Value::from(form.unwrap_or_else(|| "NA".to_owned())));
    facts
}

/// The block devices.
pub(super) fn facts(host: &Host) -> Facts {
    let links = links(host);
    let mut devices = Facts::new();
    for name in host.names("/sys/block") {
        devices.insert(name.clone(), Value::Object(device(host, &name, &links)));
    }
    let by_kind: BTreeMap<&str, &Links> = links.iter().map(|(kind, links)| (*kind, links)).collect();
    of(json!({ "devices": devices, "device_links": by_kind, "lvm": "N/A" }))
}

/// By device, the names that lead to it.
type Links = BTreeMap<String, BTreeSet<String>>;

fn links(host: &Host) -> [(&'static str, Links); 4] {
    let by = |folder: &str| {
        let mut links = Links::new();
        for name in host.names(folder) {
            if let Some(device) = host.target(&format!("{folder}/{name}")) {
                links.entry(device).or_default().insert(name);
            }
        }
        links
    };
    let mut masters = Links::new();
    for device in host.names("/sys/block") {
        for slave in host.names(&format!("/sys/block/{device}/slaves")) {
            masters.entry(slave).or_default().insert(device.clone());
        }
    }
    [
        ("ids", by("/dev/disk/by-id")),
        ("uuids", by("/dev/disk/by-uuid")),
        ("labels", by("/dev/disk/by-label")),
        ("masters", masters),
    ]
}

fn links_of(name: &str, links: &[(&'static str, Links)]) -> Value {
    let of_kind = |links: &Links| json!(links.get(name).cloned().unwrap_or_default());
    links.iter().map(|(kind, links)| ((*kind).to_owned(), of_kind(links))).collect::<Facts>().into()
}

fn device(host: &Host, name: &str, links: &[(&'static str, Links)]) -> Facts {
    let folder = format!("/sys/block/{name}");
    let fact = |file: &str| host.fact(&format!("{folder}/{file}"));
    let sector_size = sector_size(host, &folder);
    let sectors = sectors(host, &folder, &sector_size);
    let scheduler = host.text(&format!("{folder}/queue/scheduler")).unwrap_or_default();
    let scheduler = scheduler.split_once('[').and_then(|(_, rest)| Some(rest.split_once(']')?.0));
    let discards = host.text(&format!("{folder}/queue/discard_max_hw_bytes")).as_deref() != Some("0");
    let partitions = host.names(&folder).into_iter().filter(|part| is_partition(part, name));
    let partitions: Facts =
        partitions.map(|part| (part.clone(), partition(host, &folder, &part, links))).collect();
    let mut facts = of(json!({
        // Every entry is a link nowadays, which is what Ansible calls virtual.
        "virtual": 1,
        "links": links_of(name, links),
        "vendor": fact("device/vendor"),
        "model": fact("device/model"),
        "sas_address": fact("device/sas_address"),
        "sas_device_handle": fact("device/sas_device_handle"),
        "removable": fact("removable"),
        "support_discard": if discards { fact("queue/discard_granularity") } else { json!("0") },
        "partitions": partitions,
        "rotational": fact("queue/rotational"),
        "scheduler_mode": scheduler.unwrap_or_default(),
        "sectorsize": sector_size,
        "sectors": sectors,
        "size": human(sectors, &sector_size),
        "host": "",
        "holders": holders(host, &folder),
    }));
    if let Some(serial) = host.text(&format!("{folder}/device/serial")) {
        facts.insert("serial".to_owned(), Value::from(serial));
    }
    let wwn = links
        .iter()
        .filter(|(kind, _)| *kind == "ids")
        .find_map(|(_, links)| links.get(name)?.iter().find_map(|link| link.strip_prefix("wwn-")));
    if let Some(wwn) = wwn {
        facts.insert("wwn".to_owned(), Value::from(wwn));
    }
    facts
}

fn is_partition(part: &str, disk: &str) -> bool {
    part.strip_prefix(disk).is_some_and(|rest| {
        let number = rest.strip_prefix('p').unwrap_or(rest);
        !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
    })
}

fn partition(host: &Host, disk: &str, name: &str, links: &[(&'static str, Links)]) -> Value {
    let folder = format!("{disk}/{name}");
    let sector_size = match sector_size(host, &folder) {
        Value::Null => json!(512),
        size => size,
    };
    let sectors = sectors(host, &folder, &sector_size);
    let links_here = links_of(name, links);
    let uuid = links_here.pointer("/uuids/0").cloned().unwrap_or_default();
    json!({
        "links": links_here,
        "start": host.text(&format!("{folder}/start")).map_or(json!(0), Value::from),
        "sectorsize": sector_size,
        "sectors": sectors,
        "size": human(sectors, &sector_size),
        "uuid": uuid,
        "holders": holders(host, &folder),
    })
}

/// Text where the kernel says it, a number where it is assumed, as Ansible has it.
fn sector_size(host: &Host, folder: &str) -> Value {
    let told = ["logical_block_size", "hw_sector_size"]
        .iter()
        .find_map(|file| host.text(&format!("{folder}/queue/{file}")));
    told.map_or(json!(512), Value::from)
}

fn bytes_of(sector_size: &Value) -> u64 {
    sector_size
        .as_u64()
        .or_else(|| sector_size.as_str()?.parse().ok())
        .filter(|&size| size > 0)
        .unwrap_or(512)
}

/// The kernel counts in 512 bytes whatever the device has.
fn sectors(host: &Host, folder: &str, sector_size: &Value) -> u64 {
    let size = host.number(&format!("{folder}/size")).and_then(|size| u64::try_from(size).ok());
    size.unwrap_or_default() * 512 / bytes_of(sector_size)
}

fn holders(host: &Host, folder: &str) -> Vec<String> {
    let held_by = host.names(&format!("{folder}/holders")).into_iter().filter(|name| name.starts_with("dm-"));
    held_by.map(|name| host.text(&format!("{folder}/holders/{name}/dm/name")).unwrap_or(name)).collect()
}

fn human(sectors: u64, sector_size: &Value) -> String {
    const UNITS: [(&str, u32); 6] = [("EB", 60), ("PB", 50), ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10)];
    let bytes = u128::from(sectors) * u128::from(bytes_of(sector_size));
    let (unit, shift) = UNITS.into_iter().find(|(_, shift)| bytes >> shift > 0).unwrap_or(("Bytes", 0));
    let hundredths = (((bytes * 1000) >> shift) + 5) / 10;
    format!("{}.{:02} {unit}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_for_people() {
        for (sectors, expected) in [
            (0, "0.00 Bytes"),
            (1, "512.00 Bytes"),
            (3, "1.50 KB"),
            (536_870_912, "256.00 GB"),
            (976_773_168, "465.76 GB"),
        ] {
            assert_eq!(human(sectors, &json!("512")), expected);
        }
    }

    #[test]
    fn a_partition_is_named_after_its_disk() {
        assert!(is_partition("sda1", "sda") && is_partition("nvme0n1p2", "nvme0n1"));
        assert!(!is_partition("queue", "sda") && !is_partition("sdap", "sda"));
    }
}
