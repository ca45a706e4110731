//! The other side: pgbench, PostgreSQL's own driver. Batches go into bare tables (the same columns, indexes and row checks, and no
//! trigger and no foreign key) by one set-based statement; single postings run the statements that `store` runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::{Store, cluster};
use tokio::process::Command;

/// As `store::postings::post` has it, its arrays written out for one posting. The id is made of the client and a counter.
const SINGLE: &str = r"\set i :i + 1
BEGIN;
WITH open AS MATERIALIZED (
    SELECT ledger_open_from() AS since
), headed AS (
    INSERT INTO postings (id, kind, credit_line_id, event_seq, effective_on, booked_on, recorded_at)
    SELECT n.id, n.kind, n.line, n.seq, n.effective_on, greatest(n.effective_on, open.since), n.recorded_at
      FROM open, unnest(ARRAY[ID], ARRAY['drew'], ARRAY[LINE], ARRAY[NULL]::bigint[], ARRAY['2026-10-01'::date],
                        ARRAY['1970-01-01T00:00:00Z'::timestamptz])
           AS n (id, kind, line, seq, effective_on, recorded_at)
)
INSERT INTO entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on, booked_on)
SELECT e.*, greatest(e.effective_on, open.since)
  FROM open, unnest(ARRAY[ID, ID], ARRAY[0, 1]::smallint[], ARRAY[1100, 1020]::smallint[], ARRAY['debit', 'credit'],
                    ARRAY[500, 500]::bigint[], ARRAY[LINE, NULL], ARRAY['2026-10-01', '2026-10-01']::date[])
       AS e (posting_id, n, account_code, side, amount_cents, line, effective_on);
COMMIT;
";

/// The rows of one batch, from a series; the ids come in order, as ours do.
const BATCH: &str = "BEGIN;
WITH n AS MATERIALIZED (
    SELECT n, lpad(to_hex(nextval('bare_ids')), 32, '0')::uuid AS id, lpad(to_hex(n), 32, '0')::uuid AS line
      FROM generate_series(1, SIZE) n
), headed AS (
    INSERT INTO bare_postings (id, kind, credit_line_id, event_seq, effective_on, booked_on, recorded_at)
    SELECT id, 'drew', line, NULL, '2026-10-01', '2026-10-01', '1970-01-01T00:00:00Z' FROM n
)
INSERT INTO bare_entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on, booked_on)
SELECT n.id, e.n, e.code, e.side, n.n, CASE e.n WHEN 0 THEN n.line END, '2026-10-01', '2026-10-01'
  FROM n, (VALUES (0::smallint, 1100::smallint, 'debit'), (1::smallint, 1020::smallint, 'credit')) AS e (n, code, side);
COMMIT;
";

const TABLES: &str = "CREATE TABLE bare_postings (LIKE postings INCLUDING ALL);
CREATE TABLE bare_entries (LIKE entries INCLUDING ALL);
CREATE SEQUENCE bare_ids CACHE 1000;
GRANT INSERT ON bare_postings, bare_entries TO plumbline_app;
GRANT USAGE ON bare_ids TO plumbline_app;";

pub(crate) struct PgBench {
    program: PathBuf,
    sockets: PathBuf,
    port: String,
    database: String,
    single: PathBuf,
    batch: PathBuf,
}

impl PgBench {
    /// On the cluster of `store`, with its scripts in `folder`.
    pub(crate) async fn beside(store: &Store, folder: &Path, size: usize) -> anyhow::Result<Self> {
        let program = cluster::find_binaries(None)?.program("pgbench");
        ensure!(program.is_file(), "pgbench is not at {}: install it", program.display());
        let app = store.app().connect_options();
        let owner = (*app).clone().username(cluster::Cluster::OWNER);
        let mut conn = PgConnection::connect_with(&owner).await?;
        sqlx::raw_sql(AssertSqlSafe(TABLES)).execute(&mut conn).await?;
        let ask = "SELECT current_setting('port'), current_database()::text";
        let (port, database) = sqlx::query_as(ask).fetch_one(&mut conn).await?;
        let sockets = app.get_socket().context("the cluster has no socket")?.clone();
        conn.close().await?;
        let id = "lpad(to_hex((:base * 1000 + :client_id) * 4294967296 + :i), 32, '0')::uuid";
        let line = "lpad(to_hex(:client_id + 1), 32, '0')::uuid";
        let (single, batch) = (folder.join("single.sql"), folder.join("batch.sql"));
        fs::write(&single, SINGLE.replace("ID", id).replace("LINE", line))?;
        fs::write(&batch, BATCH.replace("SIZE", &size.to_string()))?;
        Ok(Self { program, sockets, port, database, single, batch })
    }

    /// How many batches one client writes in that time.
    pub(crate) async fn batches(&self, seconds: u64) -> anyhow::Result<u64> {
        self.run(&self.batch, 1, seconds, 0).await
    }

    /// How many postings that many clients write in that time, one at a time.
    pub(crate) async fn singles(
        &self,
        clients: u32,
        seconds: u64,
        round: u32,
    ) -> anyhow::Result<u64> {
        self.run(&self.single, clients, seconds, round * 100 + clients).await
    }

    async fn run(
        &self,
        script: &Path,
        clients: u32,
        seconds: u64,
        base: u32,
    ) -> anyhow::Result<u64> {
        let output = Command::new(&self.program)
            .args(["-n", "-M", "prepared", "-j", "2", "-D", "i=0"])
            .arg("-h")
            .arg(&self.sockets)
            .args(["-p", &self.port, "-U", store::Role::App.name()])
            .arg("-D")
            .arg(format!("base={base}"))
            .args(["-c", &clients.to_string(), "-T", &seconds.to_string()])
            .arg("-f")
            .arg(script)
            .arg(&self.database)
            .stdin(Stdio::null())
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
        let done = said
            .lines()
            .find_map(|line| line.strip_prefix("number of transactions actually processed: "))
            .context("pgbench does not say what it did")?;
        Ok(done.split('/').next().unwrap_or(done).trim().parse()?)
    }
}
