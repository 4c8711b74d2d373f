use serde_json::json;

use crate::testing::{give, refuse};

#[test]
fn addresses_answer_questions() {
    give(&[
        ("'192.168.1.5/24' | ipaddr", json!("192.168.1.5/24")),
        ("'192.168.1.5' | ansible.utils.ipaddr", json!("192.168.1.5")),
        ("'nonsense' | ansible.utils.ipaddr", json!(false)),
        ("['10.0.0.1', 'x', '::1'] | ansible.utils.ipaddr", json!(["10.0.0.1", "::1"])),
        ("['10.0.0.1', 'x', '::1'] | ansible.utils.ipv6", json!(["::1"])),
        ("'192.168.1.5/24' | ansible.utils.ipaddr('address')", json!("192.168.1.5")),
        ("'192.168.1.5/24' | ansible.utils.ipaddr('network')", json!("192.168.1.0")),
        ("'192.168.1.5/24' | ansible.utils.ipaddr('subnet')", json!("192.168.1.0/24")),
        ("'192.168.1.5/24' | ansible.utils.ipaddr('netmask')", json!("255.255.255.0")),
        ("'192.168.1.5/24' | ansible.utils.ipaddr('broadcast')", json!("192.168.1.255")),
        ("'192.168.1.5/24' | ansible.utils.ipaddr('prefix')", json!(24)),
        ("'192.168.1.5/24' | ansible.utils.ipaddr('size')", json!(256)),
        ("'192.168.1.5/24' | ansible.utils.ipaddr('range_usable')", json!("192.168.1.1-192.168.1.254")),
        ("'192.168.1.0/24' | ansible.utils.ipaddr(10)", json!("192.168.1.10/24")),
        (
            "'192.168.1.0/24' | ansible.utils.ipaddr('-2') | ansible.utils.ipaddr('address')",
            json!("192.168.1.254"),
        ),
        ("'192.168.1.5' | ansible.utils.ipaddr('192.168.0.0/16')", json!("192.168.1.5")),
        ("'192.168.1.5' | ansible.utils.ipaddr('10.0.0.0/8')", json!(null)),
        ("'192.168.1.5' | ansible.utils.ipaddr('private')", json!("192.168.1.5")),
        ("'8.8.8.8' | ansible.utils.ipaddr('public')", json!("8.8.8.8")),
        ("'1.2.3.4' | ansible.utils.ipaddr('revdns')", json!("4.3.2.1.in-addr.arpa.")),
        ("'10.0.0.1/30' | ansible.utils.ipaddr('peer')", json!("10.0.0.2")),
        ("'::1' | ansible.utils.ipaddr('wrap')", json!("[::1]")),
        ("3232235777 | ansible.utils.ipaddr", json!("192.168.1.1")),
    ]);
}

#[test]
fn networks_are_divided_and_joined() {
    give(&[
        ("'192.168.144.5/32' | ansible.utils.ipsubnet(18, 0)", json!("192.168.128.0/18")),
        ("'10.0.0.0/16' | ansible.utils.ipsubnet(24)", json!("256")),
        ("'10.0.0.0/16' | ansible.utils.ipsubnet(24, 3)", json!("10.0.3.0/24")),
        ("'10.0.0.0/16' | ansible.utils.ipsubnet(24, -1)", json!("10.0.255.0/24")),
        ("'10.0.3.0/24' | ansible.utils.ipsubnet('10.0.0.0/16')", json!("4")),
        ("'10.0.0.0/8' | ansible.utils.nthhost(305)", json!("10.0.1.49")),
        ("'192.168.122.1/24' | ansible.utils.next_nth_usable(2)", json!("192.168.122.3")),
        ("'192.168.122.10/24' | ansible.utils.previous_nth_usable(2)", json!("192.168.122.8")),
        ("['10.0.0.0/25', '10.0.0.128/25'] | ansible.utils.cidr_merge", json!(["10.0.0.0/24"])),
        ("['192.168.0.1', '192.168.0.5'] | ansible.utils.cidr_merge('span')", json!("192.168.0.0/29")),
        ("'192.168.0.0/24' | ansible.utils.network_in_network('192.168.0.1')", json!(true)),
        ("'192.168.0.0/24' | ansible.utils.network_in_usable('192.168.0.255')", json!(false)),
        ("['10.1.2.3', '8.8.8.8'] | ansible.utils.reduce_on_network('10.0.0.0/8')", json!(["10.1.2.3"])),
        ("'192.168.1.5' | ansible.utils.ipmath(5)", json!("192.168.1.10")),
        ("'192.168.1.5' | ansible.utils.ip4_hex", json!("c0a80105")),
    ]);
}

#[test]
fn hardware_addresses_are_rewritten() {
    give(&[
        ("'1a:2b:3c:4d:5e:6f' | ansible.utils.hwaddr('cisco')", json!("1a2b.3c4d.5e6f")),
        ("'1A-2B-3C-4D-5E-6F' | ansible.utils.macaddr('linux')", json!("1a:2b:3c:4d:5e:6f")),
        ("'x' | ansible.utils.hwaddr('bool')", json!(false)),
        (
            "'fdcf:1894:23b5:d38c::/64' | ansible.utils.slaac('c2:31:b3:83:bf:2b')",
            json!("fdcf:1894:23b5:d38c:c031:b3ff:fe83:bf2b"),
        ),
    ]);
}

#[test]
fn tests_tell_addresses_apart() {
    give(&[
        ("'10.1.2.3' is ansible.utils.in_network('10.0.0.0/8')", json!(true)),
        ("'10.1.2.3' is ansible.utils.in_any_network(['11.0.0.0/8', '10.0.0.0/8'])", json!(true)),
        ("'10.0.0.0/24' is ansible.utils.subnet_of('10.0.0.0/8')", json!(true)),
        ("'::1' is ansible.utils.ipv6_address", json!(true)),
        ("'10.0.0.300' is ansible.utils.ip", json!(false)),
        ("'02:16:3e:e4:16:f3' is ansible.utils.mac", json!(true)),
    ]);
}

#[test]
fn unknown_questions_are_refused() {
    refuse(&[(
        "'10.0.0.1' | ansible.utils.ipaddr('nope')",
        "The filter plugin 'ansible.utils.ipaddr' failed: ipaddr: unknown filter type: nope",
    )]);
}
