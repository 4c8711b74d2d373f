#![expect(
    deprecated,
    reason = "AWS offers none of these to new accounts; definitions that have them can be kept"
)]
//! An accelerator of a task definition, as AWS has it.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_InferenceAccelerator.html>.

use crate::shape::shape;

shape! {
    /// An Elastic Inference accelerator.
    InferenceAccelerator {
        /// The name that a container's resource requirement refers to.
        #[param(required)]
        device_name: text,
        /// Its type, such as `eia2.medium`.
        #[param(required)]
        device_type: text,
    }
}
