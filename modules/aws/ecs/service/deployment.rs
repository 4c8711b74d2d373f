//! How a service goes from one revision to the next, as AWS has it.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>.

use super::hook::DeploymentLifecycleHook;
use crate::shape::{shape, words};

words! { DeploymentControllerType, DeploymentStrategy, ServiceRevisionCleanup, ThresholdType }

shape! {
    /// Who carries out the deployments.
    DeploymentController {
        /// `ECS` itself, `CODE_DEPLOY` or something `EXTERNAL`. Omitted: left alone, at first `ECS`.
        r#type: word(DeploymentControllerType),
    }

    /// How a deployment goes.
    DeploymentConfiguration {
        /// The most tasks that may run during a deployment, in percent of the wanted number. Omitted: left alone, at
        /// first 200.
        maximum_percent: int,
        /// The fewest tasks that must run during a deployment, in percent of the wanted number. Omitted: left alone, at
        /// first 100.
        minimum_healthy_percent: int,
        /// Gives a deployment up whose tasks keep failing. Omitted: left alone, at first off.
        deployment_circuit_breaker: shape(DeploymentCircuitBreaker),
        /// Gives a deployment up when an alarm goes off. Omitted: left alone, at first off.
        alarms: shape(DeploymentAlarms),
        /// How traffic moves to the new revision. Omitted: left alone, at first `ROLLING`.
        strategy: word(DeploymentStrategy),
        /// Minutes for which both revisions run after all traffic has moved. Omitted: left alone.
        bake_time_in_minutes: int,
        /// What is asked at the stages of a deployment. Omitted: left alone, at first nothing.
        lifecycle_hooks: shapes(DeploymentLifecycleHook),
        /// The steps of `LINEAR`. Omitted: left alone.
        linear_configuration: shape(LinearConfiguration),
        /// The two steps of `CANARY`. Omitted: left alone.
        canary_configuration: shape(CanaryConfiguration),
        /// When a deployment counts as done before its last task runs. Omitted: left alone, at first off.
        early_success_criteria: shape(DeploymentEarlySuccessCriteria),
    }

    /// Gives a deployment up whose tasks keep failing.
    DeploymentCircuitBreaker {
        /// Whether it does. Omitted: left alone, at first off.
        enable: flag,
        /// Whether the last revision that worked is deployed again then. Omitted: left alone, at first not.
        rollback: flag,
        /// Whether a task that becomes healthy sets the count of failures back. Omitted: left alone.
        reset_on_healthy_task: flag,
        /// How many failures are too many. Omitted: left alone, at first half of the wanted number, from 3 to 200.
        threshold_configuration: shape(ThresholdConfiguration),
    }

    /// How many failures are too many.
    ThresholdConfiguration {
        /// What the value is: a count, or a percentage with or without bounds.
        #[param(required)]
        r#type: word(ThresholdType),
        /// The value.
        #[param(required)]
        value: int,
    }

    /// Gives a deployment up when an alarm goes off.
    DeploymentAlarms {
        /// The names of the alarms. Omitted: left alone.
        alarm_names: texts,
        /// Whether the last revision that worked is deployed again then. Omitted: left alone, at first not.
        rollback: flag,
        /// Whether the alarms are watched. Omitted: left alone, at first not.
        enable: flag,
    }

    /// Traffic moves in equal steps.
    LinearConfiguration {
        /// How much moves at once, in percent. Omitted: 10.
        step_percent: decimal,
        /// Minutes between two steps. Omitted: 6.
        step_bake_time_in_minutes: int,
    }

    /// Traffic moves in two steps.
    CanaryConfiguration {
        /// How much moves first, in percent. Omitted: 5.
        canary_percent: decimal,
        /// Minutes until the rest moves. Omitted: 10.
        canary_bake_time_in_minutes: int,
    }

    /// When a deployment counts as done before its last task runs.
    DeploymentEarlySuccessCriteria {
        /// Whether it may. Omitted: left alone, at first not.
        enable: flag,
        /// How many of the tasks must be healthy, in percent. Omitted: left alone.
        healthy_percent: int,
        /// Whether the deployment waits until the old tasks are gone. Omitted: left alone.
        source_service_revision_cleanup: word(ServiceRevisionCleanup),
    }
}
