//! A hook of a deployment: the one structure of a service with a field for any data, which no table can have.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHook.html>.

use aws_smithy_types::{Document, Number};
use rplay_module::{Params, Result, State};
use serde_json::{Map, Value};

use crate::shape::{Piece, Shape, Word, fields_json, kept, shape, types, words};

words! { DeploymentLifecycleHookAction, DeploymentLifecycleHookStage, DeploymentLifecycleHookTargetType }

shape! {
    /// How long an answer is waited for.
    DeploymentLifecycleHookTimeoutConfiguration {
        /// Minutes. Omitted: left alone.
        timeout_in_minutes: int,
        /// Whether the deployment goes on then or is rolled back. Omitted: left alone.
        action: word(DeploymentLifecycleHookAction),
    }
}

/// What is asked at some stages of a deployment.
#[derive(Params, State, Clone, Debug, Default, PartialEq)]
#[params(camel_case)]
pub(crate) struct DeploymentLifecycleHook {
    /// A Lambda function that answers, or a pause until somebody does. Omitted: `AWS_LAMBDA`.
    pub(crate) target_type: Option<Word<types::DeploymentLifecycleHookTargetType>>,
    /// The ARN of the Lambda function. Omitted: there is none.
    pub(crate) hook_target_arn: Option<String>,
    /// The ARN of the role by which ECS calls it. Omitted: none.
    pub(crate) role_arn: Option<String>,
    /// At which stages. Omitted: left alone.
    pub(crate) lifecycle_stages: Option<Vec<Word<types::DeploymentLifecycleHookStage>>>,
    /// What the function is told besides, any data. Omitted: nothing.
    pub(crate) hook_details: Option<Value>,
    /// How long an answer is waited for. Omitted: left alone.
    pub(crate) timeout_configuration: Option<DeploymentLifecycleHookTimeoutConfiguration>,
}

impl Shape for DeploymentLifecycleHook {
    type Sdk = types::DeploymentLifecycleHook;

    fn to_sdk(&self) -> Result<Self::Sdk> {
        let stages = self.lifecycle_stages.as_ref().map(|stages| stages.iter().map(Word::to_sdk).collect());
        Ok(Self::Sdk::builder()
            .set_target_type(self.target_type.as_ref().map(Word::to_sdk))
            .set_hook_target_arn(self.hook_target_arn.clone())
            .set_role_arn(self.role_arn.clone())
            .set_lifecycle_stages(stages)
            .set_hook_details(self.hook_details.as_ref().map(document))
            .set_timeout_configuration(self.timeout_configuration.as_ref().map(Shape::to_sdk).transpose()?)
            .build())
    }

    fn from_sdk(sdk: &Self::Sdk) -> Self {
        Self {
            target_type: sdk.target_type.as_ref().map(Word::from_sdk),
            hook_target_arn: sdk.hook_target_arn.clone(),
            role_arn: sdk.role_arn.clone(),
            lifecycle_stages: sdk
                .lifecycle_stages
                .as_ref()
                .map(|stages| stages.iter().map(Word::from_sdk).collect()),
            hook_details: sdk.hook_details.as_ref().map(data),
            timeout_configuration: sdk.timeout_configuration.as_ref().map(Shape::from_sdk),
        }
    }
}

impl Piece for DeploymentLifecycleHook {
    fn json(&self) -> Value {
        fields_json([
            ("target_type", self.target_type.as_ref().map(Piece::json)),
            ("hook_target_arn", self.hook_target_arn.as_ref().map(Piece::json)),
            ("role_arn", self.role_arn.as_ref().map(Piece::json)),
            ("lifecycle_stages", self.lifecycle_stages.as_ref().map(Piece::json)),
            ("hook_details", self.hook_details.clone()),
            ("timeout_configuration", self.timeout_configuration.as_ref().map(Piece::json)),
        ])
    }

    fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    fn keep(&mut self, have: &Self) {
        kept(&mut self.target_type, &have.target_type);
        kept(&mut self.hook_target_arn, &have.hook_target_arn);
        kept(&mut self.role_arn, &have.role_arn);
        kept(&mut self.lifecycle_stages, &have.lifecycle_stages);
        if self.hook_details.is_none() {
            self.hook_details.clone_from(&have.hook_details);
        }
        kept(&mut self.timeout_configuration, &have.timeout_configuration);
    }
}

/// Returns data as the SDK has it.
fn document(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(flag) => Document::Bool(*flag),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => Number::PosInt(whole),
            (None, Some(whole)) => Number::NegInt(whole),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Value::String(text) => Document::String(text.clone()),
        Value::Array(items) => Document::Array(items.iter().map(document).collect()),
        Value::Object(fields) => {
            Document::Object(fields.iter().map(|(key, value)| (key.clone(), document(value))).collect())
        }
    }
}

/// Returns the SDK's data as JSON, in the order of its keys: the SDK keeps none.
pub(crate) fn data(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(flag) => Value::Bool(*flag),
        Document::Number(Number::PosInt(whole)) => Value::from(*whole),
        Document::Number(Number::NegInt(whole)) => Value::from(*whole),
        Document::Number(Number::Float(number)) => Value::from(*number),
        Document::String(text) => Value::from(text.as_str()),
        Document::Array(items) => Value::Array(items.iter().map(data).collect()),
        Document::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), data(value))).collect();
            fields.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(fields.into_iter().collect::<Map<_, _>>())
        }
    }
}
