//! One connection to a broker, and what goes wrong with it in words.

use std::time::Duration;

use rumqttc::{
    AckMode, AsyncClient, Broker, ConnectReturnCode, ConnectionError, Error, Event, EventLoop, MqttOptions, Packet,
    StateError, TlsConfiguration, TlsError, Transport,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::config::{MqttBroker, Security};
use super::tls;

/// The largest message that is taken off the wire. A reading has some hundred bytes; this is room to say of a larger one that it is too
/// long, instead of losing the connection over it.
const LARGEST_MESSAGE: usize = 256 * 1024;

/// How many packets may have been read and not looked at; then the broker waits.
const PACKETS_AHEAD: usize = 16;

/// How many acknowledgements and subscriptions may wait to be sent.
const REQUESTS: usize = 128;

/// The name by which the broker knows our session, and whether it keeps it while we are away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The client id.
    pub name: String,
    /// Whether the name is the same after a restart.
    pub lasts: bool,
}

/// A connection that is being made, or is there.
pub struct Connection {
    /// The way to the broker.
    pub client: AsyncClient,
    /// What the broker says; its end is the connection's.
    pub packets: mpsc::Receiver<Result<Packet, ConnectionError>>,
    /// Reads from the broker; aborted with this.
    _reading: JoinSet<()>,
}

impl Connection {
    /// Begins to connect.
    pub fn open(broker: &MqttBroker, session: &Session, patience: Duration) -> Result<Self, String> {
        let (client, mut events) = AsyncClient::builder(options(broker, session)?)
            .capacity(REQUESTS)
            .try_build()
            .map_err(|error| format!("broker {}: {error}", broker.id))?;
        events.network_options.set_connection_timeout(patience.as_secs().max(1));
        events.network_options.set_tcp_nodelay(true);
        let (sink, packets) = mpsc::channel(PACKETS_AHEAD);
        let mut reading = JoinSet::new();
        reading.spawn(read(events, sink));
        Ok(Self {
            client,
            packets,
            _reading: reading,
        })
    }
}

/// In a task of its own, because what it awaits must not be dropped half way.
async fn read(mut events: EventLoop, sink: mpsc::Sender<Result<Packet, ConnectionError>>) {
    loop {
        let packet = match events.poll().await {
            Ok(Event::Incoming(packet)) => Ok(packet),
            Ok(Event::Outgoing(_)) => continue,
            Err(error) => Err(error),
        };
        let is_over = packet.is_err();
        if sink.send(packet).await.is_err() || is_over {
            return;
        }
    }
}

fn options(broker: &MqttBroker, session: &Session) -> Result<MqttOptions, String> {
    let mut options = MqttOptions::new(&session.name, Broker::tcp(&broker.host, broker.port));
    options
        .set_keep_alive(broker.keep_alive_seconds)
        .set_max_packet_size(LARGEST_MESSAGE, LARGEST_MESSAGE)
        .set_ack_mode(AckMode::Manual)
        .set_clean_session(!session.lasts);
    if let Some((user, password)) = &broker.credentials {
        options.set_credentials(user, password.expose().to_owned());
    }
    if let Some(settings) = tls::settings(&broker.security)? {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(settings)));
    }
    Ok(options)
}

/// Why a connection is not there, and what to do.
pub fn why(error: &ConnectionError, broker: &MqttBroker) -> String {
    let MqttBroker { id, host, port, .. } = broker;
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => {
            format!("broker {id} refuses our user and password; check user and password_file")
        }
        ConnectionError::ConnectionRefused(code) => format!("broker {id} refuses us: {code:?}"),
        ConnectionError::Io(error) => format!("cannot connect to broker {id} at {host}:{port}: {error}"),
        ConnectionError::NetworkTimeout => format!("broker {id} at {host}:{port} does not answer"),
        ConnectionError::Tls(error) => why_insecure(error, broker),
        error if is_too_large(error) => format!(
            "broker {id} sent a message of more than {LARGEST_MESSAGE} bytes, and would send it again, so what waits there is \
             given up; limit messages at the broker (mosquitto: message_size_limit 10000)"
        ),
        ConnectionError::MqttState(StateError::AwaitPingResp) => format!("broker {id} does not answer any more"),
        ConnectionError::MqttState(
            StateError::ConnectionAborted | StateError::Io(_) | StateError::Deserialization(Error::Io(_)),
        ) => format!(
            "broker {id} ended the connection; it is made again (if that goes on: does another program have our client_id, \
             or does the broker speak TLS on this port?)"
        ),
        ConnectionError::MqttState(StateError::Deserialization(error)) => {
            format!("broker {id} sent what is no MQTT: {error}; is {host}:{port} the port of a broker?")
        }
        other => format!("broker {id}: {other}"),
    }
}

/// Whether a message was larger than any that we take off the wire; it comes again for as long as the session is kept.
pub fn is_too_large(error: &ConnectionError) -> bool {
    matches!(
        error,
        ConnectionError::MqttState(StateError::Deserialization(Error::PayloadSizeLimitExceeded(_)))
    )
}

fn why_insecure(error: &TlsError, broker: &MqttBroker) -> String {
    let MqttBroker { id, host, .. } = broker;
    let remedy = match broker.security {
        Security::Authority(_) => "the ca_file must hold the authority that signed it",
        Security::SystemRoots | Security::Plain => "if it is signed by an authority of your own, write ca_file",
    };
    format!("broker {id} is not believed to be {host} ({error}); {remedy}, and it must name {host}")
}
