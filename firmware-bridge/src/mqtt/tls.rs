//! How a broker's certificate is checked.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::config::Security;

/// The settings of a connection; `None` where it is not encrypted. Read anew for each connection, so that a renewed file is used.
pub fn settings(security: &Security) -> Result<Option<Arc<ClientConfig>>, String> {
    let roots = match security {
        Security::Plain => return Ok(None),
        Security::SystemRoots => system_roots()?,
        Security::Authority(path) => roots_of(path)?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("no TLS: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(Arc::new(settings)))
}

fn system_roots() -> Result<RootCertStore, String> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        let why = loaded.errors.first().map(|error| format!(" ({error})"));
        let why = why.unwrap_or_default();
        return Err(format!(
            "this machine has no root certificates{why}; install ca-certificates, or write ca_file"
        ));
    }
    Ok(roots)
}

/// The authorities of a file; no other is trusted.
pub fn roots_of(path: &Path) -> Result<RootCertStore, String> {
    let shown = path.display();
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("cannot read certificates from {shown}: {error}"))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(format!(
            "{shown} holds no certificate; it must be a PEM file of the authority"
        ));
    }
    Ok(roots)
}
