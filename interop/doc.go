// Package interop holds the project against real peers: pppd on the Linux
// kernel's PPTP, pptp-linux and pptpd, in a user-mode Linux guest. Its tests
// need the build tag interop (`make test-interop`); README.md beside this file
// says what they do and what they need.
package interop
