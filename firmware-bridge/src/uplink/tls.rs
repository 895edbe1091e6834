//! Whom a bridge believes to be its daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

/// Which certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that the system believes.
    System,
    /// Those that one of the certificates in this file, in PEM, has signed, and no others.
    Roots(PathBuf),
    /// The one with this SHA-256, whoever signed it and whatever names stand in it.
    Fingerprint([u8; 32]),
}

/// Why no connection with TLS can be made.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of roots.
    #[error("root_certificates_file: {path}: {problem}")]
    Roots {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The system has none.
    #[error(
        "the system has no root certificates; install ca-certificates, or write root_certificates_file or certificate_sha256"
    )]
    NoRoots,
    /// TLS itself.
    #[error("TLS: {0}")]
    Tls(#[from] Error),
}

impl Trust {
    /// Reads a SHA-256 as `openssl x509 -fingerprint -sha256` prints it: hex digits, with or without colons.
    pub fn fingerprint(text: &str) -> Result<Self, String> {
        let digits: String = text.chars().filter(|character| *character != ':').collect();
        let mut fingerprint = [0; 32];
        hex::decode_to_slice(digits.trim(), &mut fingerprint)
            .map(|()| Self::Fingerprint(fingerprint))
            .map_err(|_| {
                "write the 64 hex digits that `openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE` prints"
                    .to_owned()
            })
    }

    /// What a TLS client needs.
    pub fn client(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let config = match self {
            Self::Fingerprint(fingerprint) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned {
                    fingerprint: *fingerprint,
                    provider,
                }))
                .with_no_client_auth(),
            Self::System | Self::Roots(_) => {
                let roots = Arc::new(self.roots()?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
                let verifier = verifier.map_err(|_| TrustError::NoRoots)?;
                builder.with_webpki_verifier(verifier).with_no_client_auth()
            }
        };
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, TrustError> {
        let mut roots = RootCertStore::empty();
        if let Self::Roots(path) = self {
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
        } else {
            // One that cannot be read is passed over; without any the connection says so.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let wrong = |problem: String| TrustError::Roots {
        path: path.to_owned(),
        problem,
    };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates: Vec<_> = read.map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(
            "it holds no certificate; write it in PEM, with its BEGIN and END lines".to_owned(),
        ));
    }
    Ok(certificates)
}

/// Believes one certificate.
#[derive(Debug)]
struct Pinned {
    fingerprint: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if <[u8; 32]>::from(Sha256::digest(end_entity)) != self.fingerprint {
            let refused = CertificateError::ApplicationVerificationFailure;
            return Err(Error::InvalidCertificate(refused));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
