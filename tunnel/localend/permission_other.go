//go:build !linux

package localend

// Permitted knows nothing of other systems' permissions: they show where the device and the socket
// are opened.
func Permitted() error { return nil }

// PermittedGRE knows as little.
func PermittedGRE() error { return nil }
