# `make help` lists the targets. `make test` is the test command; CI runs it. What it runs, command
# by command, is the table in tools/testrun/parts.go.

GO      ?= go
BIN     ?= bin/arc4
# The version is what the tags say, or, where there is none yet, the newest that CHANGELOG.md tells of.
VERSION ?= $(or $(shell git describe --tags --dirty 2>/dev/null),$(shell awk '/^\#\# v/ {print $$2; exit}' CHANGELOG.md))
TESTRUN  = $(GO) run ./tools/testrun

# What is built for is told to the program, and must not decide for which machine it is built itself.
BUILD    = env -u GOOS -u GOARCH -u GOARM $(GO) run ./tools/build -goos '$(GOOS)' -goarch '$(GOARCH)' -goarm '$(GOARM)' -version '$(VERSION)'

.DEFAULT_GOAL := help
.PHONY: help build router openwrt-packages packages image test test-lint lint test-unit test-purego test-libcrypto test-cross test-packages test-qemu test-fuzz test-interop test-router test-soak soak test-statefuzz statefuzz tools bench bench-go bench-tunnel bench-server bench-proxy bench-guest bench-up bench-router bench-mips api fmt clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

build: ## the static binary, bin/arc4
	@$(BUILD) -o $(BIN)

router: ## the small binary for routers, bin/arc4-router-GOARCH: make router GOARCH=mipsle, mips, arm (GOARM=5) or arm64
	@$(if $(GOARCH),,echo 'make router: for which processor? such as make router GOARCH=mipsle' >&2; exit 2)
	@$(BUILD) -router

tools: ## install what the tests need (apt-get, as root)
	@sh tools/install-test-tools.sh

OPENWRT = build/openwrt
openwrt-packages: ## .ipk and .apk for OpenWrt, build/openwrt: make openwrt-packages GOARCH=mipsle [OPENWRT_ARCH=mipsel_24kc]
	@$(if $(GOARCH),,echo 'make openwrt-packages: for which processor? such as make openwrt-packages GOARCH=mipsle' >&2; exit 2)
	@$(BUILD) -router -o $(OPENWRT)/arc4-$(GOARCH)
	@GOARCH= GOOS= $(GO) run -C packaging/pack ./openwrt -goarch $(GOARCH) -arch '$(OPENWRT_ARCH)' -program $(CURDIR)/$(OPENWRT)/arc4-$(GOARCH) -out $(CURDIR)/$(OPENWRT)

packages: ## .deb, .rpm, .apk and Arch Linux's, build/packages: make packages [ARCH=amd64,arm64] [FORMAT=deb]
	@GOARCH= GOOS= $(GO) run -C packaging/pack ./linux -version '$(VERSION)' -arch '$(ARCH)' -format '$(FORMAT)' -out $(CURDIR)/build/packages

image: ## the container image, build/image: make image [ARCH=arm64] or [ARCH=all]; Docker, Podman and skopeo load it
	@GOARCH= GOOS= $(GO) run -C packaging/pack ./image -version '$(VERSION)' -arch '$(or $(ARCH),amd64)' -out $(CURDIR)/build/image

test: tools ## everything: lint, unit tests, purego, OpenSSL beside it, other systems, packages, qemu, fuzzing, real peers, an emulated router, a short soak, hostile peers
	@$(TESTRUN)

lint: ## gofmt, go vet, staticcheck, commit messages
	@$(TESTRUN) lint

test-unit: ## the unit and namespace tests, with the race detector
	@$(TESTRUN) unit

test-purego: ## the tests of the ciphers with all assembly left out
	@$(TESTRUN) purego

test-libcrypto: tools ## the comparison with OpenSSL, with the build tag libcrypto
	@$(TESTRUN) libcrypto

test-cross: ## builds for every supported system
	@$(TESTRUN) cross

test-packages: tools ## packages for Linux distributions: built, looked at, installed and removed in a Debian
	@$(TESTRUN) packages

