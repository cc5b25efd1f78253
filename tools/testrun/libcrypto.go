package main

import (
	"os/exec"
	"strings"
)

// libcryptoTag is the build tag that takes OpenSSL in, with cgo.
const libcryptoTag = "libcrypto"

// compared are the packages that the tag changes; the others of the command line are tested without
// it.
var compared = []string{"./speed", "./internal/bench/libcrypto", "./tools/bench"}

// withLibcrypto checks and tests what the tag libcrypto brings, and that it asks for nothing where
// there is no cgo.
func withLibcrypto(t *tally) {
	all := append([]string{"./cmd/arc4"}, compared...)
	noCgo := exec.Command("go", append([]string{"vet", "-tags", libcryptoTag}, all...)...)
	noCgo.Env = append(noCgo.Environ(), "CGO_ENABLED=0")
	t.check("libcrypto go vet without cgo", noCgo)
	if !hasOpenSSL() {
		t.skip("libcrypto", "all tests", "no C compiler or no OpenSSL headers (apt-get install gcc libc6-dev libssl-dev)")
		return
	}
	t.check("libcrypto go vet", exec.Command("go", append([]string{"vet", "-tags", libcryptoTag}, all...)...))
	t.check("libcrypto staticcheck", exec.Command("go", append([]string{"tool", "staticcheck", "-tags", libcryptoTag}, all...)...))
	goTest{label: "libcrypto", args: append([]string{"-tags", libcryptoTag, "-race"}, compared...)}.run(t)
	goTest{label: "libcrypto", args: []string{"-tags", libcryptoTag, "-run", "^TestScripts$/^(speed|backends|man|root)", "./cmd/arc4"}}.run(t)
}

// hasOpenSSL says whether cgo will find OpenSSL's headers.
func hasOpenSSL() bool {
	cc, err := exec.Command("go", "env", "CC").Output()
	words := strings.Fields(string(cc))
	if err != nil || len(words) == 0 {
		return false
	}
	probe := exec.Command(words[0], append(words[1:], "-E", "-")...)
	probe.Stdin = strings.NewReader("#include <openssl/rc4.h>\n")
	return probe.Run() == nil
}
