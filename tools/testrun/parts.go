package main

import "regexp"

// parts are what CI runs, in this order: `.ci/run` is `make test`, and that is this table after
// installing what the commands need. A command is written as one types it at the repository's root;
// words in capitals are filled in by `how`, or for every machine of `on` (package emulated).
var parts = []part{
	{"lint", "gofmt, go vet, staticcheck, commit messages", []step{
		{run: "gofmt -l FILES", how: everyGoFile},
		{run: "go vet ./..."},
		{run: "go vet -tags interop,router ./interop/..."},
		{run: "go vet -tags purego ./arc4/... ./mppe/..."},
		{run: "go vet -tags TAGS ./cmd/... ./internal/... ./speed/...", how: everyTagSet},
		{run: "go vet -C packaging/pack ./..."},
		{run: "go tool staticcheck ./..."},
		{run: "go tool staticcheck -tags interop,router ./interop/..."},
		{run: "git log --no-merges -z --format=%h%n%B " + beforeTheRule + "..HEAD", how: commitMessages},
	}},
	{"unit", "unit and namespace tests, with -race", []step{
		{run: "go test -race -timeout 20m ./..."},
		// The race detector allocates by itself, so what counts allocations is run again.
		{as: "norace", run: "go test ./arc4/... ./mppe/... ./speed/... ./tunnel/... ./internal/..."},
	}},
	{"purego", "the ciphers without assembly", []step{
		{run: "go build -tags purego ./..."},
		{as: "purego", run: "go test -tags purego ./arc4/... ./mppe/..."},
	}},
	{"libcrypto", "the comparison with OpenSSL, build tag libcrypto", []step{
		{run: "CGO_ENABLED=0 go vet -tags libcrypto ./cmd/arc4 " + compared},
		{run: "go vet -tags libcrypto ./cmd/arc4 " + compared, how: withOpenSSL},
		{run: "go tool staticcheck -tags libcrypto ./cmd/arc4 " + compared, how: withOpenSSL},
		{as: "libcrypto", run: "go test -tags libcrypto -race " + compared, how: withOpenSSL},
		{as: "libcrypto", run: "go test -tags libcrypto -run '^TestScripts$/^(speed|backends|man|root)' ./cmd/arc4", how: withOpenSSL},
	}},
	{"cross", "builds for other systems, and what is shipped", []step{
		{run: "CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build ./..."},
		{run: "CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build ./..."},
		{run: "CGO_ENABLED=0 GOOS=linux GOARCH=arm go build ./..."},
		{run: "go run ./tools/build -goos linux -goarch mips ./..."}, // with usleep mended
		{run: "go run ./tools/build -goos linux -goarch mipsle ./..."},
		{run: "CGO_ENABLED=0 GOOS=linux GOARCH=riscv64 go build ./..."},
		{run: "CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go build ./..."},
		{run: "CGO_ENABLED=0 GOOS=freebsd GOARCH=amd64 go build ./..."},
		// What is shipped: its size, and what may not be in it. And a router's build does its work.
		{run: "go test -tags shipped -count=1 -timeout 20m -run ^TestShipped ./tools/build", show: regexp.MustCompile(`\| `)},
		{as: "router", run: "go test -tags TAGS -run " + routersWork + " ./cmd/arc4", how: withRouterTags},
	}},
	{"packages", "packages for Linux distributions, installed and removed in a Debian, and the image", []step{
		{run: "go vet -tags packages ./packaging/linux"},
		{run: "go tool staticcheck -tags packages ./packaging/linux"},
		{run: "go test -tags packages -count=1 -timeout 15m ./packaging/linux"}, // built by now, for the sizes
		{run: "go vet -C packaging/pack ./..."},
		{run: "go test -C packaging/pack -count=1 ./..."},
		{run: "go vet -tags packages ./cmd/arc4"},
		{run: "go test -tags packages -count=1 -run ^TestE2EImage ./cmd/arc4"},
	}},
	{"qemu", "the ciphers on mips, mipsle, arm64 and arm, under qemu-user", []step{
		// Everything on the first machine of an architecture, and on its others what depends on the
		// processor. Go does not know that a result is another machine's, so none is from its
		// cache.
		{run: "go vet ./arc4/... ./mppe/... ./internal/ippkt ./internal/segments", on: isFirst},
		{run: "go test -count=1 -timeout 20m -exec EMULATOR ./arc4/... ./mppe/... ./internal/mipscpu ./internal/ippkt ./internal/segments", on: isLeastLikeAPC},
		{run: "go test -count=1 -timeout 20m -exec EMULATOR -skip " + models + " ./arc4/... ./mppe/... ./internal/mipscpu ./internal/ippkt ./internal/segments", on: isFirstOfTheRest},
		{run: "go test -count=1 -timeout 20m -exec EMULATOR -run " + processorTests + " ./arc4/ ./arc4/asm/ ./mppe/internal/keyhash", on: isAnother},
		// A proxy's counters, and its TCP/IP stack's, have 64 bits where the processor has 32.
		{run: "go test -count=1 -timeout 20m -exec EMULATOR ./internal/socks5 ./internal/httpproxy ./internal/proxy ./tunnel/netstack ./tunnel/netdev/userspace", on: isSmallEndianMIPS},
		// Netlink is in the machine's byte order. qemu-user does not translate all of it, so what
		// asks the kernel is left out.
		{run: "go test -count=1 -timeout 20m -exec EMULATOR -run '^Test(Requests|Answers|AnswersInPieces|EndOfAnAnswer|Malformed)$' ./internal/rtnetlink", on: isLeastLikeAPC},
	}},
	{"fuzz", "every fuzz target, briefly", []step{
		{run: "go test -run ^$ -fuzz ^TARGET$ -fuzztime TIME -fuzzminimizetime 1s -timeout 5m PACKAGE", how: everyFuzzTarget},
	}},
	{"interop", "real peers", []step{
		{run: "go test -tags interop -count=1 -timeout 40m ./interop/...", show: regexp.MustCompile(`\| |TABLE`)},
	}},
	{"router", "both ends of a tunnel on an emulated router of 64 MB, and a big-endian client", []step{
		{run: "go test -tags router -count=1 -timeout 25m ./interop/router"},
	}},
	{"soak", "a tunnel on bad networks, for four minutes", []step{
		// For so long scenes begin; the last one, and building, take up to a minute more.
		{run: "go run ./tools/soak -mode userspace -duration 90s"}, // a network in memory
		{run: "go run ./tools/soak -duration 90s"},                 // the kernel's, where it can be had
	}},
	{"statefuzz", "hostile peers beside a legitimate session, with -race, for a minute", []step{
		{run: "go run -race ./tools/statefuzz -duration 60s"}, // prints its seed, for chance decides
	}},
}

// compared are the packages that the build tag libcrypto changes, beside the command line.
const compared = "./speed ./internal/bench/libcrypto ./tools/bench"

// routersWork are the tests of the program that a router's build is held to: every command line,
// and the life of a tunnel.
const routersWork = "^(TestScripts|TestE2E(Tunnel|DefaultRoute|Reconnect|Trace|Ban|MaxSessions|IPv6|PasswordPrompt|Hooks|Signals(Client|Server)|StatusWhileReconnecting))$"

// processorTests are the tests whose way depends on the processor.
const processorTests = "^(TestConformance|TestPageEnds|TestProcessor|TestAligned|TestLongestStretch|TestSum)$"

// models are mppe's tests that walk long random ways through its states, which no architecture
// changes. They take half a minute under emulation, and run on one machine only.
const models = "^Test(Forged.*|.*Outage.*|StatelessModel|StatefulLoss|HistoryIsCheap)$"
