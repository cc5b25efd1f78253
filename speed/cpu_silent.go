//go:build !386 && !amd64 && !arm64

package speed

// askProcessor has none to ask: a program cannot on these architectures, and the package that does
// on others takes 30 KB of a router's file.
func askProcessor() (brand string, features []string) { return "", nil }
