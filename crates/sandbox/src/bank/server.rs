//! The bank's wire (docs/bank-wire.md), with its state in one file that is replaced whole.

use std::{
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Json, Router,
    extract::{Path as UrlPath, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{net::TcpListener, sync::Mutex};

use super::{
    Bank,
    instant::{Pushed, Transfer, TransferStatus},
    state::{FileStatus, Refused, ReturnFile, Taken},
};

#[derive(Debug, thiserror::Error)]
pub enum BankError {
    #[error("the sandbox bank's state in {path} could not be read")]
    Load {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the sandbox bank's state in {path} is damaged; remove the file to begin afresh")]
    Damaged {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("the sandbox bank stopped")]
    Serve(#[source] io::Error),
}

struct Shared {
    bank: Mutex<Bank>,
    path: Option<PathBuf>,
}

/// The bank's routes. With a `path` its state outlives the process; without one it is kept in memory.
pub fn router(today: NaiveDate, path: Option<&Path>) -> Result<Router, BankError> {
    let bank = match path {
        Some(path) => load(path)?.unwrap_or_else(|| Bank::opened_on(today)),
        None => Bank::opened_on(today),
    };
    let shared = Shared { bank: Mutex::new(bank), path: path.map(Path::to_owned) };
    Ok(Router::new()
        .route("/", get(about))
        .route("/ach/files/{file_id}", put(receive).get(find_file))
        .route("/ach/returns", get(returns))
        .route("/instant/transfers/{transfer_id}", put(push).get(find_transfer))
        .route("/instant/transfers/{transfer_id}/void", post(void_transfer))
        .route("/sandbox/clock", post(move_clock))
        .with_state(Arc::new(shared)))
}

/// Serves the bank until `shutdown` completes.
pub async fn serve(
    listener: TcpListener,
    today: NaiveDate,
    path: Option<&Path>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BankError> {
    let router = router(today, path)?;
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await.map_err(BankError::Serve)
}

fn load(path: &Path) -> Result<Option<Bank>, BankError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(BankError::Load { path: path.to_owned(), source }),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|source| BankError::Damaged { path: path.to_owned(), source })
}

impl Shared {
    /// Applies a change and has it on disk before anybody is told.
    async fn change<T>(&self, change: impl FnOnce(&mut Bank) -> T) -> Result<T, Failed> {
        let mut bank = self.bank.lock().await;
        let mut changed = bank.clone();
        let answer = change(&mut changed);
        if let Some(path) = &self.path {
            save(path, &changed).map_err(|error| Failed(error.to_string()))?;
        }
        *bank = changed;
        Ok(answer)
    }
}

fn save(path: &Path, bank: &Bank) -> io::Result<()> {
    use std::io::Write;

    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(&serde_json::to_vec(bank)?)?;
    file.sync_all()?;
    std::fs::rename(beside, path)
}

struct Failed(String);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        tracing::error!("the sandbox bank could not keep its state: {}", self.0);
        problem(StatusCode::INTERNAL_SERVER_ERROR, "the bank could not keep its state")
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let body =
        json!({ "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

async fn about() -> Json<serde_json::Value> {
    Json(json!({ "name": "Plumbline sandbox bank", "simulated": true }))
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    UrlPath(file_id): UrlPath<String>,
    contents: String,
) -> Result<Response, Failed> {
    let taken = shared.change(|bank| bank.receive(&file_id, &contents)).await?;
    Ok(match taken {
        Ok(Taken::New) => {
            (StatusCode::CREATED, Json(json!({ "file_id": file_id }))).into_response()
        }
        Ok(Taken::Known) => Json(json!({ "file_id": file_id })).into_response(),
        Err(refused @ Refused::OtherFile) => problem(StatusCode::CONFLICT, &refused.to_string()),
        Err(refused) => problem(StatusCode::UNPROCESSABLE_ENTITY, &refused.to_string()),
    })
}

async fn find_file(
    State(shared): State<Arc<Shared>>,
    UrlPath(file_id): UrlPath<String>,
) -> Result<Json<FileStatus>, StatusCode> {
    shared.bank.lock().await.find_file(&file_id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

#[derive(Serialize)]
struct Returns {
    returns: Vec<ReturnFile>,
}

async fn returns(State(shared): State<Arc<Shared>>, Query(query): Query<After>) -> Json<Returns> {
    Json(Returns { returns: shared.bank.lock().await.returns_after(query.after) })
}

async fn push(
    State(shared): State<Arc<Shared>>,
    UrlPath(transfer_id): UrlPath<String>,
    Json(transfer): Json<Transfer>,
) -> Result<Response, Failed> {
    Ok(match shared.change(|bank| bank.push(&transfer_id, transfer)).await? {
        Pushed::Answered(status) => Json(status).into_response(),
        // As when a wire breaks: whoever asked does not know whether it was done.
        Pushed::AnswerLost => problem(StatusCode::GATEWAY_TIMEOUT, "the answer was lost"),
        Pushed::RequestLost => problem(StatusCode::GATEWAY_TIMEOUT, "the request was lost"),
        Pushed::OtherTransfer => {
            problem(StatusCode::CONFLICT, "another transfer was received under this id")
        }
        Pushed::Malformed(detail) => problem(StatusCode::UNPROCESSABLE_ENTITY, detail),
    })
}

async fn find_transfer(
    State(shared): State<Arc<Shared>>,
    UrlPath(transfer_id): UrlPath<String>,
) -> Result<Json<TransferStatus>, StatusCode> {
    let found = shared.bank.lock().await.find_transfer(&transfer_id);
    found.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn void_transfer(
    State(shared): State<Arc<Shared>>,
    UrlPath(transfer_id): UrlPath<String>,
) -> Result<Json<TransferStatus>, Failed> {
    Ok(Json(shared.change(|bank| bank.void_transfer(&transfer_id)).await?))
}

#[derive(Deserialize)]
struct Today {
    today: NaiveDate,
}

async fn move_clock(
    State(shared): State<Arc<Shared>>,
    Json(to): Json<Today>,
) -> Result<Json<serde_json::Value>, Failed> {
    let today = shared
        .change(|bank| {
            bank.advance_to(to.today);
            bank.today
        })
        .await?;
    Ok(Json(json!({ "today": today })))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn its_state_outlives_the_process_and_damage_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bank.json");
        let today: NaiveDate = "2026-11-21".parse().unwrap();
        let shared = Shared { bank: Mutex::new(Bank::opened_on(today)), path: Some(path.clone()) };
        let later = "2026-11-30".parse().unwrap();
        assert!(shared.change(|bank| bank.advance_to(later)).await.is_ok());
        assert_eq!(load(&path).unwrap().unwrap().today, later);
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(load(&path), Err(BankError::Damaged { .. })));
    }

    #[tokio::test]
    async fn the_wire_refuses_what_is_no_file_with_a_reason() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let today = "2026-11-21".parse().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async move {
            let _ = stopped.await;
        };
        let bank = serve(listener, today, None, stopped);
        let ask = async {
            let client = reqwest::Client::new();
            let url = format!("http://{address}/ach/files/f1");
            let refused = client.put(&url).body("hello").send().await.unwrap();
            let status = refused.status();
            let text = refused.text().await.unwrap();
            let missing = client.get(&url).send().await.unwrap().status();
            stop.send(()).unwrap();
            (status, text, missing)
        };
        let (served, (status, text, missing)) = tokio::join!(bank, ask);
        served.unwrap();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(text.contains("line 1 has 5 characters"), "{text}");
        assert_eq!(missing, StatusCode::NOT_FOUND);
    }
}
