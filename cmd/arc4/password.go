package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// passwordVariable is the environment variable a password is taken from when no file is named.
const passwordVariable = "ARC4_PASSWORD"

// maxPasswordFile bounds what is read of a password file, in bytes.
const maxPasswordFile = 4096

// readPassword finds the password: in the file, else the environment, else at a prompt. It is never an argument, which
// every user of the machine could read.
func readPassword(user, file string, insecure bool, stderr io.Writer) (string, error) {
	if file != "" {
		return passwordFromFile(file, insecure)
	}
	if p, ok := os.LookupEnv(passwordVariable); ok {
		return p, nil
	}
	tty := int(os.Stdin.Fd())
	if !term.IsTerminal(tty) {
		return "", usageError("no password: give --password-file FILE or set %s (standard input is no terminal to ask on)", passwordVariable)
	}
	fmt.Fprintf(stderr, "Password of %s: ", user)
	p, err := term.ReadPassword(tty)
	fmt.Fprintln(stderr)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return string(p), nil
}

// passwordFromFile takes the file's first line. Only a regular file can be readable by others for longer than this run,
// so only that is checked.
func passwordFromFile(name string, insecure bool) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", secretsError("--password-file "+name, cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("--password-file %s: %w", name, cause(err))
	}
	if mode := info.Mode(); mode.IsRegular() && mode.Perm()&0o077 != 0 && !insecure {
		return "", secretsError("--password-file", &secrets.InsecureError{Path: name, Mode: mode})
	}
	b, err := io.ReadAll(io.LimitReader(f, maxPasswordFile+1))
	if err != nil {
		return "", withExit(exitUsage, fmt.Errorf("--password-file %s: %w", name, cause(err)))
	}
	if len(b) > maxPasswordFile {
		return "", usageError("--password-file %s: longer than %d bytes: is this the right file?", name, maxPasswordFile)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", usageError("--password-file %s: its first line is empty", name)
	}
	return line, nil
}

// cause is what a file's error says without the file's name, for messages that name it already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
