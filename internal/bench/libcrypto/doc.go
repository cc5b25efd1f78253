// Package libcrypto runs OpenSSL's RC4 over the workloads of package speed, for comparison.
//
// It needs cgo, a C compiler and OpenSSL's headers (Debian: libssl-dev), and so it exists only in
// builds with the tag libcrypto; [Built] reports whether this is one. The loops are written in C,
// and one call from Go does many operations, so that what is measured is OpenSSL and no call from
// one language to the other. Keys come from the same generator as those of the other
// implementations, computed in C.
package libcrypto

// Name is what the implementation is called in reports.
const Name = "libcrypto"

// HowToBuild is the remedy where Built is false.
const HowToBuild = "go build -tags libcrypto ./cmd/arc4 (with cgo, a C compiler and OpenSSL's headers: libssl-dev on Debian)"
