//! Versions of objects, and the markers of deleted ones.

use rplay_aws::failing;
use rplay_client_s3::S3;
use rplay_client_s3::sdk::types::{Delete, ObjectIdentifier};
use rplay_module::{Failure, Result};

/// How many one call takes.
const MOST: usize = 1000;

/// Deletes these versions and markers for good.
pub(crate) async fn delete(s3: &S3, bucket: &str, versions: &[ObjectIdentifier]) -> Result<()> {
    let what = format!("delete versions of objects in bucket {bucket}");
    for chunk in versions.chunks(MOST) {
        let batch = Delete::builder().set_objects(Some(chunk.to_vec())).quiet(true).build();
        let batch = batch.map_err(|error| Failure::bug(format!("{what}: {error}")))?;
        let done = s3.delete_objects().bucket(bucket).delete(batch).send().await;
        let answer = done.map_err(failing(what.clone()))?;
        if let Some(error) = answer.errors().first() {
            return Err(Failure::new(format!(
                "could not delete object {} in bucket {bucket}: {}: {}",
                error.key().unwrap_or_default(),
                error.code().unwrap_or_default(),
                error.message().unwrap_or_default()
            )));
        }
    }
    Ok(())
}
