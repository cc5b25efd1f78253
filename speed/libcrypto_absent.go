//go:build !libcrypto || !cgo

package speed

// libcryptoSubject is OpenSSL's RC4, which this build does not have.
func libcryptoSubject() (s subject, ok bool) { return subject{}, false }
