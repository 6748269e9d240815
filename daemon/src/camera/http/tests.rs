//! Against servers of a few lines: streams, single pictures, logins, silence, garbage.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
};

use super::{super::jpeg::tests::ramp, super::tests::outcomes, *};

/// Serves one connection after another with `answer`, which gets the request's head; ends with the test.
fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            answer(&head, &mut stream);
        }
    });
    format!("127.0.0.1:{port}")
}

fn open(address: &str) -> Result<HttpCamera, CameraError> {
    HttpCamera::open(&address.parse().unwrap(), Context::for_tests(false))
}

fn send(stream: &mut TcpStream, parts: &[&[u8]]) {
    for part in parts {
        // The client may have hung up already.
        let _ = stream.write_all(part);
    }
}

#[test]
fn a_multipart_stream_that_dies_inside_a_picture() {
    let (again, wait) = std::sync::mpsc::channel::<()>();
    let host = serve(move |_, stream| {
        let head =
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n";
        let part = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 999999\r\n\r\n";
        send(stream, &[head, part, &ramp(16, 16, 0), b"\r\n"]);
        wait.recv().unwrap();
        send(stream, &[part, &ramp(24, 8, 0), b"\r\n"]);
        wait.recv().unwrap();
        send(stream, &[part, &ramp(24, 8, 0)[..200]]);
    });
    let mut camera = open(&format!("http://{host}/stream")).unwrap();
    assert_eq!(outcomes(&mut camera, 1), ["16x16"]);
    again.send(()).unwrap();
    assert_eq!(outcomes(&mut camera, 1), ["24x8"]);
    again.send(()).unwrap();
    assert_eq!(outcomes(&mut camera, 2), ["bad", "lost"]);
}

#[test]
fn one_picture_is_asked_for_again_and_again_with_the_login() {
    let host = serve(|head, stream| {
        if !head
            .to_ascii_lowercase()
            .contains("authorization: basic dtpwqha=")
        {
            assert!(!head.contains("dTpwQHA="), "{head}");
            return send(stream, &[b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"]);
        }
        let jpeg = ramp(16, 16, 0);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            jpeg.len()
        );
        send(stream, &[head.as_bytes(), &jpeg]);
    });
    let mut camera = open(&format!("http://u:p%40p@{host}/shot.jpg")).unwrap();
    assert_eq!(outcomes(&mut camera, 3), ["16x16"; 3]);
    let error = open(&format!("http://u:wrong@{host}/"))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("another user or password"), "{error}");
    assert!(!error.contains("wrong"), "{error}");
}

#[test]
fn pages_closed_ports_and_silence_are_told_apart() {
    let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi";
    let host = serve(move |_, stream| send(stream, &[page]));
    let error = open(&format!("http://{host}/")).err().unwrap().to_string();
    assert!(error.contains("text/html"), "{error}");
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = open(&format!("http://{free}/")).err().unwrap().to_string();
    assert!(error.to_lowercase().contains("refused"), "{error}");
    // Accepts, never answers.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut context = Context::for_tests(false);
    context.timeout = Duration::from_millis(50);
    let address = format!("http://{}/", mute.local_addr().unwrap());
    let error = HttpCamera::open(&address.parse().unwrap(), context)
        .err()
        .unwrap();
    assert!(matches!(error, CameraError::Open { .. }), "{error}");
}

#[test]
fn garbage_without_end_is_lost_not_hoarded() {
    let host = serve(|_, stream| {
        send(
            stream,
            &[b"HTTP/1.1 200 OK\r\nContent-Type: video/x\r\n\r\n"],
        );
        while stream.write_all(&[0x55; 4096]).is_ok() {}
    });
    let mut context = Context::for_tests(false);
    context.timeout = Duration::from_millis(300);
    let address = format!("http://{host}/").parse().unwrap();
    let mut camera = HttpCamera::open(&address, context).unwrap();
    assert_eq!(outcomes(&mut camera, 1), ["lost"]);
}
