package main

import (
	"os"
	"path/filepath"
	"strings"
)

// passwordCredential is the name of connect's password among systemd's credentials, as in
// LoadCredential=password:FILE (systemd.exec(5)).
const passwordCredential = "password"

// containerSecrets is where the runtimes of containers put secrets.
const containerSecrets = "/run/secrets"

// credentialFile is a credential that systemd keeps for this service, if there is one of the name.
func credentialFile(name string) (path string, is bool) {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if !filepath.IsAbs(dir) {
		return "", false
	}
	path = filepath.Join(dir, name)
	_, err := os.Stat(path)
	return path, err == nil
}

// keptForUs reports whether a file lies where systemd, or the runtime of a container, keeps the
// secrets of this service alone: their modes there say nothing about who can reach them.
func keptForUs(path string) bool {
	dirs := []string{containerSecrets}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); filepath.IsAbs(dir) {
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		if strings.HasPrefix(filepath.Clean(path), filepath.Clean(dir)+"/") {
			return true
		}
	}
	return false
}
