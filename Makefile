# The habits of the house. Each verb installs what it lacks, or says how; `plumbline doctor` tells what that is.
.PHONY: run test check bench bench-posting bench-close fuzz fmt lint web tools deny

PLUMBLINE = $(or $(CARGO_TARGET_DIR),target)/debug/plumbline

run: web tools ## Build, start everything in sandbox mode, and print the addresses to open.
	$(PLUMBLINE) serve --sandbox

test: web tools tests/browser/node_modules/.package-lock.json ## The whole suite, browser included.
	cargo test --workspace --no-fail-fast
	npm --prefix web test
	npm --prefix tests/browser test

check: web tests/browser/node_modules/.package-lock.json lint deny ## Everything that can be said without running the program.
	cargo test --package architecture
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --quiet
	npm --prefix web run check
	npm --prefix tests/browser run check

bench: web target/bench/venv/requirements.txt ## The platform's own time in one turn, next to an agent framework (docs/performance.md). BENCH=--json for JSON.
	cargo build --quiet --release --package plumbline --package turn-bench
	target/release/turn-bench $(BENCH)

bench-posting: ## Postings next to pgbench (docs/performance.md). BENCH=--json for JSON.
	cargo build --quiet --release --package posting-bench
	target/release/posting-bench $(BENCH)
bench-close: ## What a day close costs, next to a bare insert of the same rows and to payments that come meanwhile. BENCH=--json for JSON.
	cargo build --quiet --release --package close-bench
	target/release/close-bench $(BENCH)

target/bench/venv/requirements.txt: bench/turn/rival/requirements.txt
	python3 -m venv target/bench/venv
	target/bench/venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	cp $< $@

FUZZ_SECONDS = 60

fuzz: ## cargo fuzz on each parser of files from outside, for a minute each (FUZZ_SECONDS).
	command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	cargo run --quiet --package inputs -- fuzz/corpus
	for target in boarding nacha scenario; do \
		RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir fuzz $$target fuzz/corpus/$$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=20000 -timeout=20 || exit 1; \
	done

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings

fmt:
	cargo fmt --all

web: web/dist/index.html

tools: web ## What else the program needs: PostgreSQL, Chromium, the sentence model.
	cargo build --package plumbline
	$(PLUMBLINE) doctor --install

# Advisories need a database from outside; where it cannot be fetched that is said, not hidden.
deny:
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --all-features check --hide-inclusion-graph bans licenses sources
	if cargo deny fetch db; then cargo deny check advisories; else echo "SKIPPED: advisories (their database cannot be fetched here)"; fi

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	npm --prefix $* ci --no-audit --no-fund
	touch $@

web/dist/index.html: web/node_modules/.package-lock.json web/index.html web/vite.config.ts $(shell find web/src web/public -type f 2>/dev/null)
	npm --prefix web run build