test-qemu: tools ## the tests of the ciphers on mips, mipsle, arm64 and arm, under qemu-user
	@$(TESTRUN) qemu

test-fuzz: ## every fuzz target for a few seconds
	@$(TESTRUN) fuzz

test-interop: tools ## pppd, pptpd, pptp-linux and the Linux kernel against this project
	@$(TESTRUN) interop

test-router: tools ## both ends of a tunnel on an emulated router of 64 MB, as root
	@$(TESTRUN) router

# The probe asks for what cgo will ask for, in the words of somebody who can help.
bench: ## this project against OpenSSL and Go: a table, doc/bench/table.md and speed.svg (2 to 3 minutes)
	@printf '#include <openssl/rc4.h>\n' | $$($(GO) env CC) -E -o /dev/null - 2>/dev/null || { \
		echo 'make bench: needs a C compiler and the headers of OpenSSL; on Debian, as root: apt-get install gcc libc6-dev libssl-dev' >&2; \
		exit 1; }
	@CGO_ENABLED=1 $(GO) run -tags libcrypto ./tools/bench

bench-go: ## Go benchmarks of the ciphers: bench.out, and a table of backends
	$(GO) test -run '^$$' -bench . -count 6 -benchtime 0.2s ./arc4/ | tee bench.out
	$(GO) tool benchstat -col /backend bench.out

bench-tunnel: tools ## the tunnel against wireguard-go and bare GRE, in network namespaces; as root (3 to 4 minutes)
	@$(GO) run ./tools/benchtunnel

bench-guest: tools ## the tunnel against wireguard-go, pptp-linux and the kernel's PPTP, and the emulated link against netem, in the guest of the real peers; as root (8 minutes)
	@interop/build.sh
	@failed=0; \
	interop/run.sh -c 1 -t 600 speed --verdict || failed=1; \
	interop/run.sh -c 1 -t 600 table --rows 3ms,3ms1 --time 3 --rounds 3 --verdict || failed=1; \
	interop/run.sh -c 1 -t 600 table --rows 3ms,3ms1 --time 2 --rounds 3 --link 60mbit --verdict || failed=1; \
	$(GO) test -tags interop -count=1 -run '^TestNetem$$' ./interop -verdict || failed=1; \
	exit $$failed

bench-up: tools ## the time from arc4 up to the first packet through the tunnel, against each real server in the guest; as root (1 minute)
	@interop/build.sh
	@interop/run.sh -c 1 -t 300 up --verdict

bench-proxy: ## TCP through the SOCKS5 proxy against the TUN device, in network namespaces, and 1 GB with its checksum; as root (3 minutes)
	@$(GO) run ./tools/benchproxy -verdict

bench-server: ## a server with 1 to 5,000 sessions: set-up rate, memory, throughput, shares; one core and two (3 minutes)
	@$(GO) run ./tools/benchserver

DURATION ?= 1h
soak: ## a tunnel on bad networks, with everything checked: make soak DURATION=1h
	@$(GO) run ./tools/soak -duration $(DURATION)

test-soak: ## the same for four minutes
	@$(TESTRUN) soak

statefuzz: ## hostile peers in any state beside a legitimate session, with the race detector: make statefuzz DURATION=10m
	@$(GO) run -race ./tools/statefuzz -duration $(DURATION)

test-statefuzz: ## the same for a minute
	@$(TESTRUN) statefuzz

bench-router: tools ## the router build on an emulated router, whose instructions are counted, against what it is to reach; as root (half an hour)
	@$(GO) run ./tools/benchrouter

bench-mips: tools ## instructions a byte of the backends on mipsle and mips, counted under qemu-user
	@$(GO) run ./tools/countinstr -arch mipsle,mips

api: ## write the lists of what the packages export, doc/api, anew
	@$(GO) test ./tools/house -run APIChanges -update

fmt: ## gofmt -w
	gofmt -w $$(git ls-files '*.go')

clean: ## remove what was built
	rm -rf bin build bench.out
