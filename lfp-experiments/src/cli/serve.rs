//! `serve`: Burn's own server of a device.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result};
use burn::server::{RemoteServer, WebSocketTransport};
use clap::Args;

use super::DeviceArgs;
use crate::output;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Address to listen on; port 0 takes a free one. The traffic is not encrypted: trusted networks only
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    #[command(flatten)]
    device: DeviceArgs,
}

impl ServeArgs {
    /// Serves until Ctrl-C.
    pub(super) fn run(self) -> Result<bool> {
        let name = self.device.device.resolved();
        let device = name.open()?;
        let listener = TcpListener::bind(self.listen)
            .with_context(|| format!("{}: cannot listen; choose another --listen", self.listen))?;
        let address = listener.local_addr()?;
        // An address that stands for all of this machine is none that others can name.
        let host = match address.ip().is_unspecified() {
            true => format!("HOST:{}", address.port()),
            false => address.to_string(),
        };
        output::line(format_args!("{name} at --device remote:{host}"))?;
        RemoteServer::new([device]).serve(WebSocketTransport::from_listener(listener))?;
        Ok(true)
    }
}
