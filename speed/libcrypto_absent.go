//go:build !libcrypto || !cgo

package speed

// libcryptoRC4 is OpenSSL's RC4, which this build does not have.
func libcryptoRC4() (i implementation, ok bool) { return implementation{}, false }
