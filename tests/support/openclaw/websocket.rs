//! As much of a WebSocket client (RFC 6455) as loopback tests need: text messages both ways, no extensions. Frames are
//! masked with zeros, which the RFC allows a peer to receive and which keeps a packet dump readable.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// More than any message of a gateway; a test that gets more is wrong.
const MAX_MESSAGE: u64 = 32 << 20;

/// Opens a connection; its two halves may be used by two threads.
pub fn connect(address: SocketAddr, origin: Option<&str>) -> Result<(Sender, Receiver)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    write!(
        stream,
        "GET / HTTP/1.1\r\nHost: {address}\r\n{origin}Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut status, mut line) = (String::new(), String::from("-"));
    reader.read_line(&mut status)?;
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    if !status.contains(" 101 ") {
        return Err(Error::new(ErrorKind::ConnectionRefused, status));
    }
    Ok((Sender(stream.try_clone()?), Receiver { reader, answers: Sender(stream) }))
}

pub struct Sender(TcpStream);

impl Sender {
    pub fn send(&mut self, text: &str) -> Result<()> {
        self.frame(TEXT, text.as_bytes())
    }

    /// Ends both directions at once.
    pub fn close(&mut self) {
        let _ = self.frame(CLOSE, &[]);
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }

    fn frame(&mut self, kind: u8, payload: &[u8]) -> Result<()> {
        let mut frame = vec![0x80 | kind];
        match payload.len() {
            length @ 0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
            length @ 126..0x1_0000 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        self.0.write_all(&frame)
    }
}

pub struct Receiver {
    reader: BufReader<TcpStream>,
    answers: Sender,
}

impl Receiver {
    /// The next message; `None` when the gateway has closed.
    pub fn receive(&mut self) -> Result<Option<String>> {
        let mut message = Vec::new();
        loop {
            let mut head = [0; 2];
            if self.reader.read_exact(&mut head).is_err() {
                return Ok(None);
            }
            let length = match head[1] & 0x7f {
                126 => u64::from(u16::from_be_bytes(self.bytes()?)),
                127 => u64::from_be_bytes(self.bytes()?),
                short => u64::from(short),
            };
            if length > MAX_MESSAGE {
                return Err(Error::new(ErrorKind::InvalidData, "a message without measure"));
            }
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.reader.read_exact(&mut payload)?;
            match head[0] & 0x0f {
                PING => self.answers.frame(PONG, &payload)?,
                PONG => {}
                TEXT | CONTINUATION => {
                    message.extend(payload);
                    if head[0] & 0x80 != 0 {
                        return String::from_utf8(message)
                            .map(Some)
                            .map_err(|error| Error::new(ErrorKind::InvalidData, error));
                    }
                }
                _ => return Ok(None),
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
