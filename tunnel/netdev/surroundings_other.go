//go:build !linux

package netdev

// LookAround knows of Linux alone, as does Setup.
func LookAround(string) (Surroundings, error) {
	return Surroundings{nameServers: nameServers(resolverFiles)}, nil
}
