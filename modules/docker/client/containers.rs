use std::collections::HashMap;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder,
};
use futures_util::{StreamExt as _, pin_mut};

use crate::{Engine, Result};

/// A container, running or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    /// Without the slash that the engine puts before it.
    pub name: String,
    pub image: String,
    /// `running`, `exited`, `created` ….
    pub state: String,
    pub labels: Vec<(String, String)>,
}

/// A network that somebody made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    pub id: String,
    pub name: String,
}

/// A label's filter as the API takes it: `NAME=VALUE`.
fn labelled(name: &str, value: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{name}={value}")])])
}

impl Engine {
    /// Returns all containers, stopped ones too, that have a label with this value.
    pub async fn containers(&self, label: &str, value: &str) -> Result<Vec<Container>> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&labelled(label, value)).build();
        let found = self.docker.list_containers(Some(options)).await;
        let found = found.map_err(|error| {
            self.error(format!("list the containers with the label {label}={value}"), error)
        })?;
        Ok(found
            .into_iter()
            .map(|one| Container {
                id: one.id.unwrap_or_default(),
                name: one
                    .names
                    .and_then(|names| names.into_iter().next())
                    .unwrap_or_default()
                    .trim_start_matches('/')
                    .to_owned(),
                image: one.image.unwrap_or_default(),
                state: one.state.map(|state| state.to_string()).unwrap_or_default(),
                labels: one.labels.unwrap_or_default().into_iter().collect(),
            })
            .collect())
    }

    /// Removes a container with its anonymous volumes, at once and whatever its state. Returns whether it was there.
    pub async fn remove_container(&self, id: &str) -> Result<bool> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.docker.remove_container(id, Some(options)).await {
            Ok(()) => Ok(true),
            Err(error) => {
                let error = self.error(format!("remove the container {id}"), error);
                if error.is_absent() { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Returns the last lines of a container's log, both streams in their order.
    pub async fn logs(&self, id: &str, lines: usize) -> Result<Vec<String>> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let answer = self.docker.logs(id, Some(options));
        pin_mut!(answer);
        let mut text = Vec::new();
        while let Some(piece) = answer.next().await {
            let piece =
                piece.map_err(|error| self.error(format!("read the log of the container {id}"), error))?;
            text.extend_from_slice(&piece.into_bytes());
        }
        Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
    }

    /// Returns the networks that have a label with this value.
    pub async fn networks(&self, label: &str, value: &str) -> Result<Vec<Network>> {
        let options = ListNetworksOptionsBuilder::new().filters(&labelled(label, value)).build();
        let found = self.docker.list_networks(Some(options)).await;
        let found = found.map_err(|error| {
            self.error(format!("list the networks with the label {label}={value}"), error)
        })?;
        Ok(found
            .into_iter()
            .map(|one| Network { id: one.id.unwrap_or_default(), name: one.name.unwrap_or_default() })
            .collect())
    }

    /// Removes a network. Returns whether it was there.
    pub async fn remove_network(&self, id: &str) -> Result<bool> {
        match self.docker.remove_network(id).await {
            Ok(()) => Ok(true),
            Err(error) => {
                let error = self.error(format!("remove the network {id}"), error);
                if error.is_absent() { Ok(false) } else { Err(error) }
            }
        }
    }
}
