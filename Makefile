# What people type. Each target installs what it needs and is missing; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# In CI the target directory lies in the user's cache, so that a fresh clone need not build the AWS SDK again.
ifeq ($(CI),true)
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rplay/target
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)
RPLAY := $(abspath $(TARGET))/debug/rplay
NATIVE := $(shell rustc -vV | sed -n 's/^host: //p')

.PHONY: help
help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

.PHONY: build
build: ## Builds rplay (dev profile, shared with the tests)
	cargo build --workspace

.PHONY: app
app: ## Builds the demo application, a static program
	cd playbooks/app && CARGO_TARGET_DIR=$(abspath $(TARGET))/demo-app RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target $(NATIVE)
	install -m 755 $(TARGET)/demo-app/$(NATIVE)/release/demo-app playbooks/app/demo-app

.PHONY: engine
engine: ## Makes sure that a Docker engine answers
	scripts/engine

.PHONY: ssh-server
ssh-server: ## Makes sure that sshd is there, for the tests of connections
	scripts/ssh-server

.PHONY: demo
demo: engine build app ## Deploys the demo to a fresh sandbox, and shows what it does
	RPLAY=$(RPLAY) scripts/demo

.PHONY: test
test: engine ssh-server app ## Checks format and lints, and passes all tests
	scripts/forbid
	cargo fmt --all --check
	cd playbooks/app && cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace --no-fail-fast; else cargo test --workspace --no-fail-fast; fi
	cd playbooks/app && CARGO_TARGET_DIR=$(abspath $(TARGET))/demo-app cargo test --locked

# The venv and the sdist are those of the conformance suite, or any with PyYAML and libyaml, and any folder.
REFERENCE ?= $(HOME)/.cache/rplay-conformance/2.19.14
.PHONY: yaml-compare
yaml-compare: ## Compares the YAML reader with PyYAML over ansible-core's own files and their mutations
	cargo build -p rplay-syntax --example yaml_nodes
	folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; tar -C "$$folder" -xzf $(REFERENCE)/sdist/*.tar.gz; \
	$(REFERENCE)/venv/bin/python scripts/yaml-compare --reader $(TARGET)/debug/examples/yaml_nodes "$$folder"

.PHONY: crash-table
crash-table: engine build app ## Kills rplay at every API call of the first run in turn, and runs it again
	RPLAY=$(RPLAY) $(abspath $(TARGET))/debug/crash-table

.PHONY: compare-templates
compare-templates: ## Compares 20,000 random expressions with ansible-core's
	cargo build --release -p rplay-template --example evaluate
	EVALUATE=$(abspath $(TARGET))/release/examples/evaluate scripts/compare-templates

.PHONY: release
release:
	cargo build --release

.PHONY: bench
bench: release ssh-server ## Measures rplay beside ansible-playbook
	RPLAY=$(abspath $(TARGET))/release/rplay scripts/bench

PREFIX ?= /usr/local
.PHONY: install
install: release ## Installs the program, its manual page and completions below PREFIX
	install -D -m 755 $(TARGET)/release/rplay $(DESTDIR)$(PREFIX)/bin/rplay
	mkdir -p $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(TARGET)/release/rplay man > $(DESTDIR)$(PREFIX)/share/man/man1/rplay.1
	$(TARGET)/release/rplay completions bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/rplay
	$(TARGET)/release/rplay completions zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_rplay
	$(TARGET)/release/rplay completions fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/rplay.fish
