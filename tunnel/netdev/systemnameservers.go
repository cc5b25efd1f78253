package netdev

import "github.com/arc4tun/arc4tun/internal/resolvconf"

// resolverFiles are where the name servers of a system stand: the file that programs read, and
// where that names a stub on this machine, the stub's own.
var resolverFiles = append([]string{resolvconf.Path}, resolvconf.Upstream...)

// nameServers reads the files that are there.
func nameServers(files []string) (all []nameServer) {
	for _, file := range files {
		for _, a := range resolvconf.Read(file) {
			all = append(all, nameServer{a, file})
		}
	}
	return all
}
