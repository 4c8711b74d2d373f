//! Route 53: zones and records.
//!
//! **Invariant:** knows no other family. A load balancer's name comes in as a value.

mod record;
mod route53_record;
mod route53_zone;
mod zone;

use rplay_module::{Driven, Module, Params as _};

pub use route53_record::{Record, RecordParams};
pub use route53_zone::{ZoneParams, ZoneResource};

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["route53_zone", "amazon.aws.route53_zone", "community.aws.route53_zone"],
        native: false,
        spec: ZoneParams::spec,
        pick: |_| Box::new(Driven(ZoneResource)),
    },
    Module {
        names: &["route53_record"],
        native: true,
        spec: RecordParams::spec,
        pick: |_| Box::new(Driven(Record)),
    },
];
