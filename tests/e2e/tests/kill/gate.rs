//! Where a run is cut: at the k-th event of a socket, before it is forwarded or after it was answered.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::process::Process;

/// A socket of the server behind a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Socket {
    /// Every commit but those of the log's sequencer.
    Postgres,
    /// The commits of the log's sequencer, which come by a clock of their own.
    Sequencer,
    Bank,
    Model,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The message is held, the server killed, the message dropped.
    Before,
    /// The message is forwarded and answered; the server is killed and never sees the answer.
    After,
}

/// One cut: `bank:3:after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) socket: Socket,
    /// Counted from 1.
    pub(crate) k: usize,
    pub(crate) side: Side,
}

impl Socket {
    pub(crate) const ALL: [Self; 4] = [Self::Postgres, Self::Sequencer, Self::Bank, Self::Model];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sequencer => "sequencer",
            Self::Bank => "bank",
            Self::Model => "model",
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Before => "before",
            Side::After => "after",
        };
        write!(f, "{}:{}:{side}", self.socket.name(), self.k)
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no cut: say one such as bank:3:after");
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or_else(wrong);
        let (socket, k, side) = (part()?, part()?, part()?);
        let socket = Socket::ALL.into_iter().find(|one| one.name() == socket).ok_or_else(wrong)?;
        let side = match side {
            "before" => Side::Before,
            "after" => Side::After,
            _ => return Err(wrong()),
        };
        Ok(Self { socket, k: k.parse().map_err(|_| wrong())?, side })
    }
}

/// Something that went through a proxy, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) socket: Socket,
    pub(crate) what: String,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    With(i32),
    Killed,
}

/// Counts what passes, and kills the server at the cut.
#[derive(Debug)]
pub(crate) struct Gate {
    cut: Option<Cut>,
    inner: Mutex<Inner>,
    /// Held while the server is being killed, so that whoever finds it dead finds it buried.
    killing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    armed: bool,
    fired: bool,
    passed: Vec<Event>,
    server: Option<Process>,
}

impl Gate {
    pub(crate) fn new(cut: Option<Cut>) -> Self {
        Self { cut, inner: Mutex::default(), killing: tokio::sync::Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on events count, or no longer.
    pub(crate) fn arm(&self, armed: bool) {
        self.inner().armed = armed;
    }

    /// Which server to kill.
    pub(crate) fn guard(&self, server: Process) {
        self.inner().server = Some(server);
    }

    /// Counts an event; answers the side on which the server is to be killed now.
    pub(crate) fn pass(&self, socket: Socket, what: &str) -> Option<Side> {
        let mut inner = self.inner();
        if !inner.armed || inner.fired {
            return None;
        }
        inner.passed.push(Event { socket, what: what.to_owned() });
        let cut = self.cut.filter(|cut| cut.socket == socket)?;
        let k = inner.passed.iter().filter(|event| event.socket == socket).count();
        inner.fired = k == cut.k;
        inner.fired.then_some(cut.side)
    }

    /// SIGKILL; returns once the process is gone.
    pub(crate) async fn kill(&self) {
        let _killing = self.killing.lock().await;
        let server = self.inner().server.take();
        if let Some(server) = server {
            server.kill().await;
        }
    }

    /// How the process has ended, if it has.
    pub(crate) fn ended(&self) -> Option<Ended> {
        match &mut self.inner().server {
            None => Some(Ended::Killed),
            Some(server) => server.ended().map(|status| match status.code() {
                Some(code) => Ended::With(code),
                None => Ended::Killed,
            }),
        }
    }

    /// Whether the server was killed at the cut.
    pub(crate) fn fired(&self) -> bool {
        self.inner().fired
    }

    pub(crate) fn passed(&self) -> Vec<Event> {
        self.inner().passed.clone()
    }

    /// The log of the server that runs now.
    pub(crate) fn log(&self) -> String {
        self.inner().server.as_ref().map(Process::log).unwrap_or_default()
    }
}

#[test]
fn a_cut_is_read_as_it_is_written() {
    let cut = Cut { socket: Socket::Bank, k: 3, side: Side::After };
    assert_eq!(cut.to_string().parse(), Ok(cut));
    for wrong in ["bank", "bank:x:after", "bank:3:during", "bonk:3:after"] {
        assert!(wrong.parse::<Cut>().is_err(), "{wrong}");
    }
}

#[test]
fn the_gate_fires_once_at_the_kth_event_of_its_socket() {
    let gate = Gate::new("bank:2:before".parse().ok());
    assert_eq!(gate.pass(Socket::Bank, "while it starts"), None);
    gate.arm(true);
    for (socket, side) in [
        (Socket::Bank, None),
        (Socket::Model, None),
        (Socket::Bank, Some(Side::Before)),
        (Socket::Bank, None),
    ] {
        assert_eq!(gate.pass(socket, "an event"), side);
    }
    assert_eq!(gate.passed().len(), 3, "what comes after the cut is not counted");
}
