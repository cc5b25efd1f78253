package main

import (
	"os/exec"
	"strings"
)

// withOpenSSL runs a step where OpenSSL can be linked.
func withOpenSSL(t *tally, s step) {
	if !hasOpenSSL() {
		t.skip(s.as, s.run, "no C compiler or no OpenSSL headers (apt-get install gcc libc6-dev libssl-dev)")
		return
	}
	s.with().check(t)
}

// hasOpenSSL reports whether cgo will find OpenSSL's headers.
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
