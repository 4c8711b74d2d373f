//! Every module there is: one line per family.

use rplay_module::Module;

/// Returns the modules of all families that this binary was built with.
pub(crate) fn modules() -> Vec<Module> {
    let families: &[&[Module]] = &[
        rplay_core::MODULES,
        rplay_files::MODULES,
        rplay_system::MODULES,
        #[cfg(feature = "docker")]
        rplay_docker::MODULES,
        #[cfg(feature = "ec2")]
        rplay_aws_ec2::MODULES,
        #[cfg(feature = "ecr")]
        rplay_aws_ecr::MODULES,
        #[cfg(feature = "ecs")]
        rplay_aws_ecs::MODULES,
        #[cfg(feature = "elb")]
        rplay_aws_elb::MODULES,
        #[cfg(feature = "iam")]
        rplay_aws_iam::MODULES,
        #[cfg(feature = "logs")]
        rplay_aws_logs::MODULES,
        #[cfg(feature = "route53")]
        rplay_aws_route53::MODULES,
        #[cfg(feature = "s3")]
        rplay_aws_s3::MODULES,
        #[cfg(feature = "sts")]
        rplay_aws_sts::MODULES,
    ];
    families.iter().flat_map(|family| family.iter().copied()).collect()
}

/// Returns what lists hosts for inventories.
pub(crate) fn host_sources() -> Vec<Module> {
    let families: &[&[Module]] = &[
        #[cfg(feature = "ec2")]
        rplay_aws_ec2::HOST_SOURCES,
    ];
    families.iter().flat_map(|family| family.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn no_name_means_two_modules() {
        let mut seen = HashSet::new();
        for module in super::modules() {
            for name in module.names {
                assert!(seen.insert(*name), "{name} is listed twice");
            }
        }
    }
}
