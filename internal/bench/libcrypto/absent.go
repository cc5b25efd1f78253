//go:build !libcrypto || !cgo

package libcrypto

// Built reports whether this build has libcrypto.
const Built = false

// Version is empty where there is no libcrypto.
func Version() string { return "" }
