//! Which certificates of a camera are taken, by what the settings name.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, Stream,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{
    super::{http::HttpCamera, jpeg::tests::ramp, *},
    outcomes,
    serving::answer,
};

/// A certificate and its key, in PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    /// What most cameras have: signed by nobody else, for a name that is not theirs, some years old.
    fn of_its_own(ca: IsCa, until_year: i32) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params("camera.invalid", until_year);
        params.is_ca = ca;
        Self {
            certificate: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// As `openssl x509 -noout -fingerprint -sha256` prints it.
    fn fingerprint(&self) -> String {
        let der = CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap();
        let digest = ::ring::digest::digest(&::ring::digest::SHA256, &der);
        let pairs: Vec<_> = digest.as_ref().iter().map(|b| format!("{b:02X}")).collect();
        format!("sha256 Fingerprint={}", pairs.join(":"))
    }

    /// Serves one picture to every request; the address.
    fn serve(&self) -> String {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        let chain = chain.collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let address = format!("https://{}/shot.jpg", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let config = Arc::clone(&config);
                std::thread::spawn(move || answer_all(stream.unwrap(), config));
            }
        });
        address
    }
}

fn params(name: &str, until_year: i32) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(until_year, 1, 1);
    params
}

fn answer_all(mut socket: TcpStream, config: Arc<ServerConfig>) {
    let mut connection = ServerConnection::new(config).unwrap();
    let mut stream = Stream::new(&mut connection, &mut socket);
    let picture = answer("200 OK", "Content-Type: image/jpeg\r\n", &ramp(32, 16, 0));
    let mut head = Vec::new();
    let mut byte = [0];
    // A client that does not like the certificate hangs up.
    while let Ok(1) = stream.read(&mut byte) {
        head.push(byte[0]);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            if stream.write_all(&picture).is_err() {
                return;
            }
        }
    }
}

/// One frame, or why there is none.
fn look(address: &str, ca_file: &Path, fingerprint: &str) -> Result<Vec<String>, String> {
    let mut context = Context::for_tests(true);
    context.trust = http::TrustSettings {
        ca_file: ca_file.display().to_string(),
        fingerprint: fingerprint.into(),
    };
    let opened = HttpCamera::open(&address.parse().unwrap(), context);
    let mut camera = opened.map_err(|error| error.to_string())?;
    Ok(outcomes(&mut camera, 1))
}

#[test]
fn a_cameras_own_certificate_is_trusted_where_the_settings_name_it_and_only_there() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("camera.pem");
    let seen = Ok(vec!["32x16".to_owned()]);
    let old = Identity::of_its_own(IsCa::NoCa, 2020);
    for camera in [
        Identity::of_its_own(IsCa::NoCa, 2090),
        Identity::of_its_own(IsCa::ExplicitNoCa, 2090),
        Identity::of_its_own(IsCa::Ca(BasicConstraints::Unconstrained), 2090),
        Identity::of_its_own(IsCa::NoCa, 2020),
    ] {
        std::fs::write(&file, &camera.certificate).unwrap();
        let address = camera.serve();
        assert_eq!(look(&address, &file, ""), seen);
        assert_eq!(look(&address, Path::new(""), &camera.fingerprint()), seen);
        // Another's, whose file is there as well, but not the fingerprint's.
        for (file, fingerprint) in [
            (&file, old.fingerprint()),
            (&dir.path().join("old.pem"), String::new()),
        ] {
            std::fs::write(dir.path().join("old.pem"), &old.certificate).unwrap();
            let refused = look(&address, file, &fingerprint).unwrap_err();
            assert!(refused.contains("; its certificate "), "{refused}");
        }
    }
}

#[test]
fn an_authoritys_signature_counts_for_its_name_and_dates_only() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let mut own = params("authority", 2090);
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(&file, authority.pem()).unwrap();
    let signed = |name: &str, until_year| {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, until_year)
            .signed_by(&key, &authority)
            .unwrap();
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        look(&Identity { certificate, key }.serve(), &file, "")
    };
    assert_eq!(signed("127.0.0.1", 2090), Ok(vec!["32x16".to_owned()]));
    let refused = signed("camera.invalid", 2090).unwrap_err();
    assert!(refused.contains("for another name"), "{refused}");
    let refused = signed("127.0.0.1", 2020).unwrap_err();
    assert!(refused.contains("has expired"), "{refused}");
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let address = "https://127.0.0.1:1/";
    let gone = look(address, Path::new("/no/such.pem"), "").unwrap_err();
    assert!(gone.contains("[camera] ca_file /no/such.pem"), "{gone}");
    let wrong = look(address, Path::new(""), "12:34").unwrap_err();
    assert!(wrong.contains("[camera] fingerprint 12:34"), "{wrong}");
}
